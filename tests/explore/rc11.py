"""What C11 allows small programs to do, by its axioms: every candidate execution is made and tested.

An independent reference for the explorer, which works by views and never sees an axiom. The model is
RC11 (Lahav, Vafeiadis, Kang, Hur, Dreyer: "Repairing sequential consistency in C/C++11", PLDI 2017,
figure 5), with C++20's release sequences. A program is a list of threads, a thread a list of
operations (kind, variable, order, value); `parse` makes one from the line that sim/explore/litmus/ reads.

A relation over n events is a list of n sets, as bits of an integer: row i has what i is related to.
"""

import itertools

ORDERS = ("rlx", "acq", "rel", "ar", "sc")


def parse(line):
    threads = []
    for part in line.split("|"):
        ops = []
        for text in part.split(";"):
            words = text.split()
            kind = words[0]
            variable = None if kind == "F" else words[1]
            order = words[1] if kind == "F" else words[2]
            ops.append((kind, variable, order, int(words[3]) if len(words) > 3 else 0))
        threads.append(ops)
    return threads


def bits(row):
    while row:
        low = row & -row
        yield low.bit_length() - 1
        row ^= low


def then(a, b):
    """a; b"""
    result = []
    for row in a:
        to = 0
        for j in bits(row):
            to |= b[j]
        result.append(to)
    return result


def either(*relations):
    result = list(relations[0])
    for relation in relations[1:]:
        result = [x | y for x, y in zip(result, relation)]
    return result


def closure(a):
    """a+"""
    result = list(a)
    for k in range(len(a)):
        for i in range(len(a)):
            if result[i] >> k & 1:
                result[i] |= result[k]
    return result


def optional(a):
    return [row | 1 << i for i, row in enumerate(a)]


def only(events, n):
    """[events]"""
    return [1 << i if i in events else 0 for i in range(n)]


def within(a, columns):
    return [row & columns[i] for i, row in enumerate(a)]


def acyclic(a):
    return irreflexive(closure(a))


def irreflexive(a):
    return not any(row >> i & 1 for i, row in enumerate(a))


class Events:
    """The events of a program, numbered; the first ones are the variables' initial writes."""

    def __init__(self, program):
        self.variables = sorted({op[1] for thread in program for op in thread if op[0] != "F"})
        self.ops = [("W", v, "rlx", 0) for v in self.variables]
        rows = []
        for thread in program:
            rows.append(range(len(self.ops), len(self.ops) + len(thread)))
            self.ops += thread
        self.n = n = len(self.ops)
        initial = range(len(self.variables))
        self.sb = [0] * n
        for row in rows:
            for i in row:
                for j in row:
                    if i < j:
                        self.sb[i] |= 1 << j
                for k in initial:
                    self.sb[k] |= 1 << i
        self.readers = [i for i in range(n) if self.ops[i][0] in "RAXC"]
        self.fences = {i for i in range(n) if self.ops[i][0] == "F"}
        self.same = [sum(1 << j for j in range(n) if self.ops[i][1] and self.ops[i][1] == self.ops[j][1]) for i in range(n)]
        self.other = [~row for row in self.same]


class Candidate:
    """Events and from which write each reader reads."""

    def __init__(self, events, source):
        self.e, self.source, n = events, source, events.n
        self.read = {i: events.ops[w][3] for i, w in source.items()}
        self.writers = {i for i in range(n) if events.ops[i][0] in "WX" or events.ops[i][0] == "C" and self.read[i] == 0}
        self.changes = {i for i in self.writers if i in source}

    def order(self, i):
        kind, _, order, _ = self.e.ops[i]
        if kind == "C" and i not in self.writers:
            return {"rel": "rlx", "ar": "acq"}.get(order, order)
        return order

    def happens_before(self):
        """hb, or None when the sources alone are impossible."""
        e, n = self.e, self.e.n
        if any(w not in self.writers or w == i for i, w in self.source.items()):
            return None
        if any(e.ops[i][0] == "A" and value == 0 for i, value in self.read.items()):
            return None  # it would load again
        self.rf = [0] * n
        for i, w in self.source.items():
            self.rf[w] |= 1 << i
        if not acyclic(either(e.sb, self.rf)):  # no load buffering
            return None
        orders = [self.order(i) for i in range(n)]
        writes, reads, fences = only(self.writers, n), only(self.source, n), only(e.fences, n)
        step = then(then(self.rf, only(self.changes, n)), writes)
        sequence = then(writes, optional(closure(step)))
        releases = only({i for i in range(n) if orders[i] in ("rel", "ar", "sc")}, n)
        acquires = only({i for i in range(n) if orders[i] in ("acq", "ar", "sc")}, n)
        before = optional(then(fences, e.sb))
        behind = optional(then(e.sb, fences))
        sw = then(then(then(then(then(then(releases, before), sequence), self.rf), reads), behind), acquires)
        self.hb = closure(either(e.sb, sw))
        self.sc = {i for i in range(n) if orders[i] == "sc"}
        return self.hb if irreflexive(self.hb) else None

    def allows(self, rows):
        """With the modification orders @p rows, one list of writes for each variable."""
        e, n, hb = self.e, self.e.n, self.hb
        mo, place = [0] * n, {}
        for row in rows:
            for at, w in enumerate(row):
                place[w] = at
                for later in row[at + 1:]:
                    mo[w] |= 1 << later
        if any(place[i] != place[self.source[i]] + 1 for i in self.changes):
            return False
        rb = [0] * n
        for i, w in self.source.items():
            rb[i] = mo[w] & ~(1 << i)
        eco = closure(either(self.rf, mo, rb))
        if not irreflexive(eco) or not irreflexive(then(hb, eco)):
            return False
        return self.sequentially_consistent(mo, rb, eco)

    def sequentially_consistent(self, mo, rb, eco):
        e, n, hb = self.e, self.e.n, self.hb
        if not self.sc:
            return True
        apart = within(e.sb, e.other)
        scb = either(e.sb, then(then(apart, hb), apart), within(hb, e.same), mo, rb)
        every, fences = only(self.sc, n), only(self.sc & e.fences, n)
        left = either(every, then(fences, optional(hb)))
        right = either(every, then(optional(hb), fences))
        base = then(then(left, scb), right)
        between = then(then(fences, either(hb, then(then(hb, eco), hb))), fences)
        return acyclic(either(base, between))


def outcomes(program):
    """All that can be read and be there in the end, as litmus prints it."""
    e = Events(program)
    sources = [[i for i in range(e.n) if e.ops[i][0] in "WXC" and e.ops[i][1] == e.ops[r][1]] for r in e.readers]
    found = set()
    for chosen in itertools.product(*sources):
        c = Candidate(e, dict(zip(e.readers, chosen)))
        if c.happens_before() is None:
            continue
        per_variable = []
        for first, variable in enumerate(e.variables):
            rest = [i for i in c.writers if e.ops[i][1] == variable and i != first]
            per_variable.append([(first, *p) for p in itertools.permutations(rest)])
        for rows in itertools.product(*per_variable):
            last = {e.ops[row[0]][1]: e.ops[row[-1]][3] for row in rows}
            result = 0
            for value in [c.read[r] for r in e.readers] + [last.get(v, 0) for v in "xyz"]:
                result = result << 4 | value
            if result not in found and c.allows(rows):
                found.add(result)
    return found
