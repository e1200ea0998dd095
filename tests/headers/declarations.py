"""What a C header declares: just enough of C to read the Windows API's headers."""

import re

TOKEN = re.compile(r"[A-Za-z_]\w*|\d[\w.]*|\"(?:\\.|[^\"])*\"|'(?:\\.|[^'])*'|.", re.S)
LINE_MARKER = re.compile(r'^# \d+ "([^"]*)".*$')
MACRO = re.compile(r"^#define ([A-Za-z_]\w*)(?: (.*))?$")


def object_macros(text):
    """{name: body} of the object-like macros in the output of -E -dM."""
    found = {}
    for line in text.splitlines():
        match = MACRO.match(line)
        if match and match.group(2):
            found[match.group(1)] = match.group(2)
    return found


def tokens(preprocessed, wanted_file):
    """The tokens of those files for which wanted_file(path) holds."""
    kept, wanted = [], True
    for line in preprocessed.splitlines():
        marker = LINE_MARKER.match(line)
        if marker:
            wanted = wanted_file(marker.group(1))
        elif wanted:
            kept.append(line)
    return [t for t in TOKEN.findall("\n".join(kept)) if not t.isspace()]


def block(toks, at):
    """toks[at] is '{': (the tokens inside, the place behind the matching '}')."""
    depth, begin = 0, at + 1
    while True:
        if toks[at] == "{":
            depth += 1
        elif toks[at] == "}":
            depth -= 1
            if depth == 0:
                return toks[begin:at], at + 1
        at += 1


def members(toks):
    """Names of a structure's members in order; those of anonymous ones inside count as its own."""
    names, at = [], 0
    while at < len(toks):
        inner, last = None, None
        while toks[at] != ";":
            if toks[at] == "{":
                inner, at = block(toks, at)
                last = None
                continue
            if toks[at] in "[:":
                at = toks.index(";", at)
                break
            if re.match(r"[A-Za-z_]", toks[at]):
                last = toks[at]
            at += 1
        if inner is not None and last is None:
            names += members(inner)
        elif last is not None:
            names.append(last)
        at += 1
    return names


def enumerators(toks):
    """Names of an enumeration's constants."""
    names, depth, fresh = [], 0, True
    for token in toks:
        depth += (token == "(") - (token == ")")
        if token == "," and depth == 0:
            fresh = True
        elif fresh:
            names.append(token)
            fresh = False
    return names


def declarators(toks, at):
    """From behind a typedef's body: (the plain names it gives, the place behind ';')."""
    end = toks.index(";", at)
    names, plain = [], True
    for token in toks[at:end]:
        if token == "*":
            plain = False
        elif token == ",":
            plain = True
        elif plain and re.match(r"[A-Za-z_]\w*$", token):
            names.append(token)
    return names, end + 1


def types(toks):
    """({structure: [member]}, {enumeration constant}, {scalar type}) of typedefs and enums."""
    structures, constants, scalars, at = {}, set(), set(), 0
    while at < len(toks):
        if toks[at] == "typedef" and toks[at + 1] not in ("struct", "union", "enum"):
            end = toks.index(";", at)
            if "(" not in toks[at:end]:
                scalars.update(name for name, after in zip(toks[at + 2:end], toks[at + 3:end + 1])
                               if after in ",;")
            at = end + 1
            continue
        is_typedef = toks[at] == "typedef"
        kind = toks[at + 1] if is_typedef else toks[at]
        brace = at + is_typedef + 1
        while kind in ("struct", "union", "enum") and brace < len(toks) and \
                re.match(r"[A-Za-z_]", toks[brace]):
            brace += 1
        if kind not in ("struct", "union", "enum") or brace >= len(toks) or toks[brace] != "{":
            at += 1
            continue
        body, at = block(toks, brace)
        names, at = declarators(toks, at)
        if kind == "enum":
            constants.update(enumerators(body))
        elif is_typedef:
            structures.update({name: members(body) for name in names})
    return structures, constants, scalars


def guids(text):
    """{name: [eleven numbers]} of the DEFINE_GUIDs in a file's text."""
    found = {}
    for match in re.finditer(r"DEFINE_GUID\s*\(([^()]*)\)", text):
        name, *numbers = [part.strip() for part in match.group(1).split(",")]
        if len(numbers) == 11 and all(re.match(r"0x", number) for number in numbers):
            found[name] = [int(number.rstrip("UL"), 16) for number in numbers]
    return found


def prototypes(text):
    """{name: declaration on one line} of the functions of a header of ours."""
    found = re.findall(r"^((?:DWORD|void) WINAPI (\w+)\([^;]*\);)", text, re.M)
    return {name: re.sub(r"\s+", " ", declaration) for declaration, name in found}
