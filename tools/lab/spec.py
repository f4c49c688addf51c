"""What a lab consists of: labs/NN/lab.toml, read and checked."""

import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
TIERS = {1: "unit tests", 2: "the simulator, seed by seed", 3: "few switches, at every place or many",
         4: "whole boards"}


class Wrong(Exception):
    """What the user gave, or a file says, is wrong; the text says what, where, and what to do."""


@dataclass(frozen=True)
class Cut:
    file: str
    functions: tuple
    step: int
    instead: dict = field(default_factory=dict)  # function: the body that it gets, in place of a stub


@dataclass(frozen=True)
class Check:
    name: str
    tier: int
    step: int
    property: str
    points: int
    program: str
    until: int = 0  # it passes once the steps up to this one are done; 0: up to its own
    sources: tuple = ()  # tier 1: what is linked with the program
    cpus: tuple = (1,)
    seeds: int = 1  # public ones, from 1
    strategy: str = "time"
    options: tuple = ()  # more for the simulator
    words: str = ""  # for the kernel's command line
    bound: int = 0  # tier 3: every schedule with so many switches that are not plain (docs/explorer.md)
    boards: tuple = ()  # tier 4
    judged: bool = True  # by its trace
    rules: tuple = ()  # tier 4: those that a machine's own speed cannot keep from being judged; else all
    status: tuple = (0,)  # which end is the right one


@dataclass(frozen=True)
class Mutant:
    name: str
    why: str
    file: str
    old: str
    new: str
    fails: tuple
    only: bool = False  # the other checks in the simulator seldom see it: with their first three seeds they do not


@dataclass(frozen=True)
class Attempt:
    """A plausible wrong solution, and what is to be read in the tool's answer."""
    name: str
    why: str
    file: str
    function: str
    body: str
    check: str
    says: tuple


@dataclass(frozen=True)
class Pin:
    question: str
    answer: str  # which of pins.py finds it
    program: str
    form: str
    cpus: int = 1
    words: str = ""


@dataclass(frozen=True)
class Lab:
    id: str
    title: str
    hours: str
    needs: tuple
    boards: tuple
    cuts: tuple
    checks: tuple
    mutants: tuple
    pins: tuple
    attempts: tuple
    parameters: dict = field(default_factory=dict)

    @property
    def folder(self):
        return f"labs/{self.id}"

    @property
    def keep(self):
        """What a submission may contain."""
        return tuple(dict.fromkeys(c.file for c in self.cuts))

    @property
    def functions(self):
        return tuple((c.file, name) for c in self.cuts for name in c.functions)

    def check_named(self, name):
        for check in self.checks:
            if check.name == name:
                return check
        raise Wrong(f"lab {self.id} has no check {name}; it has: {', '.join(c.name for c in self.checks)}")


def make(kind, values, where):
    """A @kind of what a table holds; unknown and missing keys are named."""
    known = {n: f for n, f in kind.__dataclass_fields__.items()}
    for key in values:
        if key not in known:
            raise Wrong(f"{where}: {key} is not known there; known are {', '.join(known)}")
    try:
        return kind(**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})
    except TypeError as error:
        raise Wrong(f"{where}: {str(error).replace('__init__() ', '')}") from None


def table(path, name):
    try:
        return tomllib.loads(path.read_text())
    except FileNotFoundError:
        raise Wrong(f"{path} is not there, so there is no {name}") from None
    except tomllib.TOMLDecodeError as error:
        raise Wrong(f"{path}: {error}") from None


def load(number, root=ROOT):
    """The lab with @number, such as 8 or 08."""
    if not re.fullmatch(r"\d{1,2}", str(number)):
        raise Wrong(f"{number} is not a lab's number; there are: {', '.join(available(root))}")
    number = f"{int(number):02}"
    path = Path(root) / "labs" / number / "lab.toml"
    if not path.exists():
        raise Wrong(f"there is no lab {number}; there are: {', '.join(available(root))}")
    data = table(path, f"lab {number}")
    more = path.parent / "mutants.toml"  # not in starters: they tell too much
    tests = table(more, "mutants") if more.exists() else {}
    where = f"labs/{number}/lab.toml"
    lists = {key: tuple(make(kind, entry, f"{where}: [[{key}]]") for entry in source.get(key, []))
             for key, kind, source in (("cut", Cut, data), ("check", Check, data), ("pin", Pin, data),
                                       ("mutant", Mutant, tests), ("attempt", Attempt, tests))}
    head = data.get("lab", {})
    try:
        return Lab(number, head["title"], head["hours"], tuple(head["needs"]), tuple(head["boards"]), lists["cut"],
                   lists["check"], lists["mutant"], lists["pin"], lists["attempt"])
    except KeyError as missing:
        raise Wrong(f"{where}: [lab] has no {missing}") from None


def available(root=ROOT):
    return sorted(p.parent.name for p in (Path(root) / "labs").glob("[0-9][0-9]/lab.toml"))
