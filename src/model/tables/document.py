"""Writes docs/layers.md."""


def layers(table):
    return "# Layers\n"
