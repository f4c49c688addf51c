"""fermata-sim shrink: takes away from a failing run whatever it fails without.

Delta debugging over the choices that are not plain (Zeller, Hildebrandt: "Simplifying and isolating
failure-inducing input", IEEE TSE 28(2), 2002): halves first, then ever smaller parts; what is left
is 1-minimal: each choice is needed. A smaller run counts only if it fails in the same way: with the
same status and, but for its numbers, the same complaint.
"""

import re
import sys
import tempfile
from pathlib import Path

import runs

EVENTS_FACTOR = 4  # a smaller run that takes this many times longer got lost


def way(o):
    """How a run failed, without what differs from one schedule to another."""
    return o.status, re.sub(r"0x[0-9a-f]+|\d+", "#", o.what)


class Shrinker:
    def __init__(self, run, folder):
        self.run = run
        self.path = Path(folder) / "candidate.run"
        self.tries = 0
        self.limit = 0

    def outcome(self, choices):
        self.tries += 1
        self.path.write_text(runs.RunFile(self.run.program, self.run.lines, choices).text())
        words = ["--max-events", self.limit] if self.limit else []
        return runs.start(self.run.program, ["--replay", self.path, *words])

    def fails(self, choices):
        return way(self.outcome(choices)) == self.wanted

    def shrink(self):
        """The choices that are needed, or None when the run does not fail."""
        first = self.outcome(self.run.choices)
        if first.status == 0:
            return None
        self.wanted = way(first)
        self.limit = EVENTS_FACTOR * first.events + 1_000_000
        return self.minimal(self.run.choices)

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
