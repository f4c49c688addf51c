"""What the proofs killed: verify/kills.tsv, which `prove --mutants` writes, and which is read by all others.

Of each property there is a line with a digest of what was mutated and of what proved it, and one for each mutant: what
came of it, the run that killed it, its file, the line as it was and as it became. So a later call knows
which mutants to repeat, and with which run; and a count that is older than the code is told from one that is not.
"""

import hashlib
import re
import threading
from dataclasses import dataclass, field
from pathlib import Path

FILE = Path("verify/kills.tsv")
KILLED, SURVIVES, UNDECIDED = OUTCOMES = "killed", "survives", "undecided"
lock = threading.Lock()


@dataclass
class Count:
    sources: str = ""
    candidates: int = 0  # mutants that there are
    alike: int = 0  # left out: a compiler makes the same code
    equivalent: int = 0  # left out: by argument
    outcomes: list = field(default_factory=list)  # (outcome, run, file, old, new)

    def note(self, mutant, outcome, run):
        self.outcomes.append((outcome, run, mutant.file, mutant.old, mutant.new))

    def killer(self, mutant):
        """The run that killed this mutant, or an empty text: none, or not in all the lines that read like it."""
        runs = {run for _, run, *which in self.outcomes if which == [mutant.file, mutant.old, mutant.new]}
        return runs.pop() if len(runs) == 1 else ""

    def number(self, *outcomes):
        return sum(outcome in outcomes for outcome, *_ in self.outcomes)

    def score(self):
        return 100 * self.number(KILLED) // max(len(self.outcomes), 1)

    def __str__(self):
        text = f"{self.number(KILLED)} of {len(self.outcomes)} ({self.score()} %)"
        if len(self.outcomes) + self.alike + self.equivalent < self.candidates:
            text += f", a sample of {self.candidates}"
        return text + (f"; {self.equivalent} equivalent" if self.equivalent else "")


def digest(row):
    """Of the files that are mutated and of those that prove it."""
    programs = [f"tests/explore/{run['program']}.c" for run in row["runs"] if "program" in run]
    model = [file for file in row.get("sources", []) if file.startswith("verify/")]
    whole = hashlib.sha256()
    for file in sorted({row["proof"], *programs, *model, *row["code"]}):
        whole.update(bare(Path(file).read_text()).encode())
    return whole.hexdigest()[:16]


def bare(text):
    """Without what a compiler does not see: comments, space."""
    return re.sub(r"\s+", "", re.sub(r"/\*.*?\*/", "", text, flags=re.S))


def load():
    """The last count of each property."""
    counts = {}
    for line in FILE.read_text().splitlines() if FILE.exists() else []:
        name, what, *rest = line.split("\t")
        if what == "counted":
            counts[name] = Count(rest[0], *map(int, rest[1:]))
        else:
            counts[name].outcomes.append((what, *rest))
    return counts


def store(name, count):
    """Puts a count in the place of the last one."""
    with lock:
        counts = {**load(), name: count}
        text = ""
        for name, c in sorted(counts.items()):
            text += "\t".join([name, "counted", c.sources, *map(str, (c.candidates, c.alike, c.equivalent))]) + "\n"
            text += "".join("\t".join([name, *outcome]) + "\n" for outcome in sorted(c.outcomes))
        FILE.write_text(text)
