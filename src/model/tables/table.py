"""The table of layers, conditions, built-in objects and errors: reading and checking it."""

import json
import os
import uuid

HERE = os.path.dirname(os.path.abspath(__file__))

# Class of a condition: (FWP_DATA_TYPE as classified, FWPM_FIELD_TYPE, what a filter may give)
CLASSES = {
    "ADDR": (None, "FWPM_FIELD_IP_ADDRESS", "address, mask or range"),
    "ADDR4": ("FWP_UINT32", "FWPM_FIELD_IP_ADDRESS", "IPv4 address, mask or range"),
    "ADDR6": ("FWP_BYTE_ARRAY16_TYPE", "FWPM_FIELD_IP_ADDRESS", "IPv6 address, mask or range"),
    "U8": ("FWP_UINT8", "FWPM_FIELD_RAW_DATA", "UINT8 or range"),
    "U16": ("FWP_UINT16", "FWPM_FIELD_RAW_DATA", "UINT16 or range"),
    "U32": ("FWP_UINT32", "FWPM_FIELD_RAW_DATA", "UINT32 or range"),
    "U64": ("FWP_UINT64", "FWPM_FIELD_RAW_DATA", "UINT64 or range"),
    "FLAGS": ("FWP_UINT32", "FWPM_FIELD_FLAGS", "UINT32 flags"),
    "BLOB": ("FWP_BYTE_BLOB_TYPE", "FWPM_FIELD_RAW_DATA", "byte blob"),
    "SD": ("FWP_TOKEN_ACCESS_INFORMATION_TYPE", "FWPM_FIELD_RAW_DATA", "security descriptor"),
    "SID": ("FWP_SID", "FWPM_FIELD_RAW_DATA", "SID"),
    "MAC": ("FWP_BYTE_ARRAY6_TYPE", "FWPM_FIELD_RAW_DATA", "6 bytes"),
    "ARRAY16": ("FWP_BYTE_ARRAY16_TYPE", "FWPM_FIELD_RAW_DATA", "16 bytes"),
    "RESERVED": ("FWP_EMPTY", "FWPM_FIELD_RAW_DATA", "nothing"),
}

SUPPORTS = ("enforced", "named", "absent", "reserved")


def load(name):
    with open(os.path.join(HERE, name + ".json"), encoding="utf-8") as file:
        return json.load(file)


class Table:
    """Everything in the JSON files, cross-referenced; raises when it contradicts itself."""

    def __init__(self):
        layers, conditions = load("layers"), load("conditions")
        self.conditions = conditions["conditions"]
        self.condition_aliases = conditions["aliases"]
        self.condition = {c["name"]: c for c in self.conditions}
        self.layers = layers["layers"]
        self.layer = {layer["name"]: layer for layer in self.layers}
        self.field_conditions = layers["field_conditions"]
        self.field_aliases = layers["field_aliases"]
        self.builtins = load("builtins")
        self.errors = load("errors")["errors"]
        for layer in self.layers:
            layer["resolved"] = self.resolve(layer)
        self.check()

    def fields(self, layer):
        while "fields" not in layer:
            layer = self.layer[layer["fields_of"]]
        return layer["fields"]

    def resolve(self, layer):
        """[(field name, condition, FWP_DATA_TYPE name)] in classify order."""
        resolved = []
        for name in self.fields(layer):
            condition = self.condition[self.field_conditions.get(name, name)]
            data_type = CLASSES[condition["class"]][0]
            if data_type is None:
                data_type = "FWP_BYTE_ARRAY16_TYPE" if layer["family"] == 6 else "FWP_UINT32"
            resolved.append((name, condition, data_type))
        return resolved

    def slot(self, layer, name, condition):
        """Where the engine's key holds the field; None: Linux never fills it in."""
        if layer["support"] != "enforced" or name in layer.get("empty", []):
            return None
        return condition.get("slot")

    def check(self):
        assert [layer["id"] for layer in self.layers] == list(range(len(self.layers)))
        assert all(layer["support"] in SUPPORTS for layer in self.layers)
        assert all(condition["class"] in CLASSES for condition in self.conditions)
        assert all(target in self.condition for target in self.condition_aliases.values())
        for rows in (self.layers, self.conditions, *self.builtin_rows()):
            names = [row["name"] for row in rows]
            keys = [row["guid"] for row in rows if row["guid"]]
            assert len(set(names)) == len(names) and len(set(keys)) == len(keys)

    def builtin_rows(self):
        return [rows for rows in self.builtins.values() if isinstance(rows, list)]

    def guids(self):
        """[(prefix, rows)]: every GUID with a name, in the order of the headers."""
        return [
            ("FWPM_LAYER_", self.layers),
            ("FWPM_SUBLAYER_", self.builtins["sublayers"]),
            ("FWPM_CONDITION_", self.conditions),
            ("FWPM_PROVIDER_", self.builtins["providers"]),
            ("FWPM_PROVIDER_CONTEXT_", self.builtins["provider_contexts"]),
            ("FWPM_KEYING_MODULE_", self.builtins["keying_modules"]),
            ("FWPM_CALLOUT_", self.builtins["callouts"]),
        ]


def guid_parts(text):
    """The eleven numbers of DEFINE_GUID."""
    value = uuid.UUID(text)
    first, second, third = value.fields[:3]
    rest = value.bytes[8:]
    return [f"0x{first:08x}", f"0x{second:04x}", f"0x{third:04x}"] + [f"0x{b:02x}" for b in rest]


def guid_initializer(text):
    if not text:
        return "{0}"
    parts = guid_parts(text)
    return "{%s, {%s}}" % (", ".join(parts[:3]), ", ".join(parts[3:]))
