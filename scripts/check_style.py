#!/usr/bin/env python3
"""The house rules that a program can check; prints what breaks them, exit code 1 then.

- no TODO, FIXME or XXX; no path of a developer's machine; no line over 100 columns
- a C file has at most 600 lines, half of them at most 250 (the public headers and data apart)
- a C function has at most 80 lines, half of them at most 15
"""
import re
import statistics
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("src", "include", "tests", "bench", "examples", "scripts", "docs", "policies")
SUFFIXES = {".c", ".h", ".py", ".md", ".wfp", ".build", ".proto"}
FORBIDDEN = re.compile(r"\b(TODO|FIXME|XXX)\b|(?<![\w}])/(?:home|work)/\w")
FUNCTION_END = re.compile(r"^}$")
MOST_LINES, MEDIAN_LINES, MOST_COLUMNS = 600, 250, 100
MOST_FUNCTION, MEDIAN_FUNCTION = 80, 15


def files():
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*")):
            if path.is_file() and path.suffix in SUFFIXES and "corpus" not in path.parts:
                yield path


def functions(lines):
    """(first line, length) of every function body: "{" alone at the margin to "}" at the margin."""
    start = None
    for number, line in enumerate(lines, 1):
        if line == "{":
            start = number
        elif start and FUNCTION_END.match(line):
            yield start, number - start - 1
            start = None


def check_text(path, lines):
    name = path.relative_to(ROOT)
    long_lines_matter = path.suffix == ".py"  # clang-format sees to C
    for number, line in enumerate(lines, 1):
        if FORBIDDEN.search(line) and path != Path(__file__).resolve():
            yield f"{name}:{number}: {line.strip()[:80]}"
        if long_lines_matter and len(line) > MOST_COLUMNS:
            yield f"{name}:{number}: {len(line)} columns"


def main():
    problems, sizes, bodies = [], [], []
    for path in files():
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        problems += check_text(path, lines)
        if path.suffix != ".c":
            continue
        name = path.relative_to(ROOT)
        sizes.append(len(lines))
        if len(lines) > MOST_LINES:
            problems.append(f"{name}: {len(lines)} lines")
        for start, length in functions(lines):
            bodies.append(length)
            if length > MOST_FUNCTION:
                problems.append(f"{name}:{start}: a function of {length} lines")
    file_median, function_median = statistics.median(sizes), statistics.median(bodies)
    if file_median > MEDIAN_LINES or function_median > MEDIAN_FUNCTION:
        problems.append(f"medians: {file_median} lines a file, {function_median} a function")
    print("\n".join(problems) or f"{len(sizes)} C files, median {file_median:.0f} lines; "
          f"{len(bodies)} functions, median {function_median:.0f}")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
