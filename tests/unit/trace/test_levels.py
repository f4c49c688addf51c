"""Decisions are explained as the level of the recorder says, and the level changes while the machine runs."""

import re
import subprocess

import pytest


@pytest.mark.quick
def test_what_each_level_says_of_a_decision(kernels, tmp_path):
    trace = tmp_path / "trace"
    result = kernels.sim(kernels.elf("sim", "clang", "tests/unit/trace/levels.c"), "--trace", trace, cpus=1)
    assert result.returncode == 0, result.stdout
    text = subprocess.run([kernels.trace_tool(), "print", trace], text=True, stdout=subprocess.PIPE, check=True).stdout
    decisions = re.findall(r"sched_decision: .* rule = (\w+),.*candidates_len = (\d+), .*candidates = \[(.*)\].*\n"
                           r".*sched_switch: .*next_tid = (\d+) \((\w+)\)", text)
    assert "(off)" not in text
    brief = [d for d in decisions if d[4] == "brief"]
    full = [d for d in decisions if d[4] == "full"]
    # The rule is what sets the first apart from the second, be it queued or just preempted, whether candidates are recorded or not.
    rules = ["higher_class", "first_come", "highest_priority", "only_candidate"]
    assert [d[0] for d in brief] == [d[0] for d in full] == rules
    assert [(d[1], d[2]) for d in brief] == [("0", "")] * len(rules)
    assert [d[1] for d in full] == ["2", "3", "2", "1"]
    for _, _, candidates, tid, _ in full:
        first = re.match(r"\{ tid = (\d+) .*?key = (\d+)", candidates)
        assert first[1] == tid
    assert re.findall(r"key = (\d+)", full[1][2]) == ["27", "27", "28"]
