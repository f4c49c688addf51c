"""Planted bugs of tools/session: each is noticed by a wrong description, or by the meaning of random ones."""

import shutil

import pytest
from descriptions import WRONG
from test_generator import check_meaning, said_of_wrong

# name, file, old text (which stands once), new text, who notices: names of wrong descriptions, or "meaning"
MUTANTS = [
    ("unguarded-is-taken", "automaton.py", "        if state in seen:\n", "        if len(seen) > 50:\n            return builtin_end\n        if False:\n",
     "unguarded unguarded-2"),
    ("choice-may-come-back", "automaton.py", "    if state in under_way:\n", "    if state in under_way:\n        return\n    if False:\n",
     "unguarded-choice"),
    ("branches-may-begin-alike", "automaton.py", "            if message in state.arcs:\n", "            if False:\n",
     "ambiguous ambiguous-rec ambiguous-nested"),
    ("anybody-chooses", "automaton.py", "        if head.sender != state.sender:\n", "        if head.is_end:\n", "wrong-chooser wrong-chooser-rec"),
    ("a-branch-may-be-silent", "automaton.py", "        if head.sender != state.sender:\n",
     "        if head.sender != state.sender and not head.is_end:\n", "silent-end"),
    ("undeclared-is-sent", "automaton.py", "            if step.message not in self.protocol.messages:\n", "            if False:\n",
     "undeclared tabs"),
    ("unused-is-kept", "automaton.py", "        if name not in builder.used:\n", "        if False:\n", "unused"),
    ("end-not-looked-for", "automaton.py", "    if endless:\n", "    if len(endless) == len(states):\n", "half-endless"),
    ("some-way-out-is-enough", "automaton.py", "        more = {s for s in states if any(a.target in finite for a in s.arcs.values())} - finite\n",
     "        more = set(states) - finite if finite else set()\n", "half-endless"),
    ("forever-means-nothing", "automaton.py", "        if finite:\n", "        if False:\n", "forever"),
    ("unreachable-is-kept", "automaton.py", "    check_reached(protocol.body, states)\n", "", "behind-rec behind-choice"),
    ("names-may-clash", "automaton.py", "            if step.name in self.protocol.messages:\n", "            if False:\n", "rec-message"),
    ("columns-from-zero", "parse.py", "at - start + 1, lines", "at - start, lines", "step role"),
    ("lines-not-counted", "parse.py", "            line += newlines\n", "            line += newlines > 1\n", "step role"),
    ("parameters-may-be-missing", "parse.py", "        if missing:\n", "        if len(missing) > 1:\n", "parameter-missing"),
    ("anything-is-a-parameter", "parse.py", "            if message.name not in base.parameters:\n", "            if False:\n", "no-parameter"),
    ("interrupts-may-nest", "automaton.py", "            if self.interrupter:\n", "            if False:\n", "interrupt-twice"),
    ("any-type", "parse.py", "        if token.text not in INTEGERS:\n", "        if token.kind != \"word\":\n", "type unknown-type"),
    ("any-struct", "parse.py", "            if not has_includes:\n", "            if False:\n", "no-include no-include-2"),
    ("twice-declared", "parse.py", "        if message.name in messages:\n", "        if False:\n", "twice parameter-twice"),
    ("choice-confuses-its-branches", "automaton.py", "            state.arcs[message] = arc\n", "            state.arcs[message] = Arc(message, next(iter(state.arcs.values()), arc).target, arc.place)\n",
     "meaning"),
    ("rec-does-not-go-on", "automaton.py", "here.same_as = self.block(step.body, after,", "here.same_as = self.block(step.body, self.end,",
     "meaning"),
    ("choice-does-not-go-on", "automaton.py", "branches=[self.block(b, after, scope) for b in step.branches]",
     "branches=[self.block(b, self.end if b is step.branches[0] else after, scope) for b in step.branches]", "meaning"),
    ("continue-goes-to-the-first", "automaton.py", "same_as=scope[step.name])", "same_as=next(iter(scope.values())))", "meaning"),
    ("the-server-sends-too", "emit.py", "        if state.sender == role:\n            for arc", "        if state.sender == \"client\":\n            for arc", "meaning"),
    ("a-step-leads-back", "emit.py", "                step = self.token(role, arc.target) + \"_step *\"\n", "                step = self.token(role, state) + \"_step *\"\n", "meaning"),
    ("a-branch-leads-elsewhere", "emit.py", "            target = self.token(role, arc.target) + \" *\"\n", "            target = self.token(role, self.states[-1]) + \" *\"\n", "meaning"),
    ("table-leads-elsewhere", "emit.py", "{self.index[id(arc.target)]}}}, \"\n", "{(self.index[id(arc.target)] + 1) % len(self.states)}}}, \"\n", "meaning"),
    ("table-begins-elsewhere", "emit.py", "            first += len(state.arcs)\n", "            first += min(len(state.arcs), 2)\n", "meaning"),
    ("table-turns-the-ends-round", "emit.py", "sender = f\"SESSION_{state.sender.upper()}\"", "sender = f\"SESSION_{ROLES[state.sender == 'client'].upper()}\"", "meaning"),
]


@pytest.mark.parametrize("name, file, old, new, noticed_by", MUTANTS, ids=[m[0] for m in MUTANTS])
def test_mutant_is_noticed(root, tmp_path, name, file, old, new, noticed_by):
    mutant = tmp_path / "mutant"
    shutil.copytree(root / "tools/session", mutant, ignore=shutil.ignore_patterns("__pycache__"))
    text = (mutant / file).read_text()
    assert text.count(old) == 1, f"{file} has this {text.count(old)} times, not once:\n{old}"
    (mutant / file).write_text(text.replace(old, new))
    if noticed_by == "meaning":
        with pytest.raises(AssertionError):
            for seed in range(100):
                check_meaning(mutant / "session", tmp_path, seed)
        return
    table = {w[0]: w for w in WRONG}
    for wrong in noticed_by.split():
        assert said_of_wrong(mutant / "session", tmp_path, *table[wrong]), f"{wrong} does not notice"
        (tmp_path / "out.h").unlink(missing_ok=True)
