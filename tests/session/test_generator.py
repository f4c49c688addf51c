"""tools/session: what it says of wrong descriptions, and that what it makes of right ones is what they say.

A description's meaning is found a second time here, by running its tree as a machine with a stack of
steps. It is compared with the monitor's table and with the typed functions of both ends, both read
from the header as text.
"""

import random
import re
import subprocess
import sys

import pytest
from descriptions import WRONG, whole

ROLES = ("client", "server")
WORD_LENGTH = 5


@pytest.fixture(scope="session")
def tool(root):
    return root / "tools/session/session"


def run(tool, folder, text, *words):
    (folder / "p.session").write_text(text)
    return subprocess.run([sys.executable, str(tool), "p.session", *words], cwd=folder, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def said_of_wrong(tool, folder, name, text, expected):
    """None, or how the answer to a wrong description differs from the expected one."""
    text, before = whole(text)
    result = run(tool, folder, text, "-o", "out.h")
    line, column, message = re.match(r"(?:(\d+):(\d+): )?(.*)", expected).groups()
    place = f"p.session:{int(line) + before}:{column}: " if line else ""
    first = result.stderr.split("\n")[0]
    if result.returncode != 1 or result.stdout or (folder / "out.h").exists():
        return f"{name}: left with {result.returncode}:\n{result.stdout}{result.stderr}"
    if not first.startswith(place or "p.session:") or message not in first:
        return f"{name}: expected {place}{message}, and it said\n{result.stderr}"
    return None


@pytest.mark.quick
@pytest.mark.parametrize("name, text, expected", WRONG, ids=[w[0] for w in WRONG])
def test_wrong_description(tool, tmp_path, name, text, expected):
    problem = said_of_wrong(tool, tmp_path, name, text, expected)
    assert not problem, problem


@pytest.mark.quick
def test_names_are_unique():
    names = [w[0] for w in WRONG]
    assert len(names) == len(set(names))


@pytest.mark.quick
def test_a_mistake_is_shown_in_its_line(tool, tmp_path):
    said = run(tool, tmp_path, "protocol p {\n\tmessage a;\n\tclient sends b;\n}\n").stderr
    assert said == ("p.session:3:15: error: message b is not declared\n"
                    "            client sends b;\n"
                    "                         ^\n"
                    "p.session:3:15: note: declare it at the top of the protocol: message b;\n")


@pytest.mark.quick
def test_usage(tool, tmp_path):
    def status(*words):
        return subprocess.run([sys.executable, str(tool), *words], cwd=tmp_path, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True)
    assert status("--help").returncode == 0 and "CHECKS" in status("--help").stdout
    assert status().returncode == 2
    missing = status("nowhere.session")
    assert missing.returncode == 2 and "nowhere.session" in missing.stderr


@pytest.mark.quick
def test_states_of_a_protocol_with_everything(tool, root):
    def shown(*words):
        return subprocess.run([sys.executable, str(tool), "tests/unit/async/turn.session", *words], cwd=root,
                              stdout=subprocess.PIPE, text=True, check=True).stdout
    assert [line.strip() for line in shown().splitlines()] == [
        "protocol turn",
        "start: the client sends goal", "goal -> after_goal",
        "after_goal: the server sends rejected or accepted", "rejected -> end", "accepted -> running",
        "end: the end",
        "running: the server sends feedback or not_canceled or canceling or succeeded or aborted; the client may interrupt",
        "feedback -> running", "not_canceled -> running", "canceling -> stopping", "succeeded -> before_result",
        "aborted -> before_result",
        "stopping: the server sends feedback or canceled or aborted; the client may interrupt",
        "feedback -> stopping", "canceled -> before_result", "aborted -> before_result",
        "before_result: the server sends result", "result -> end"]
    assert '"running" -> "stopping" [label="canceling\\nserver to client"];' in shown("--dot")


# Meaning, by another way: a machine whose state is a stack of steps to do.

def moves(stack):
    """[(sender, message, stack behind it)] of what may come next."""
    if not stack:
        return []
    (kind, *what), rest = stack[0], stack[1:]
    if kind == "send":
        return [(what[0], what[1], rest)]
    if kind == "choice":
        return [move for branch in what[1] for move in moves(tuple(branch) + rest)]
    if kind == "rec":
        name, body = what
        return moves(bind(tuple(body), name, (stack[0],) + rest) + rest)
    if kind == "may":
        return moves(tuple(what[1]) + rest)
    if kind == "jump":
        return moves(what[0])
    assert kind == "end"
    return []


def bind(steps, name, stack):
    """@steps, in which `continue name` goes on with @stack."""
    bound = []
    for kind, *what in steps:
        if kind == "continue" and what[0] == name:
            bound.append(("jump", stack))
        elif kind == "may":
            bound.append((kind, what[0], bind(what[1], name, stack)))
        elif kind == "choice":
            bound.append((kind, what[0], [bind(b, name, stack) for b in what[1]]))
        elif kind == "rec":
            bound.append((kind, what[0], bind(what[1], name, stack)))
        else:
            bound.append((kind, *what))
    return tuple(bound)


def words_of_tree(tree, most):
    found, level = {()}, [((), tuple(tree))]
    for _ in range(most):
        level = [(word + ((sender, message),), stack) for word, at in level for sender, message, stack in moves(at)]
        found |= {word for word, _ in level}
    return found


def text_of(tree, indent="\t"):
    lines = []
    for kind, *what in tree:
        if kind == "send":
            lines.append(f"{indent}{what[0]} sends {what[1]};")
        elif kind == "choice":
            branches = [text_of(b, indent + "\t") for b in what[1]]
            lines.append(f"{indent}choice at {what[0]} {{\n" + f"\n{indent}}} or {{\n".join(branches) + f"\n{indent}}}")
        elif kind == "may":
            lines.append(f"{indent}{what[0]} may interrupt {{\n{text_of(what[1], indent + chr(9))}\n{indent}}}")
        elif kind == "rec":
            lines.append(f"{indent}rec {what[0]} {{\n{text_of(what[1], indent + chr(9))}\n{indent}}}")
        elif kind == "continue":
            lines.append(f"{indent}continue {what[0]};")
        else:
            lines.append(f"{indent}end;")
    return "\n".join(lines)


class Drawn:
    """A protocol drawn at random; often a wrong one."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.recs = 0

    def steps(self, depth, scope, first=None, may_go_back=False):
        made = [self.send(first)] if first else []
        for _ in range(self.random.randint(0 if made else 1, 2)):
            made.append(self.step(depth, scope))
        if scope and may_go_back and self.random.random() < 0.7:
            made.append(("continue", self.random.choice(scope)))
        elif self.random.random() < 0.05:
            made.append(("end",))
        return made

    def send(self, first=None):
        role, message = first or (self.random.choice(ROLES), self.random.choice("abcdef"))
        return ("send", role, message)

    def step(self, depth, scope):
        kind = self.random.choice(["send", "send", "choice", "choice", "rec", "rec", "may"]) if depth else "send"
        if kind == "may":
            return ("may", self.random.choice(ROLES), self.steps(depth - 1, scope))
        if kind == "choice":
            role = self.random.choice(ROLES)
            messages = self.random.sample("abcdef", self.random.randint(2, 3))
            return ("choice", role, [self.steps(depth - 1, scope, (role, m), m != messages[-1]) for m in messages])
        if kind == "rec":
            self.recs += 1
            name = f"r{self.recs}"
            return ("rec", name, self.steps(depth - 1, scope + [name]))
        return self.send()

    def protocol(self):
        tree = self.steps(4, [])
        body = text_of(tree)
        used = [m for m in "abcdef" if f"sends {m};" in body]
        declared = "".join(f"\tmessage {m} {{ u32 x; }}\n" for m in used)
        return tree, f"protocol p {{\n{declared}{body}\n}}\n"


def words_of(automaton, start, most):
    """Of {state: [(sender, message, next)]}."""
    found, level = {()}, {((), start)}
    for _ in range(most):
        level = {(word + ((sender, message),), after) for word, at in level for sender, message, after in automaton.get(at, [])}
        found |= {word for word, _ in level}
    return found


def table(header):
    """The automaton of the monitor's tables."""
    def rows(name):
        return re.findall(r"^\t\{(.*?)\},", re.search(rf"p_{name}\[\].*?\n}};", header, re.S)[0], re.M)
    messages = [row.split('"')[1] for row in rows("messages")]
    arcs = [tuple(map(int, row.split(","))) for row in rows("arcs")]
    made = {}
    for number, row in enumerate(rows("states")):
        _, sender, _, count, first, _ = [word.strip() for word in row.split(",")]
        made[number] = [(sender.removeprefix("SESSION_").lower(), messages[m], after)
                        for m, after in arcs[int(first):int(first) + int(count)]]
    return made


def functions(header, role):
    """The automaton of the functions that take and give @role's tokens, and its first token."""
    made = {}
    token = rf"struct p_{role}_(\w+)"
    for result, name, taken, rest in re.findall(
            rf"static inline {token} \*p_{role}_(\w+)\(const struct session_place \*place,\n\t\t{token} \*(?:token|offer)(.*?)\)\n",
            header):
        what = re.search(r"_(send|receive|take)(?:_(\w+))?$", name)
        taken = taken.removesuffix("_offer")
        if what[1] == "send":
            made.setdefault(taken, []).append((role, what[2], result.removesuffix("_step")))
        elif what[1] == "take":
            made.setdefault(taken, []).append((ROLES[1 - ROLES.index(role)], what[2], result))
        elif not result.endswith("_offer_step"):
            into = re.search(r"struct p_(\w+) \*into", rest)[1]
            made.setdefault(taken, []).append((ROLES[1 - ROLES.index(role)], into, result.removesuffix("_step")))
    first = re.search(rf"static inline {token} \*p_{role}_begin", header)[1]
    return made, first


def check_meaning(tool, folder, seed):
    """None when the description was refused, else whether it has what makes it interesting."""
    tree, text = Drawn(seed).protocol()
    result = run(tool, folder, text, "-o", "out.h", "--words", str(WORD_LENGTH))
    if result.returncode:
        assert result.returncode == 1 and re.match(r"p\.session:\d+:\d+: error: ", result.stderr), f"{text}\n{result.stderr}"
        return None
    header = (folder / "out.h").read_text()
    expected = words_of_tree(tree, WORD_LENGTH)
    assert words_of(table(header), 0, WORD_LENGTH) == expected, text
    assert {tuple(("client" if w[0] == "!" else "server", w[1:]) for w in line.split())
            for line in result.stdout.splitlines()} == expected, text
    for role in ROLES:
        assert words_of(*functions(header, role), WORD_LENGTH) == expected, f"{role}:\n{text}"
    return "choice" in text and "continue" in text


def test_meaning_of_random_protocols(tool, tmp_path):
    accepted = [check_meaning(tool, tmp_path, seed) for seed in range(100)]
    assert sum(a is not None for a in accepted) >= 50 and sum(bool(a) for a in accepted) >= 20, accepted
