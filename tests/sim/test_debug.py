"""fermata-sim debug: GDB goes forwards and backwards over a run, which stays what it is without GDB."""

import os
import re
import subprocess
import sys

import pytest

ADDERS = "tests/sim/two_adders.c"
STALL_S = 300
THREADS = ("--app", "tests/sim/threads.c", "--cpus", 1)
pytestmark = pytest.mark.skipif(os.uname().machine != "x86_64", reason="debug is for x86_64 hosts")


def debug(root, *commands, what=("--app", ADDERS, "--cpus", 2), status=0):
    words = [word for command in commands for word in ("--ex", command)]
    result = subprocess.run([sys.executable, "tools/sim/fermata-sim", "debug", *map(str, what), *words], cwd=root, text=True,
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=STALL_S)
    assert result.returncode == status, result.stdout
    return result.stdout


@pytest.fixture(scope="module", autouse=True)
def built(kernels):
    kernels.elf("sim", "clang", ADDERS)
    kernels.elf("sim", "clang", THREADS[1])


def threads_of(said):
    """Name -> [(class and state, innermost function)] of each task that `info threads` lists."""
    found = {}
    for name, does, frame in re.findall(r'^[* ] +\d+ +Thread 1\d\d\d "(\w+)" \((.*?)\) +(?:0x\w+ in )?(\S+) \(', said, re.M):
        found.setdefault(name, []).append((does, frame))
    return found


def test_lines_forwards_and_backwards(root):
    said = debug(root, "break adder", "continue", "next", "next", "next", "echo --\\n", "reverse-next", "reverse-step", "next")
    lines = re.findall(r"^(\d+)\t", said.split("--")[0], re.M)[-3:]
    back = re.findall(r"^(\d+)\t", said.split("--")[1], re.M)
    assert len(set(lines)) == 3 and back == [lines[1], lines[0], lines[1]], said


@pytest.mark.quick
def test_instructions_backwards_are_those_forwards(root):
    show = ["monitor event", "p/x $pc", "p/x $sp"]
    steps = [word for _ in range(8) for word in (*show, "stepi")]
    backs = [word for _ in range(8) for word in ("reverse-stepi", *show)]
    said = debug(root, "break adder", "continue", "delete", *steps, "echo --\\n", *backs)
    there, back = (re.findall(r"event (\d+)\n(?:.*\n)*?\$\d+ = (0x\w+)\n\$\d+ = (0x\w+)", half) for half in said.split("\n--\n"))
    assert len(there) == 8 and len(set(there)) == 8, said
    assert back == there[::-1], said


@pytest.mark.quick
def test_a_watchpoint_backwards(root):
    said = debug(root, "watch counter", "continue", "continue", "echo --\\n", "reverse-continue", "reverse-continue", "reverse-continue")
    there, back = said.split("--\n")
    assert re.findall(r"value = (\d)", there) == ["0", "1", "1", "2"], said
    assert re.findall(r"value = (\d)", back) == ["2", "1", "1", "0"], said
    assert "No more reverse-execution history" in back and "kernel_main" in back
    assert back.count("atomic_store_explicit(&counter") == 2, said  # before the access


def test_from_the_end_to_the_beginning_and_again(root):
    """What the kernel prints appears once, and the run ends as it does without GDB."""
    said = debug(root, "break test_run_all", "continue", "delete", "continue", "reverse-stepi", "break adder", "reverse-continue",
                 "reverse-continue", "delete", "continue", "continue")
    assert said.count("tests: 1 ran") == said.count("Fermata 0.1 on sim") == 1, said
    assert said.count("hit Breakpoint 2, adder") == 2, said
    assert "exited normally" in said


def test_cpus_are_threads(root):
    said = debug(root, "info threads", "echo --\\n", "break adder", "continue", "info threads", "thread 1", "bt -1")
    begin, later = said.split("\n--\n")
    assert "Thread 1 (CPU 0)" in begin and "Thread 2" not in begin, said  # the other has not started
    assert re.search(r"1 +Thread 1 \(CPU 0: adder\)", later) and re.search(r"2 +Thread 2 \(CPU 1: adder\)", later), said


@pytest.mark.quick
def test_tasks_are_threads(root):
    """One that waits shows its calls, the innermost at its await; one that runs its CPU's frames."""
    said = debug(root, "break adder", "continue", "info threads", "thread find tests", "thread 3", "bt", "info locals", "thread 5", "bt")
    tasks = threads_of(said)
    assert tasks["tests"] == [("fifo 16, waiting: join", "adds_are_kept")], said
    assert sorted(tasks["adder"])[0] == ("fifo 16, runs on CPU 0", "adder") and len(tasks["adder"]) == 2, said
    waits = said[said.index("[Switching to thread 3"):said.index("[Switching to thread 5")]
    assert re.search(r"#0  adds_are_kept \(frame=(0x\w+)\) at tests/sim/two_adders.c:(\d+)\n#1 .* in test_run_all \(.*\n(.*\n)*me = \1", waits), said
    line = int(re.search(r"#0 .*two_adders.c:(\d+)", waits)[1])
    assert "AWAIT(me, task_join" in (root / ADDERS).read_text().splitlines()[line - 1]
    assert re.search(r"#0  adder .*\n#1 .* in poll_task ", said[said.index("[Switching to thread 5"):]), said


