"""Puts the code's own lines into a lab's page. A comment `<!-- code: FILE NAME -->` stands before the
block; NAME is a function, or `struct NAME` or `enum NAME`."""

import re
from pathlib import Path

import cutter

MARK = re.compile(r"^<!-- code: (\S+) (.+?) -->\n```c\n(.*?)^```$", re.M | re.S)


def excerpt(text, name, where):
    if match := re.match(r"(struct|enum) (\w+)$", name):
        found = re.search(rf"^{match[1]} {match[2]} \{{$.*?^\}}[^\n]*;$", text, re.M | re.S)
        if not found:
            raise cutter.CutError(f"{where} has no {name} that begins and ends in column 0")
        return found[0] + "\n"
    function = cutter.find(text, name, where)
    return "\n".join(text.splitlines()[function.first:function.close + 1]) + "\n"


def filled(page, root):
    """@page with its excerpts as the code is now."""
    def block(match):
        code = excerpt((Path(root) / match[1]).read_text(), match[2], match[1])
        return f"<!-- code: {match[1]} {match[2]} -->\n```c\n{code}```"
    return MARK.sub(block, page)


def named(page):
    """(file, name) of each excerpt."""
    return [(m[1], m[2]) for m in MARK.finditer(page)]


PICTURE = re.compile(r"^<!-- picture: (\S+\.c) (.*?)(?: from=(\S+) to=(\S+))? -->\n!\[[^]]*\]\((\S+\.svg)\)$", re.M)


def pictures(page):
    """(program, the simulator's options, from ms, to ms or "", file) of each picture that a run gives."""
    return [(m[1], m[2].split(), m[3] or "", m[4] or "", m[5]) for m in PICTURE.finditer(page)]
