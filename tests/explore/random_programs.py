"""Small random programs for the explorer's test against rc11.py."""

import random

LOADS = ("rlx", "acq", "sc")
STORES = ("rlx", "rel", "sc")
CHANGES = ("rlx", "acq", "rel", "ar", "sc")
FENCES = ("acq", "rel", "ar", "sc")


def program(seed, waits=False):
    """A line for litmus: 2 or 3 threads, 4 to 8 operations, 2 or 3 variables. A third of them without any
    seq_cst, a third with seq_cst fences only. @p waits: half of the loads are spin loops."""
    r = random.Random(seed)
    threads = 2 + (r.randrange(3) == 0)
    variables = "xyz"[:2 + (r.randrange(4) == 0)]
    style = seed % 3
    value = 0
    lines = []
    for _ in range(threads):
        ops = []
        for _ in range(2 + r.randrange(3 if threads == 2 else 2)):
            kind = "RRRRWWWWXF"[r.randrange(10)]
            if kind == "X" and r.randrange(2):
                kind = "C"
            if kind == "R" and waits and r.randrange(2):
                kind = "A"
            choice = {"R": LOADS, "A": LOADS, "W": STORES, "X": CHANGES, "C": CHANGES, "F": FENCES}[kind]
            order = choice[r.randrange(len(choice) - (style == 0 or style == 1 and kind != "F"))]
            variable = variables[r.randrange(len(variables))]
            if kind == "F":
                ops.append(f"F {order}")
            elif kind in "RA":
                ops.append(f"{kind} {variable} {order}")
            else:
                value += 1
                ops.append(f"{kind} {variable} {order} {value}")
        lines.append("; ".join(ops))
    return " | ".join(lines)
