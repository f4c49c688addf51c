#!/usr/bin/env python3
"""Small changes of C or assembly, one at a time, that a proof over the code should notice.

Usage: mutate.py FILE [FUNCTION...]   lists them

Operators, constants, neighbouring statements and single statements of the named functions (all, when
none is named) are changed. What the compiler translates to the same code as before is no change;
who runs the mutants finds that out.
"""

import re
import sys
from dataclasses import dataclass
from pathlib import Path

C_TOKENS = [
    (r"(?<![<>=!+\-*/&|^])<=(?!=)", "<"), (r"(?<![<>=!\-])>=(?!=)", ">"),
    (r" < ", " <= "), (r" > ", " >= "), (r"==", "!="), (r"!=", "=="),
    (r" && ", " || "), (r" \|\| ", " && "), (r" & ", " | "), (r" \| ", " & "),
    (r" << ", " >> "), (r" >> ", " << "), (r"\|= ", "= "), (r"&= ~", "&= "), (r"&= ", "|= "),
    (r"(?<=[\w)\]]) \+ ", " - "), (r"(?<=[\w)\]]) - ", " + "), (r"\+=", "-="), (r"-=", "+="),
    (r"\+\+", "--"), (r"(?<!-)--", "++"), (r"!(?=[\w(])", ""), (r"\bMIN\(", "MAX("), (r"\bMAX\(", "MIN("),
    (r"\btrue\b", "false"), (r"\bfalse\b", "true"), (r"\bNULL\b(?= :|;)", "(void *)16"),
    (r"(?<![\w.x])0(?![\w.x])", "1"), (r"(?<![\w.x])1(?=[;)\s\]])", "2"), (r"(?<![\w.x])(?:4|8|16)(?=[;)\s,])", "3"),
    (r"->next\b", "->prev"), (r"->prev\b", "->next"),
]
# Of memory orders, for tools that know what they mean.
ORDER_TOKENS = [(rf"\b{prefix}{old}\b", prefix + new) for prefix in ("memory_order_", "__ATOMIC_") for old, new in (
    (("acquire", "relaxed"), ("release", "relaxed"), ("acq_rel", "acquire"), ("acq_rel", "release"), ("seq_cst", "acq_rel"))
    if prefix[0] == "m" else (("ACQUIRE", "RELAXED"), ("RELEASE", "RELAXED")))]
TOLD = "arch_lock_"  # what tells the simulator of a lock, and is nothing on a machine
ASM_WORDS = r"\t(?:push|pop|mov|stp|ldp|str|ldr|sub|add|mrs|msr|adrp)\b"
ASM_TOKENS = [
    (r"%r12\b", "%r13"), (r"%rbx\b", "%rcx"), (r"%rbp\b", "%rbx"), (r"%rdi\b", "%rsi"), (r"%rax\b", "%rdx"),
    (r"\$8\b", "$16"), (r"\$16\b", "$24"), (r"136\(", "128("), (r"\b8\(%rbp", "16(%rbp"),
    (r"\bx19\b", "x21"), (r"\bx18\b", "x17"), (r"\bx30\b", "x29"), (r"\belr_el1\b", "spsr_el1"),
    (r"#16\]", "#24]"), (r"#80\]", "#88]"), (r"#96\b", "#112"), (r"\bPC\b", "PSTATE"),
    (r"IRQ_FRAME_PSTATE\]", "IRQ_FRAME_X18]"), (r"REGS_FAR\]", "REGS_ESR]"), (r"\bx1\b", "x2"),
]


@dataclass(frozen=True)
class Mutant:
    file: str
    line: int
    old: str
    new: str
    text: str  # the whole file

    def __str__(self):
        return f"{self.file}:{self.line}: `{self.old}` -> `{self.new}`"


def code_only(line):
    """The line with its comment and texts blanked out, in place."""
    line = re.sub(r'"[^"]*"', lambda m: " " * len(m[0]), line)
    return re.sub(r"/\*.*?(\*/|$)", lambda m: " " * len(m[0]), line)


def inside_comment(lines):
    inside, answer = False, []
    for line in lines:
        answer.append(inside or line.lstrip().startswith(("* ", "*/")))
        rest = line
        while True:
            at = rest.find("*/" if inside else "/*")
            if at < 0:
                break
            inside, rest = not inside, rest[at + 2:]
    return answer