def test_a_preempted_task_is_where_it_was_struck(root):
    """The frames of a task whose stack was left are those that it had when it was preempted, to which the way back leads."""
    said = debug(root, "set width 0", "break queue_suspended_any", "continue", "continue", "continue", "print t->id", "info threads",
                 "echo --\\n", "python [t.switch() for t in gdb.selected_inferior().threads() if t.ptid[1] == "
                 "1000 + int(gdb.parse_and_eval('$'))]", "bt", "echo --\\n",
                 "delete", "break executor_preempt", "reverse-continue", "bt", what=THREADS)
    listed, left, struck = said.split("\n--\n")
    number = int(re.findall(r"^\$\d+ = (\d+)", listed, re.M)[-1])
    assert re.search(rf'Thread {1000 + number} "\w+" \([^)]*preempted\)', listed), said

    def outside(text):
        """From what was struck outwards."""
        frames = re.findall(r"^#\d+ +(.*)", text, re.M)
        first = next(i for i, frame in enumerate(frames) if " in deliver (" in frame)
        return [re.sub(r"\(.*\)", "", frame) for frame in frames[first + 2:] if "sim_slow" not in frame]

    assert outside(left) == outside(struck) and any("poll_task" in frame for frame in outside(left)), said
    assert "in suspend (" in left or "suspend (" in left


def test_a_step_of_a_thread_leads_to_where_it_goes_on(root):
    said = debug(root, "break queue_suspended_any", "ignore 1 8", "continue", "info threads", "echo --\\n", "delete",
                 "python [t.switch() for t in gdb.selected_inferior().threads() if t.name == 'burn' and 'preempted' in t.details]", "thread",
                 "stepi", "thread", "info threads", "bt", what=THREADS)
    before, after = said.split("\n--\n")
    assert any("preempted" in does for does, _ in threads_of(before)["burn"]), said
    current = re.findall(r"^\[Current thread is (\d+) ", after, re.M)
    assert len(current) == 2 and current[0] == current[1], said
    assert re.search(rf'^\* {current[0]} +Thread 1\d+ "burn" \(rr 4, runs on CPU 0\)', after, re.M), said
    assert "in poll_task (" in after


def test_threads_come_and_go_in_both_directions(root):
    there = ("info threads", "echo --\\n")
    said = debug(root, "break board_exit", "continue", *there, "delete", "break once", "reverse-continue", *there,
                 "monitor event 3000", "maintenance flush register-cache", *there, "continue", "info threads", what=THREADS)
    end, middle, begin, again = (threads_of(part) for part in said.split("\n--\n"))
    assert set(end) == {"nest", "clock", "burn"} and len(end["burn"]) == 3, said
    assert set(middle) == {"once", *end} and not begin, said
    assert again == middle, said


def test_a_saved_run_and_an_event_of_it(root, tmp_path):
    saved = tmp_path / "run"
    subprocess.run([sys.executable, "tools/sim/fermata-sim", "explore", ADDERS, "--bound", "1", "--cpus", "2", "--save", saved],
                   cwd=root, stdout=subprocess.DEVNULL)
    said = debug(root, "break test_fail", "continue", "monitor event", "bt 2", "monitor event 15000",
                 "maintenance flush register-cache",
                 "monitor event", "continue", what=(saved,))
    events = [int(n) for n in re.findall(r"^event (\d+)$", said, re.M)]
    assert len(events) == 3 and events[1] == events[2] == 15000 < events[0], said
    assert said.count("test_fail (") >= 2 and "adds_are_kept" in said, said


@pytest.mark.quick
def test_a_time_of_a_run(root, kernels):
    """Where the viewer's trace is looked at; from there the run goes on and back."""
    elf = kernels.elf("sim", "clang", ADDERS)
    events = int(re.search(r"events=(\d+)", kernels.sim(elf, "--until", 20000, cpus=2).stdout)[1])
    said = debug(root, "monitor event", "reverse-stepi", "monitor event", "continue", "continue",
                 what=("--app", ADDERS, "--cpus", 2, "--until", 20000))
    here = [int(n) for n in re.findall(r"^event (\d+)$", said, re.M)]
    assert abs(here[0] - events) <= 1 and here[0] - here[1] in (0, 1), (said, events)
    assert "exited normally" in said


@pytest.mark.quick
@pytest.mark.parametrize("what, says", [
    (("/nowhere.run",), "No such file"),
    (("--app", "tests/none.c"), "is not there"),
    (("--app", ADDERS, "--elf", "x"), "give one of them"),
])
def test_mistakes_are_named(root, what, says):
    assert says in debug(root, what=what, status=2)
