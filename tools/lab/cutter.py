"""Finds functions in a text by the tree's style, takes their bodies out, and puts others in.

It relies on two rules that `make lint` holds: a C function's body begins with `{` and ends with `}`,
both alone in column 0; an assembly routine stands between ENTRY(name) and END(name).
"""

import re
from dataclasses import dataclass

# Identifiers before a parenthesis that are not a function's name.
ATTRIBUTES = {"__attribute__", "__asm__", "PRINTF_LIKE", "REQUIRES", "RELEASE", "ACQUIRE", "TRY_ACQUIRE",
              "EXCLUDES", "GUARDED_BY", "aligned", "section"}
INCLUDE = '#include "base/lab.h" /* until nothing here is a lab\'s any more */'


class CutError(Exception):
    """The text has no such function, or not in the style that can be cut."""


@dataclass(frozen=True)
class Function:
    name: str
    first: int  # line of the declaration, from 0
    open: int  # line of `{` or ENTRY
    close: int  # line of `}` or END
    head: str  # declaration without comments
    assembly: bool = False

    def body(self, lines):
        """The lines between the braces."""
        return lines[self.open + 1:self.close]


def closing(text, at):
    """Where the parenthesis that opens at @at is closed."""
    depth = 0
    for i in range(at, len(text)):
        depth += (text[i] == "(") - (text[i] == ")")
        if not depth:
            return i
    raise CutError(f"a parenthesis is not closed: {text}")


def without_attributes(head):
    while match := re.search(r"\b(?:__attribute__|__asm__)\s*\(", head):
        head = head[:match.start()] + head[closing(head, match.end() - 1) + 1:]
    return head


def name_of(head):
    """(name, text of its parameters) of a declaration; None when it declares no function."""
    head = without_attributes(head)
    for match in re.finditer(r"\b([A-Za-z_]\w*)\s*\(", head):
        if match[1] in ATTRIBUTES:
            continue
        return match[1], head[match.end():closing(head, match.end() - 1)]
    return None


def parameters(text):
    """The names in a list of parameters."""
    names, depth, start = [], 0, 0
    for i, c in enumerate(text + ","):
        depth += (c == "(") - (c == ")")
        if c != "," or depth:
            continue
        one = text[start:i].strip()
        start = i + 1
        pointer = re.search(r"\(\s*\*\s*(\w+)\s*[\[)]", one)
        plain = re.search(r"(\w+)\s*(?:\[[^\]]*\]\s*)*$", one)
        if pointer:
            names.append(pointer[1])
        elif plain and one not in ("void", "...") and re.search(r"[\s*]\w+\s*(\[[^\]]*\]\s*)*$", one):
            names.append(plain[1])
    return names


def without_comments(text):
    return re.sub(r"/\*.*?\*/", lambda m: "\n" * m[0].count("\n") or " ", text, flags=re.S)


def head_start(lines, brace):
    """The first line of the declaration whose body opens at line @brace."""
    at = brace
    while at > 0 and lines[at - 1].strip() and not re.search(r"(;|^\}.*|\*/|^#.*|\\)$", lines[at - 1]):
        at -= 1
    return at


def functions(text, where="the text"):
    """All functions of a C or assembly text, in their order."""
    lines = text.splitlines()
    bare = without_comments(text).splitlines()
    found = []
    for i, line in enumerate(bare):
        if line == "{":
            close = next((j for j in range(i + 1, len(bare)) if bare[j] in ("{", "}")), None)
            start = head_start(bare, i)
            head = " ".join(bare[start:i])
            named = name_of(head)
            if close is None or bare[close] == "{":
                raise CutError(f"{where}:{i + 1}: this body has no `}}` that stands alone in column 0")
            if named:
                found.append(Function(named[0], start, i, close, head))
        elif match := re.match(r"ENTRY\((\w+)\)", line):
            close = next((j for j in range(i + 1, len(lines)) if lines[j].startswith(f"END({match[1]})")), None)
            if close is None:
                raise CutError(f"{where}:{i + 1}: ENTRY({match[1]}) has no END({match[1]})")
            found.append(Function(match[1], i, i, close, line, True))
    return found


def find(text, name, where="the text"):
    found = [f for f in functions(text, where) if f.name == name]
    if len(found) != 1:
        raise CutError(f"{where} has {len(found) or 'no'} function{'s' if len(found) > 1 else ''} {name} that begins with `{{` "
                       "and ends with `}` alone in column 0; was it renamed? The lab's lab.toml names it")
    return found[0]


def stub(function, lab, lines):
    """The lines that take the place of a body. Labels within that others jump to stay."""
    if function.assembly:
        shared = [m[1] for line in function.body(lines) if (m := re.match(r"\s*\.globl\s+(\w+)", line))]
        return [*(f"\t.globl\t{label}\n{label}:" for label in shared), f'\tLAB_TODO_ASM("{lab}", "{function.name}")']
    names = parameters(name_of(function.head)[1])
    unused = ["\t" + ", ".join(f"(void){n}" for n in names) + ";"] if names else []
    return [*unused, f'\tLAB_TODO("{lab}", "{function.name}");']


def with_include(lines):
    """The declaration of LAB_TODO comes behind the first include or what stands at the top."""
    if INCLUDE in lines:
        return lines
    for pattern in (r"#\s*include\b", r"#pragma once"):
        for i, line in enumerate(lines):
            if re.match(pattern, line):
                return [*lines[:i + 1], INCLUDE, *lines[i + 1:]]
    top = next((i + 1 for i, line in enumerate(lines) if "*/" in line), 0) if lines[0].startswith("/*") else 0
    return [*lines[:top], INCLUDE, *lines[top:]]


def replace(text, name, body, where="the text"):
    """@text with other lines between the braces of function @name."""
    function = find(text, name, where)
    lines = text.splitlines()
    return "\n".join([*lines[:function.open + 1], *body, *lines[function.close:]]) + "\n"


def cut(text, names, lab, where="the text", instead=None):
    """@text in which the bodies of @names say whose they are, or are those of @instead."""
    given = instead or {}
    for name in names:
        body = given[name].strip("\n").splitlines() if name in given else stub(find(text, name, where), lab, text.splitlines())
        text = replace(text, name, body, where)
    return text if set(names) <= set(given) else "\n".join(with_include(text.splitlines())) + "\n"


def body_of(text, name, where="the text"):
    return find(text, name, where).body(text.splitlines())


def is_todo(text, name, lab, instead=None, where="the text"):
    """Whether the body of @name is still the one that `cut` left."""
    if name in (instead or {}):
        return body_of(text, name, where) == instead[name].strip("\n").splitlines()
    return any(re.search(rf'LAB_TODO(_ASM)?\("{lab}", "{name}"\)', line) for line in body_of(text, name, where))


def graft(text, source, names, where="the text"):
    """@text with the bodies that @source has for @names, where those are written."""
    for name in names:
        text = replace(text, name, body_of(source, name, where), where)
    return text


def mask(text, names):
    """@text without the bodies of @names and without the cutter's include: what a student leaves alone."""
    lines = [line for line in text.splitlines() if line != INCLUDE]
    for name in names:
        lines = replace("\n".join(lines) + "\n", name, []).splitlines()
    return lines
