"""Words that no solution of a lab needs, and with which code gets around what judges it. Who knows how to hide a
word gets past this; what then runs is confined (docs/labs.md)."""

import re
from collections import Counter

SILENT = "keeps its accesses from the simulator, which then sees no place in it where another CPU could come"
WHY = [(r"_*asm_*", "instructions of one's own are not seen by the simulator"),
       (r"_*no_sanitize\w*|disable_sanitizer\w*", SILENT), (r"_Pragma|pragma", SILENT),
       (r"sim_\w+", "the simulator is called by kernel/arch/sim and kernel/board/sim alone")]


def words(text):
    """(word, line) of C without comments and strings."""
    def blank(match):
        return "\n" * match[0].count("\n") + " "
    bare = re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', blank, text.replace("\\\n", ""), flags=re.S)
    return [(m[0], bare.count("\n", 0, m.start()) + 1) for m in re.finditer(r"[A-Za-z_]\w*", bare)]


def odd(file, text, given):
    """What is wrong with @text, which was @given at first; "" if nothing is. Assembly is as it is."""
    if not file.endswith((".c", ".h")):
        return ""
    free = Counter(word for word, _ in words(given))
    for word, line in words(text):
        for pattern, why in WHY:
            if re.fullmatch(pattern, word):
                free[word] -= 1
                if free[word] < 0:
                    return f"{file}:{line} has {word}: {why}"
    return ""
