"""What is refuted becomes a trace that fermata-trace prints, and a page with the property marked."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools/prove"))
import explain  # noqa: E402

pytestmark = pytest.mark.xdist_group("prove")

TOLD = """tell 1 wake 0 0 255
tell 2 hint 0 0 1
tell 3 event 4 0 0 0
tell 4 look 1 255 255
tell 5 switch 1 0 255
tell 6 enqueue 1 0 1
"""
ASSIGNED = """Counterexample:
  16: before_main=1 (00000001)

↳ kernel/base/list.h:31 list_add(at, n)
  31: n->prev=&head (00000010 00000000)
  32: head.next=&n (00000011 00000000)
"""


def printed(trace):
    return subprocess.run([ROOT / "build/tools/fermata-trace", "print", trace], text=True, stdout=subprocess.PIPE, check=True).stdout


def test_a_trail_of_spin_is_a_trace(kernels, tmp_path):
    kernels.trace_tool()
    page = explain.write(explain.from_spin(TOLD), "a wake-up is lost (at depth 6)", "scheduler", "again", tmp_path)
    text = printed(tmp_path / "counterexample")
    assert "CPU 0 sched_wakeup: { tid = 1 (task_1)" in text
    assert "sched_hint: { target_cpu = 1, ipi = 1, tid = 1 (task_1), seq = 2" in text
    assert "CPU 1 sched_switch: { prev_tid = 0 (idle), next_tid = 1 (task_1)" in text
    assert "sched_enqueue: { tid = 1 (task_1), class = fifo, prio = 0, why = preempt, at_head = 1" in text
    assert 'id="trace"' in page.read_text()


def test_what_cbmc_assigned_is_a_trace(kernels, tmp_path):
    kernels.trace_tool()
    streams, lines, _ = parts = explain.from_cbmc(ASSIGNED)
    assert len(streams) == 1 and [said for *_, said in lines] == ["list_add: n->prev = &head", "list_add: head.next = &n"]
    explain.write(parts, "file list.c function main the others stay", "list", "again", tmp_path)
    assert printed(tmp_path / "counterexample").count("sched_switch") == 4


def test_what_the_explorer_refutes_is_a_trace_and_happens_again(kernels, root, tmp_path):
    kernels.trace_tool()

    def explore(*words):
        return subprocess.run([root / "tools/sim/fermata-sim", "explore", *words], cwd=root, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT).stdout
    told = explore("tests/explore/wrong/lost_update.c")
    wrong = re.search(r"^explore: (?!again|FAILED)(.*)$", told, re.M)[1]
    explain.write(explain.from_explorer(told), wrong, "wrong", "again", tmp_path)
    steps = re.findall(r"^ *\d+  CPU .*$", told, re.M)
    assert printed(tmp_path / "counterexample").count("sched_switch") == 2 * len(steps)
    again = re.search(r"^explore: again: tools/sim/fermata-sim explore (.*)$", told, re.M)[1].split()
    once_more = explore(*again)
    assert wrong in once_more and re.findall(r"^ *\d+  CPU .*$", once_more, re.M) == steps


def test_instructions_are_a_trace(kernels, tmp_path):
    kernels.trace_tool()
    explain.write(explain.from_machine("executed: .text.arch_switch push rbx\nexecuted: .text.arch_switch ret \nrefuted: x\n"),
                  "rbx is R, not B's rbx", "switch", "again", tmp_path)
    assert printed(tmp_path / "counterexample").count("sched_switch") == 4


def test_nothing_told_is_said(tmp_path):
    with pytest.raises(explain.Wrong, match="told nothing"):
        explain.from_spin("pan: no trail")
