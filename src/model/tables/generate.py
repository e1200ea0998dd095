#!/usr/bin/env python3
"""generate.py WHAT FILE: writes one of the files that are made from the table."""

import sys

import document
import headers
import sources
from table import Table

WRITERS = {
    "guids": headers.guids,
    "own-guids": headers.own_guids,
    "layers": headers.layers,
    "errors": headers.errors,
    "statuses": headers.statuses,
    "data": sources.data,
    "document": document.layers,
}


def main():
    what, path = sys.argv[1:]
    with open(path, "w", encoding="utf-8") as file:
        file.write(WRITERS[what](Table()))


if __name__ == "__main__":
    main()
