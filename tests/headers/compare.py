#!/usr/bin/env python3
"""
compare.py INCLUDE_DIR...: every name that our headers and mingw-w64's both have means the same.

The names are found, not listed: macros, enumeration constants, structures and scalar types of our
headers that mingw-w64 declares as well. A native program prints what each is worth with ours; for
mingw-w64, whose programs don't run here, the same is put into _Static_asserts and compiled.
"""

import json
import os
import re
import subprocess
import sys
import tempfile

import declarations

MINGW = "x86_64-w64-mingw32-gcc"
SKIPPED = 77
OURS = ["windows.h", "rpc.h", "sddl.h", "fwpmu.h", "fwpsu.h"]
THEIRS = ["windows.h", "rpc.h", "sddl.h", "fwpmu.h"]
# The newest Windows: each side declares all it has.
VERSION = ["-D_WIN32_WINNT=0x0a00", "-DNTDDI_VERSION=0x0a00000b"]
HERE = os.path.dirname(os.path.abspath(__file__))


class Side:
    """One set of headers and its compiler."""

    def __init__(self, work, name, compiler, includes, wanted_file):
        self.work, self.name = work, name
        self.compiler = compiler + VERSION + ["-fshort-wchar", "-w"]
        self.prologue = "".join(f"#include <{header}>\n" for header in includes)
        self.prologue += "#include <stddef.h>\n"
        text = self.run(["-E"], self.prologue)
        self.macros = declarations.object_macros(self.run(["-E", "-dM"], self.prologue))
        self.structures, self.constants, self.scalars = declarations.types(
            declarations.tokens(text, wanted_file))
        self.guids, self.prototypes = {}, {}
        self.functions = set(re.findall(r"\b(Fwpm\w+)\s*\(", text))
        for path in set(re.findall(r'^# \d+ "([^"<]*\.h)"', text, re.M)):
            if wanted_file(path):
                with open(path, encoding="utf-8", errors="replace") as file:
                    text = file.read()
                self.guids.update(declarations.guids(text))
                self.prototypes.update(declarations.prototypes(text))

    def run(self, options, source, check=True):
        path = os.path.join(self.work, self.name + ".c")
        with open(path, "w", encoding="utf-8") as file:
            file.write(source)
        result = subprocess.run(self.compiler + options + [path], check=False,
                                capture_output=True, text=True)
        if check and result.returncode != 0:
            sys.exit(f"{self.name}: {result.stderr}")
        return result.stdout if check else result.stderr

    def failing(self, lines):
        """Which of these declarations the compiler refuses."""
        source = self.prologue + "\n".join(lines) + "\n"
        first = self.prologue.count("\n") + 1
        errors = self.run(["-fsyntax-only", "-fmax-errors=0"], source, check=False)
        numbers = {int(n) for n in re.findall(rf"{self.name}\.c:(\d+):\d+: error", errors)}
        strange = [n for n in numbers if not 0 <= n - first < len(lines)]
        if strange:
            sys.exit(f"{self.name}: {errors}")
        return {n - first for n in numbers}

    def integers(self, names):
        """Those that are integer constant expressions."""
        bad = self.failing([f"_Static_assert((0 & ({n})) == 0, \"\");" for n in names])
        return [name for i, name in enumerate(names) if i not in bad]


def values(ours, expressions):
    """What our headers make of each expression, by running a program."""
    lines = "".join(f'    printf("%llu\\n", (unsigned long long)({e}));\n' for e in expressions)
    program = os.path.join(ours.work, "values")
    ours.run(["-o", program], f"#include <stdio.h>\n{ours.prologue}int main(void)\n{{\n{lines}}}\n")
    text = subprocess.run([program], check=True, capture_output=True, text=True).stdout
    return [int(line) for line in text.split()]


def layout(structure, names):
    yield f"sizeof({structure})"
    for member in names:
        yield f"offsetof({structure}, {member})"
        yield f"sizeof((({structure} *)0)->{member})"


def cut(value):
    """A 32-bit code is signed there and unsigned here, or the other way round."""
    return value & 0xffffffff if value >> 32 in (0, 0xffffffff) else value


def compare_values(ours, theirs, expressions, problems):
    facts = values(ours, expressions)
    lines = []
    for expression, value in zip(expressions, facts):
        mask = " & 0xffffffff" if cut(value) >> 32 == 0 and "sizeof" not in expression else ""
        lines.append(f"_Static_assert(((unsigned long long)({expression}){mask}) == "
                     f"{cut(value)}ull, \"\");")
    for place in theirs.failing(lines):
        problems[expressions[place]] = f"ours {facts[place]:#x}"


def compare(ours, theirs):
    """({name: what differs}, {kind: how many names were compared})."""
    problems = {}
    mine = {n for n in ours.macros if not n.startswith("_")} | ours.constants
    names = sorted(mine & (set(theirs.macros) | theirs.constants))
    names = theirs.integers(ours.integers(names))
    compare_values(ours, theirs, names, problems)

    structures = sorted(set(ours.structures) & set(theirs.structures))
    expressions = []
    for name in structures:
        expressions.append(f"sizeof({name})")
        if ours.structures[name] == theirs.structures[name]:
            expressions += list(layout(name, ours.structures[name]))[1:]
        else:
            problems[name] = (f"members {' '.join(ours.structures[name])}; there "
                              f"{' '.join(theirs.structures[name])}")
    scalars = sorted(ours.scalars & theirs.scalars - set(structures))
    expressions += [f"sizeof({name})" for name in scalars]
    compare_values(ours, theirs, expressions, problems)

    # Declared again after their own declaration: a compiler refuses what is not the same.
    functions = sorted(set(ours.prototypes) & theirs.functions)
    for place in theirs.failing([ours.prototypes[name] for name in functions]):
        problems[functions[place]] = ours.prototypes[functions[place]]

    guids = sorted(set(ours.guids) & set(theirs.guids))
    for name in guids:
        if ours.guids[name] != theirs.guids[name]:
            problems[name] = f"GUID {ours.guids[name]}; there {theirs.guids[name]}"
    return problems, {"constants": len(names), "structures": len(structures),
                      "scalar types": len(scalars), "functions": len(functions),
                      "GUIDs": len(guids)}


def main():
    try:
        subprocess.run([MINGW, "--version"], check=True, capture_output=True)
    except OSError:
        print(f"SKIP: {MINGW} is missing; ./dev deps installs it")
        return SKIPPED
    with open(os.path.join(HERE, "mingw_errata.json"), encoding="utf-8") as file:
        errata = json.load(file)
    directories = [os.path.realpath(path) for path in sys.argv[1:]]

    def is_ours(path):
        return os.path.dirname(os.path.realpath(path)) in directories

    with tempfile.TemporaryDirectory() as work:
        flags = [f"-I{path}" for path in directories]
        ours = Side(work, "ours", ["gcc"] + flags, OURS, is_ours)
        theirs = Side(work, "theirs", [MINGW], THEIRS, lambda path: path.endswith(".h"))
        problems, counts = compare(ours, theirs)
    print("compared with mingw-w64: " + ", ".join(f"{n} {kind}" for kind, n in counts.items()))
    if min(counts.values()) == 0:
        print("FAIL: a kind of names was not found at all")
        return 1
    unknown = {name: text for name, text in problems.items() if name not in errata}
    for name in sorted(set(problems) & set(errata)):
        print(f"known: {name}: {errata[name]}")
    for name, text in sorted(unknown.items()):
        print(f"FAIL: {name}: {text}")
    return 1 if unknown else 0


if __name__ == "__main__":
    sys.exit(main())
