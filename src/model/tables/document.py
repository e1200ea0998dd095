"""Writes docs/layers.md."""

from table import CLASSES

INTRO = """\
# Layers, fields, conditions

<!-- Made by "src/model/tables/generate.py document docs/layers.md": change the table, not this. -->

A layer is a place in the network stack where filters are asked. Windows has {count} of them; all
have their names, run-time ids, GUIDs and fields here, so that programs compile and `FwpmLayerEnum0`
lists them. Filters can be added to those that this version of OpenWFP enforces.

| support | layers | adding a filter |
|---|---|---|
| **enforced** | {enforced} | works |
| named | {named} | `ERROR_NOT_SUPPORTED`: Linux has such an event, OpenWFP does not classify it |
| absent | {absent} | `FWP_E_LAYER_NOT_FOUND`: Linux has nothing like it |
| reserved | {reserved} | `FWP_E_LAYER_NOT_FOUND`, as on Windows |

## Enforced layers

The short name is what `wfp` and the policy language say; it means the V4 and the V6 layer. A
dual-stack IPv6 socket that carries IPv4 is classified at the V6 layer with a v4-mapped address, as
on Windows.

| short | layers | ids | event | hook |
|---|---|---|---|---|
"""

FIELDS_INTRO = """
### Their fields

In the order of `FWPS_FIELDS_*`. *Type* is what is classified (`FWPM_FIELD0.dataType`), *condition
holds* what a filter may compare it with. A field with *no value* is never filled in on Linux: it
is `FWP_EMPTY`, and the one condition on it that can be added is `FWP_MATCH_EQUAL` with `FWP_EMPTY`,
which matches always; others are refused with `ERROR_NOT_SUPPORTED`. Other fields are empty where
they do not apply, such as the local address before one is chosen, or the interface of a connect
that is not bound to one. `IP_LOCAL_INTERFACE` holds the interface's index, `COMPARTMENT_ID` the
inode number of the network namespace.
"""

ALL_INTRO = """
## All layers

| id | layer | GUID | support | event |
|---|---|---|---|---|
"""

CONDITIONS_INTRO = """
## Conditions

A condition is accepted at a layer that has its field (otherwise `FWP_E_CONDITION_NOT_FOUND`); the
engine converts no types (`FWP_E_TYPE_MISMATCH`).

| condition | GUID | condition holds |
|---|---|---|
"""

SUBLAYERS_INTRO = """
## Built-in sublayers

A filter without a sublayer goes to the layer's default one; that is `FWPM_SUBLAYER_UNIVERSAL` at
every layer. Microsoft does not publish the weights; these are ours. UNIVERSAL lies in the middle,
so that there is room on both sides; INSPECTION is the lightest and takes inspection callouts only.
The others belong to Windows components that Linux does not have, and lie in between.

| sublayer | weight | GUID | |
|---|---|---|---|
"""

CALLOUTS_INTRO = """
## Built-in callouts

A filter with the action `FWP_ACTION_CALLOUT_TERMINATING` that names one of these holds what it
matches until an administrator answers ([policy.md](policy.md#hold)); `openwfp.h` says what its
`rawContext` holds. They are always there and always registered.

| callout | GUID | |
|---|---|---|
"""

ERRORS_INTRO = """
## Error codes

| name | code | meaning |
|---|---|---|
"""

FAMILIES = ("_V4", "_V6")


def base(name):
    return name[:-3] if name.endswith(FAMILIES) else name


def row(*cells):
    return "| " + " | ".join(str(cell) for cell in cells) + " |\n"


def code(value):
    return f"`{value}`" if value else "none"


def enforced(table):
    """[(V4 layer, V6 layer)]"""
    v4 = [layer for layer in table.layers if layer["support"] == "enforced"
          and layer["family"] == 4]
    return [(layer, table.layer[base(layer["name"]) + "_V6"]) for layer in v4]


def condition_holds(condition):
    return CLASSES[condition["class"]][2]


def fields(table):
    out = FIELDS_INTRO
    for v4, _ in enforced(table):
        out += f"\n#### {base(v4['name'])} ({v4['short']})\n\n"
        out += row("", "field", "condition", "type", "condition holds", "on Linux")
        out += "|---|---|---|---|---|---|\n"
        for place, (name, condition, data_type) in enumerate(v4["resolved"]):
            if condition["class"] == "RESERVED":
                out += row(place, name, "", "", "", "reserved")
                continue
            is_address = condition["class"] == "ADDR"
            shown = "FWP_UINT32, V6: FWP_BYTE_ARRAY16_TYPE" if is_address else data_type
            out += row(place, name, condition["name"] if condition["name"] != name else "same",
                       shown, condition_holds(condition),
                       "yes" if table.slot(v4, name, condition) else "no value")
    return out


def layers(table):
    counts = {support: sum(layer["support"] == support for layer in table.layers)
              for support in ("enforced", "named", "absent", "reserved")}
    out = INTRO.format(count=len(table.layers), **counts)
    for v4, v6 in enforced(table):
        out += row(f"**{v4['short']}**", f"{base(v4['name'])}_V4, _V6", f"{v4['id']}, {v6['id']}",
                   v4["event"], v4["hook"])
    out += fields(table) + ALL_INTRO
    for layer in table.layers:
        out += row(layer["id"], layer["name"], code(layer["guid"]), layer["support"],
                   layer["event"])
    out += CONDITIONS_INTRO
    for condition in table.conditions:
        if condition["class"] != "RESERVED":
            out += row(condition["name"], code(condition["guid"]), condition_holds(condition))
    for alias, target in table.condition_aliases.items():
        out += row(alias, f"= {target}", "")
    out += SUBLAYERS_INTRO
    for sublayer in sorted(table.builtins["sublayers"], key=lambda s: -s["weight"]):
        out += row(sublayer["name"], f"{sublayer['weight']:#06x}", code(sublayer["guid"]),
                   sublayer["text"])
    out += CALLOUTS_INTRO
    for callout in table.builtins["openwfp_callouts"]:
        out += row("OPENWFP_CALLOUT_" + callout["name"], code(callout["guid"]), callout["text"])
    out += ERRORS_INTRO
    for error in table.errors:
        out += row(error["name"], error["code"], error["text"])
    return out
