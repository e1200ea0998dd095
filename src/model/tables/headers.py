"""Writes the parts of the public headers that come from the table."""

from table import guid_parts

KERNEL_STATUSES = [
    ("TCPIP_NOT_READY", 0xc0220100, "The network is not ready"),
    ("INJECT_HANDLE_CLOSING", 0xc0220101, "The injection handle is being destroyed"),
    ("INJECT_HANDLE_STALE", 0xc0220102, "The injection handle is of another type"),
    ("CANNOT_PEND", 0xc0220103, "This operation can't be pended"),
]
NOTICE = "/* Made from src/model/tables; change it there. */\n"


def guard(name, body):
    macro = name.upper().replace(".", "_")
    return f"{NOTICE}#ifndef {macro}\n#define {macro}\n\n{body}\n#endif\n"


def define_guids(prefix, rows):
    out = []
    for row in rows:
        if row["guid"]:
            parts = guid_parts(row["guid"])
            out.append(f"/* {row['guid']} */")
            out.append(f"DEFINE_GUID({prefix}{row['name']}, {', '.join(parts[:3])},")
            out.append(f"            {', '.join(parts[3:])});")
    return out


def guids(table):
    out = []
    for prefix, rows in table.guids():
        out += define_guids(prefix, rows)
    for alias, target in table.condition_aliases.items():
        out.append(f"#define FWPM_CONDITION_{alias} FWPM_CONDITION_{target}")
    for alias, target in table.builtins["aliases"].items():
        out.append(f"#define {alias} {target}")
    return guard("fwpm_guids.h", "#include <guiddef.h>\n\n" + "\n".join(out) + "\n")


def own_guids(table):
    body = "\n".join(define_guids("OPENWFP_CALLOUT_", table.builtins["openwfp_callouts"]))
    return guard("openwfp_guids.h", "#include <guiddef.h>\n\n" + body + "\n")


def layer_ids(table):
    out = ["typedef enum FWPS_BUILTIN_LAYERS_ {"]
    out += [f"    FWPS_LAYER_{layer['name']} = {layer['id']}," for layer in table.layers]
    out += [f"    FWPS_BUILTIN_LAYER_MAX = {len(table.layers)}", "} FWPS_BUILTIN_LAYERS;"]
    out += ["#define FWPS_BUILTIN_KM_LAYER_MAX FWPS_LAYER_IPSEC_KM_DEMUX_V4"]
    return out


def field_enum(layer, fields):
    prefix = f"FWPS_FIELD_{layer['name']}_"
    odd = layer.get("enumerators", {})
    name = layer.get("fields_type", f"FWPS_FIELDS_{layer['name']}")
    out = ["", f"typedef enum {name}_ {{"]
    out += [f"    {odd.get(field, prefix + field)} = {i}," for i, field in enumerate(fields)]
    out += [f"    {prefix}MAX = {len(fields)}", f"}} {name};"]
    return out


def layers(table):
    out = layer_ids(table)
    for layer in table.layers:
        if layer["guid"] and not layer["name"].endswith("_DISCARD"):
            out += field_enum(layer, table.fields(layer))
    out.append("")
    for row in table.field_aliases:
        for layer in row["layers"]:
            prefix = f"FWPS_FIELD_{layer}_"
            out.append(f"#define {prefix}{row['alias']} {prefix}{row['field']}")
    return guard("fwps_layers.h", "\n".join(out) + "\n")


def errors(table):
    out = []
    for row in table.errors:
        code = row["code"]
        code = f"((DWORD){code})" if isinstance(code, str) else code
        out.append(f"/* {row['text']} */\n#define {row['name']} {code}")
    return guard("fwp_errors.h", "\n".join(out) + "\n")


def statuses(table):
    """In the kernel's API the filter engine's errors have names and numbers of their own."""
    out = []
    rows = [(row["name"], int(row["code"], 16), row["text"])
            for row in table.errors if row["name"].startswith("FWP_E_")]
    for name, code, text in rows:
        status = 0xc0220000 | code & 0xffff
        out.append(f"/* {text} */\n#define STATUS_{name.replace('FWP_E_', 'FWP_')} "
                   f"((NTSTATUS)0x{status:08x})")
    for name, status, text in KERNEL_STATUSES:
        out.append(f"/* {text} */\n#define STATUS_FWP_{name} ((NTSTATUS)0x{status:08x})")
    return guard("fwp_statuses.h", "\n".join(out) + "\n")