def bodies(lines, wanted, assembly):
    """The numbers of the lines inside the functions."""
    name, inside = None, False
    for number, line in enumerate(lines):
        if assembly:
            match = re.match(r"(?:ENTRY\((\w+)\)|\t\.macro\s+(save|load)\b)", line)
            if match:
                inside = not wanted or (match[1] or match[2]) in wanted
            elif line.startswith("END("):
                inside = False
            elif inside:
                yield number
            continue
        match = re.match(r"[A-Za-z_].*?(\w+)\(", line)
        if match and not inside:
            name = match[1]
        if line == "{":
            inside = not wanted or name in wanted
        elif line.startswith("}"):
            inside = False
        elif inside:
            yield number


def function_at(mutant):
    """The name of the C function that it changes."""
    for line in reversed(mutant.text.split("\n")[:mutant.line]):
        if match := re.match(r"[A-Za-z_].*?(\w+)\(", line):
            return match[1]
    return ""


def is_statement(line):
    """A statement that stands alone on its line, and declares nothing."""
    text = code_only(line).strip()
    return bool(text.endswith(";") and not re.match(r"(?:return|break|case|default|else|for|if|while|do)\b", text) and
                re.match(r"[\w*(&+-]", text) and
                not re.match(r"(?:const |static |unsigned |struct |u\d+ |int |bool |usize |uptr |char |enum )", text) or
                re.match(r"(?:break|continue|return;)", text))


def assigned(line):
    """The last name on the left side of a simple assignment."""
    match = re.match(r"\s*[\w\[\]>.()* -]*?(\w+)(?:\[[^=]*\])? (?:[-+|&]|<<|>>)?= [^=]*;$", code_only(line))
    return match[1] if match and line.count(" = ") < 2 and "(" not in line.split("=")[1].replace("(u16)", "") else None


def independent(one, other):
    """Two assignments of which neither names what the other one sets: their order is no matter."""
    a, b = assigned(one), assigned(other)
    return bool(a and b and not re.search(rf"\b{a}\b", other) and not re.search(rf"\b{b}\b", one))


def independent_moves(one, other):
    """Two loads or stores beside a register, without push or pop, that share no register and no place."""
    pattern = r"\t(stp|ldp|str|ldr)\t(.*), (\[sp(?:, #[^\]]*)?\])$"
    a, b = re.match(pattern, code_only(one).rstrip()), re.match(pattern, code_only(other).rstrip())
    if not a or not b or a[3] == b[3]:
        return False
    return a[1][:2] == b[1][:2] == "st" or not set(a[2].split(", ")) & set(b[2].split(", "))


def line_changes(line, tokens):
    shown = code_only(line)
    for pattern, new in tokens:
        for match in re.finditer(pattern, shown):
            yield line[:match.start()] + new + line[match.end():]


def mutants(root, file, functions=(), orders=False):
    """Every mutant of the functions of a file, in the order of the file."""
    lines = (Path(root) / file).read_text().split("\n")
    assembly = file.endswith(".S")
    tokens = [*([*ORDER_TOKENS, (r"\barch_irq_save\(\)", "arch_irq_enabled()")] if orders else []), *C_TOKENS]
    comment = inside_comment(lines)
    body = [n for n in bodies(lines, set(functions), assembly) if not comment[n] and not lines[n].startswith("#")]
    single = (lambda text: re.match(ASM_WORDS, text)) if assembly else is_statement
    for number in body:
        line = lines[number]
        if orders and TOLD in line:
            continue

        def mutant(new, count=1, old=line):
            text = "\n".join([*lines[:number], *new, *lines[number + count:]])
            return Mutant(file, number + 1, " ".join(old.split()), " ".join(" ; ".join(new).split()), text)

        for new in line_changes(line, ASM_TOKENS if assembly else tokens):
            yield mutant([new])
        if single(line):
            previous = code_only(lines[number - 1]).strip()
            if assembly or not re.match(r"(?:if|else|for|while)\b", previous) or previous.endswith("{"):
                yield mutant([])
            else:
                yield mutant([re.match(r"\s*", line)[0] + ";"])
            after = lines[number + 1]
            same = independent_moves if assembly else independent
            if number + 1 in body and single(after) and not (orders and TOLD in after) and not same(line, after) and re.match(r"\s*", line)[0] == re.match(r"\s*", after)[0]:
                yield mutant([after, line], 2, f"{line} ; {after}")


def spread(everything, most):
    """At most so many of them, evenly from the first to the last."""
    if len(everything) <= most:
        return list(everything)
    return [everything[i * len(everything) // most] for i in range(most)]


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    for found in mutants(".", sys.argv[1], sys.argv[2:]):
        print(found)
