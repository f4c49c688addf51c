"""fermata-sim shrink: takes away from a failing run whatever it fails without.

Delta debugging over the choices that are not plain (Zeller, Hildebrandt: "Simplifying and isolating
failure-inducing input", IEEE TSE 28(2), 2002): halves first, then ever smaller parts; what is left
is 1-minimal: each choice is needed. If these are still many, fewer are looked for at the same places of the code. A smaller run counts only if it fails in the same way: with the
same status and, but for its numbers, the same complaint.
"""

import itertools
import re
import sys
import tempfile
from pathlib import Path

import runs

FEW = 5  # switches; a run with more is looked at for fewer elsewhere
LAST = 40  # of the places that are tried
BEFORE = 1000  # events; so much earlier may a CPU come to a place
RADIUS = 200  # events
TRIES = 600  # for each number of switches
EVENTS_FACTOR = 4  # a smaller run that takes this many times longer got lost


def way(o):
    """How a run failed, without what differs from one schedule to another."""
    return o.status, re.sub(r"0x[0-9a-f]+|\d+", "#", o.what)


class Shrinker:
    def __init__(self, run, folder):
        self.run = run
        self.path = Path(folder) / "candidate.run"
        self.path.write_text(runs.RunFile(run.program, run.lines, []).text())
        self.tries = 0
        self.limit = []
        self.batch = None

    def outcome(self, choices, lines=()):
        self.tries += 1
        if not self.batch or not self.batch.alive():
            self.batch = runs.Batch(self.run.program, ["--replay", self.path])
        return self.batch.run([*lines, *self.limit, *choices])

    def fails(self, choices, lines=()):
        return way(self.outcome(choices, lines)) == self.wanted

    def shrink(self):
        """The choices that are needed, or None when the run does not fail."""
        first = self.outcome(self.run.choices)
        if first.status == 0:
            return None
        self.wanted = way(first)
        self.limit = [f"max-events {EVENTS_FACTOR * first.events + 1_000_000}"]
        choices = self.minimal(self.run.choices)
        if sum(choice.startswith("switch") for choice in choices) > FEW:
            choices = self.elsewhere(choices) or choices
        return choices

    def minimal(self, choices):
        parts = 2
        if self.fails([]):
            return []
        while len(choices) > 1:
            size = -(-len(choices) // parts)
            for at in range(0, len(choices), size):
                part, rest = choices[at:at + size], choices[:at] + choices[at + size:]
                if parts == 2 and self.fails(part):
                    choices, parts = part, 2
                    break
                if self.fails(rest):
                    choices, parts = rest, max(parts - 1, 2)
                    break
            else:
                if parts >= len(choices):
                    break
                parts = min(2 * parts, len(choices))
        return choices

    def elsewhere(self, choices):
        """Fewer switches, at the same places of the code; None: not found. With other switches gone, a CPU often comes
        to the same place at another time, and what many brought about needs a few."""
        struck = [choice for choice in choices if choice.startswith("struck")]
        places = [choice.split()[1:] for choice in choices if choice.startswith("switch")]
        places = [place for place in places if len(place) == 4][-LAST:]
        ways = [(size, *way) for size in range(1, FEW + 1) for way in ((BEFORE, False), (0, True), (BEFORE // 10, False), (0, False))]
        for ats in itertools.chain.from_iterable(self.ats(places, *way) for way in ways):
            if self.fails([*struck, *ats]):
                return self.minimal(self.recorded([*struck, *ats]))
        for switch in self.near(places):
            if self.fails([*struck, switch]):
                return self.minimal([*struck, switch])
        return None

    def ats(self, places, size, before, swap):
        """Switches where a CPU first comes to the code of the places, about when it did; or, where the tasks changed their
        places, when the other CPU does."""
        for chosen in itertools.islice(itertools.combinations(reversed(places), size), TRIES):
            yield [f"at {to} {pc} 0 {cpu}" if swap else f"at {cpu} {pc} {max(int(ran) - before, 0)} {to}"
                   for cpu, ran, to, pc in reversed(chosen)]

    def near(self, places):
        """One switch, at each place within a radius, the last of the run first."""
        seen = set()
        for away in range(RADIUS + 1):
            for cpu, ran, to, _ in reversed(places):
                for place in {(cpu, int(ran) + away, to), (cpu, int(ran) - away, to)} - seen:
                    seen.add(place)
                    yield "switch %s %d %s" % place

    def recorded(self, choices):
        """The choices by number of the run that these make."""
        path = self.path.with_name("recorded.run")
        self.outcome(choices, [f"record {path}"])
        return runs.read_file(path).choices


def main(args):
    run = runs.read_file(args.file)
    out = args.out or str(Path(args.file).with_suffix("")) + ".min.run"
    with tempfile.TemporaryDirectory() as folder:
        shrinker = Shrinker(run, folder)
        choices = shrinker.shrink()
    if choices is None:
        print(f"fermata-sim shrink: {args.file}: its run does not fail", file=sys.stderr)
        return 1
    Path(out).write_text(runs.RunFile(run.program, run.lines, choices).text())
    print(f"{len(run.choices)} switches and faults -> {len(choices)}, {shrinker.tries} runs; {out}")
    print(f"Again: tools/sim/fermata-sim replay {out}")
    return 0
