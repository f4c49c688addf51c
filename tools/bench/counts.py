"""What insns.c wrote, and which functions the instructions belong to."""

import collections
import dataclasses
import subprocess

CLASSES = ["plain", "atomic", "barrier", "mask", "unmask", "restore", "halt", "return"]
# What an instruction costs next to a plain one, roughly, on silicon: facts of the page's section 5.
WEIGHT_ATOMIC, WEIGHT_BARRIER = 15, 30


@dataclasses.dataclass
class Path:
    """One metric as counted from outside; sums are per sample."""

    samples: int
    least: int
    median: int
    most: int
    loads: float
    stores: float
    atomics: float
    barriers: float
    hits: dict = dataclasses.field(default_factory=dict)  # address -> (executions per sample, class)

    def weighted(self):
        extra = self.atomics * (WEIGHT_ATOMIC - 1) + self.barriers * (WEIGHT_BARRIER - 1)
        return round(self.median + extra)


@dataclasses.dataclass
class Profile:
    paths: dict  # (group, point) -> Path
    masked: list  # (instructions, address of the first, of the last)


def read(file):
    profile = Profile({}, [])
    for line in open(file):
        kind, *words = line.split()
        if kind == "path":
            n, *counts = map(int, words[2:])
            sums = [c / n for c in counts[3:]]
            profile.paths[int(words[0]), words[1]] = Path(n, *counts[:3], *sums)
        elif kind == "hit":
            path = profile.paths[int(words[0]), words[1]]
            path.hits[int(words[2], 16)] = (int(words[3]) / path.samples, CLASSES[int(words[4])])
        elif kind == "masked":
            profile.masked.append((int(words[0]), int(words[1], 16), int(words[2], 16)))
    return profile


class Symbols:
    """Functions by address, with those that were inlined there."""

    def __init__(self, elf):
        self.elf = elf
        self.known = {}

    def look_up(self, addresses):
        missing = sorted(set(addresses) - set(self.known))
        if not missing:
            return
        done = subprocess.run(["llvm-symbolizer", "--obj=" + self.elf, "--inlining", "--functions=short"],
                              input="".join(f"0x{a:x}\n" for a in missing), text=True,
                              capture_output=True, check=True)
        for address, block in zip(missing, done.stdout.strip().split("\n\n")):
            lines = block.splitlines()
            self.known[address] = list(zip(lines[0::2], lines[1::2]))

    def chain(self, address):
        """Innermost first: names of functions."""
        self.look_up([address])
        return [name for name, _ in self.known[address]]

    def line(self, address):
        self.look_up([address])
        return self.known[address][0][1]


def account(path, symbols, inlined=True):
    """Instructions per sample by function; [(name, instructions, atomics, barriers)], most first."""
    symbols.look_up(path.hits)
    rows = collections.defaultdict(lambda: [0.0, 0.0, 0.0])
    for address, (count, kind) in path.hits.items():
        chain = symbols.chain(address)
        name = chain[-1] if len(chain) == 1 or not inlined else f"{chain[-1]} < {chain[0]}"
        rows[name][0] += count
        rows[name][1] += count * (kind == "atomic")
        rows[name][2] += count * (kind == "barrier")
    return sorted(((name, *row) for name, row in rows.items()), key=lambda r: -r[1])
