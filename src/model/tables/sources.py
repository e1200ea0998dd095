"""Writes table_data.c: what src/model/layers.h and its lookups read."""

import json

from table import CLASSES, guid_initializer

SUPPORT = {
    "enforced": "LAYER_ENFORCED",
    "named": "LAYER_NAMED",
    "absent": "LAYER_ABSENT",
    "reserved": "LAYER_RESERVED",
}


def text(value):
    return json.dumps(value) if value else "NULL"


def condition_class(condition):
    return "CONDITION_" + {"ADDR4": "ADDR", "ADDR6": "ADDR"}.get(
        condition["class"], condition["class"])


def conditions(table):
    out = ["const struct condition_info table_conditions[] = {"]
    for row in table.conditions:
        out.append(f"    {{{guid_initializer(row['guid'])}, \"{row['name']}\", "
                   f"{condition_class(row)}}},")
    aliases = ", ".join(f"{{\"{a}\", \"{t}\"}}" for a, t in table.condition_aliases.items())
    return out + ["};", f"const size_t table_condition_count = {len(table.conditions)};",
                  f"const struct table_alias table_condition_aliases[] = {{{aliases}}};",
                  f"const size_t table_condition_alias_count = {len(table.condition_aliases)};"]


def field(table, layer, name, condition, data_type):
    slot = table.slot(layer, name, condition)
    slot = f"CLASSIFY_{slot}" if slot else "-1"
    at = table.conditions.index(condition)
    field_type = CLASSES[condition["class"]][1]
    return (f"    {{&table_conditions[{at}].key, \"{name}\", {data_type}, {field_type}, "
            f"{condition_class(condition)}, {slot}}},")


def layer_flags(layer):
    flags = ["FWPM_LAYER_FLAG_BUILTIN"]
    if layer["id"] < 87:
        flags += ["FWPM_LAYER_FLAG_KERNEL", "FWPM_LAYER_FLAG_CLASSIFY_MOSTLY"]
    if layer["name"].startswith("STREAM_V"):
        flags.append("FWPM_LAYER_FLAG_BUFFERED")
    return " | ".join(flags)


def layers(table):
    out = []
    for layer in table.layers:
        if layer["resolved"]:
            out.append(f"static const struct layer_field fields_{layer['id']}[] = {{")
            out += [field(table, layer, *row) for row in layer["resolved"]]
            out.append("};")
    out.append("const struct layer_info table_layers[] = {")
    for layer in table.layers:
        count = len(layer["resolved"])
        fields = f"fields_{layer['id']}" if count else "NULL"
        out.append(f"    {{{layer['id']}, \"{layer['name']}\", {text(layer.get('short'))},")
        out.append(f"     {guid_initializer(layer['guid'])}, {layer['family']}, {count}, {fields},")
        out.append(f"     {layer_flags(layer)}, {SUPPORT[layer['support']]},")
        out.append(f"     {text(layer.get('hook'))}, {text(layer['event'])}}},")
    return out + ["};", f"const size_t table_layer_count = {len(table.layers)};"]


def builtins(table):
    out = []
    for kind in ("sublayers", "providers", "callouts", "openwfp_callouts", "provider_contexts"):
        rows = table.builtins[kind]
        out.append(f"const struct builtin_info table_{kind}[] = {{")
        for row in rows:
            out.append(f"    {{{guid_initializer(row['guid'])}, \"{row['name']}\", "
                       f"{text(row.get('text'))}, {row.get('weight', 0)}}},")
        out += ["};", f"const size_t table_{kind}_count = {len(rows)};"]
    return out


def errors(table):
    rows = [f"    {{{row['name']}, \"{row['name']}\", {text(row['text'])}}},"
            for row in table.errors]
    return ["const struct error_info table_errors[] = {", *rows, "};",
            f"const size_t table_error_count = {len(table.errors)};"]


def data(table):
    parts = ["/* Made from src/model/tables; change it there. */", '#include "table_data.h"', "",
             '#include "src/classify/abi.h"', ""]
    for part in (conditions, layers, builtins, errors):
        parts += part(table) + [""]
    return "\n".join(parts)
