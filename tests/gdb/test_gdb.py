"""Every command of tools/gdb, on a kernel that is halted in the middle of its demo."""

import copy
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
STALL_S = 300
MACHINES = [("sim", "clang"), ("sim", "gcc"), ("pc", "clang"), ("pc", "gcc"), ("virt", "clang"), ("virt", "gcc"),
            ("raspi3", "clang"), ("raspi4", "gcc")]
# The demo's virtual length: enough that every part of it has been preempted.
CMDLINE = {"sim": "demo=60"}
CMDLINE_OTHERS = "demo=200"
CAST = {"demo", "imu", "wheel", "lidar", *(f"work{i}" for i in range(6))}  # on 4 CPUs
# What an interrupt enters the kernel through.
ENTRY = {"sim": "sim_slow (", "pc": "interrupt (", "virt": "irq_entry (", "raspi3": "irq_entry (",
         "raspi4": "irq_entry ("}


def gdb(kernels, board, elf, cmdline, *arguments, out="", timeout=STALL_S, count=True):
    """GDB in batch mode through tools/run, as `make gdb` starts it. QEMU counts instructions, so
    that virtual time does not depend on how busy the host is, unless `count` is false."""
    icount = ["--icount"] if count and board != "sim" else []
    command = [sys.executable, "tools/run", "--board", board, "--elf", str(elf), *icount, "--append", cmdline,
               "--gdb", "--", "-batch", *arguments]
    return subprocess.run(command, cwd=HERE.parent.parent, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace", timeout=timeout,
                          env={**os.environ, "FERMATA_GDB_OUT": str(out)})


def visit(kernels, board, cc, folder):
    out = folder / f"{board}-{cc}.json"
    result = gdb(kernels, board, kernels.elf(board, cc), CMDLINE.get(board, CMDLINE_OTHERS),
                 "-x", str(HERE / "drive.py"), out=out)
    assert out.exists(), result.stdout
    seen = json.loads(out.read_text())
    assert "problem" not in seen, f"{seen.get('problem')}\n{result.stdout}"
    seen["board"], seen["log"] = board, result.stdout
    return seen


def machine_marks(board, cc):
    return [pytest.mark.quick] if (board, cc) in (("sim", "clang"), ("pc", "clang")) else []


@pytest.fixture(scope="module", params=[pytest.param(m, id="-".join(m), marks=machine_marks(*m)) for m in MACHINES])
def seen(request, kernels, tmp_path_factory):
    return visit(kernels, *request.param, tmp_path_factory.mktemp("gdb"))


def rows(text):
    """A table's rows as dictionaries by the columns that its first line names."""
    assert isinstance(text, str), text
    lines = text.splitlines()
    starts = [m.start() for m in re.finditer(r"\S+", lines[0])]
    ends = [*starts[1:], None]
    names = lines[0].split()
    return [{n: line[s:e].strip() for n, s, e in zip(names, starts, ends)} for line in lines[1:]]


def check_tasks(seen):
    """The table agrees with the registry as GDB's own expressions see it."""
    table = {int(r["id"]): r for r in rows(seen["tasks"])}
    facts = {int(i): f for i, f in seen["facts"]["tasks"].items()}
    assert table.keys() == facts.keys()
    for i, fact in facts.items():
        row = table[i]
        for column in ("polls", "job", "cpu", "preempted", "level"):
            assert int(row[column]) == fact[column], (i, column)
        assert row["name"] == fact["name"]
        wanted = "preempted" if fact["state"] == "TASK_READY" and fact["worker"] else fact["state"][5:].lower()
        assert row["state"] == wanted
    assert CAST <= {r["name"] for r in table.values()}


def queued(seen):
    lines = seen["queues"].splitlines()
    entries = [r for r in rows("\n".join(lines[:-1])) if r["task"] != "-"]
    return entries, lines[-1]


def check_queues(seen):
    """Who is ready is queued, once, in its class's queue and in the order of the keys."""
    entries, last = queued(seen)
    states = {int(r["id"]): r for r in rows(seen["tasks"])}
    ready = [i for i, r in states.items() if r["state"] in ("ready", "preempted")]
    assert sorted(int(e["task"]) for e in entries) == sorted(ready)
    assert len(entries) == seen["facts"]["waiting"]
    assert last == f"{len(entries)} queued, the shards count {len(entries)}"
    order = ["edf", "fifo", "rr"]
    places = [(order.index(e["class"]), int(e["key"])) for e in entries]
    assert places == sorted(places)
    for e in entries:
        task = states[int(e["task"])]
        assert (task["class"], task["name"]) == (e["class"], e["name"])
        assert (e["worker"] != "-") == (task["state"] == "preempted")


def check_cpus(seen):
    table = rows(seen["cpus"])
    facts = seen["facts"]
    states = {int(r["id"]): r for r in rows(seen["tasks"])}
    assert [int(r["cpu"]) for r in table] == list(range(facts["cpus"])) == [0, 1, 2, 3]
    for row, current, worker in zip(table, facts["current"], facts["on_worker"]):
        assert int(row["worker"]) == worker
        assert (row["task"] == "-") == (current == 0)
        if not current:
            assert row["name"] == "idle" and row["running"] == "idle"
            continue
        assert int(row["task"]) == current
        task = states[current]
        assert task["state"] == "running" and task["cpu"] == row["cpu"] and task["name"] == row["name"]
        klass, key = row["running"].split(":")
        assert klass == task["class"]
        if klass != "edf":
            assert int(key) == 31 - int(task["level"])
    running = [int(i) for i, r in states.items() if r["state"] == "running"]
    assert sorted(running) == sorted(filter(None, facts["current"]))
    # Who sleeps has a timer on some CPU; each of the other CPUs may be between one and the other.
    sleepers = sum(r["awaits"].startswith("sleep") and r["state"] == "waiting" for r in states.values())
    assert abs(sum(int(r["timers"]) for r in table) - sleepers) < facts["cpus"]


def check_workers(seen):
    lines = seen["workers"].splitlines()
    table = {int(r["worker"]): r for r in rows("\n".join(lines[:-1]))}
    facts = seen["facts"]
    used = {f["worker"]: f"task {i} {f['name']}, suspended" for i, f in facts["tasks"].items() if f["worker"]}
    for cpu, (task, worker) in enumerate(zip(facts["current"], facts["on_worker"])):
        name = facts["tasks"][str(task)]["name"] if task else ""
        used[worker] = f"CPU {cpu}, " + (f"task {task} {name}" if task else "no task")
    for worker, owner in used.items():
        assert table[worker]["owner"] == owner
        assert 256 < int(table[worker]["used"]) < int(table[worker]["of"])
    assert all(r["owner"] == "free" for w, r in table.items() if w not in used)
    free = facts["workers"] - len(used)
    # All are somebody's, except one that the CPU which stopped may have taken for its next task.
    assert lines[-1] in (f"{facts['workers']} workers, {len(used)} in use, {free} free",
                         f"{facts['workers']} workers, {len(used)} in use, {free - 1} free")


CHECKS = [check_tasks, check_queues, check_cpus, check_workers]


@pytest.mark.parametrize("check", CHECKS)
def test_tables(seen, check):
    check(seen)


@pytest.mark.parametrize("plant", ["planted_state", "planted_count"])
def test_an_inconsistency_is_seen(seen, plant):
    """The same checks fail when GDB has changed a queued task's state, or the count."""
    broken = copy.deepcopy(seen)
    broken.update(seen[plant])
    check_tasks(broken)
    with pytest.raises(AssertionError):
        check_queues(broken)
    if plant == "planted_count":
        assert "they differ" in broken["queues"]


def frames(text):
    """(function, rest of the line) of each frame."""
    return re.findall(r"^#\d+ +(?:0x[0-9a-f]+ in )?(\S+) \(.*?\)(?: at (\S+))?$", text, re.M)


def by_state(seen, state):
    return [r for r in rows(seen["tasks"]) if r["state"] == state]


def test_back_trace_of_preempted(seen):
    preempted = by_state(seen, "preempted")
    assert preempted
    struck = []
    for row in preempted:
        text = seen["bt"][row["id"]]
        assert text.startswith(f"task {row['id']} {row['name']}: preempted, suspended on worker "), text
        names = [f for f, _ in frames(text)]
        for wanted in ("executor_preempt", "poll_task", "worker_main"):
            assert wanted in names, text
        assert ENTRY[seen["board"]] in text
        assert "??" not in text and names[0] in ("change_stack", "arch_switch")
        struck.append((row["name"], names, text))
    burning = [(name, names, text) for name, names, text in struck if "burn_ns" in names]
    assert burning, "no task was struck in burn_ns, although the stop waited for one"
    for name, names, text in burning:
        caller = names[names.index("burn_ns") + 1]
        assert caller in ("crunch", "sensor"), text
        assert caller == ("crunch" if name.startswith("work") else "sensor")
        assert names.index("executor_preempt") < names.index("burn_ns") < names.index("poll_task")
        assert re.search(r"in burn_ns \(.*at kernel/services/burn\.c:\d+|burn_ns \(.*burn\.c:\d+", text)


def test_back_trace_of_running(seen):
    for row in by_state(seen, "running"):
        text = seen["bt"][row["id"]]
        assert text.startswith(f"task {row['id']} {row['name']}: running on CPU {row['cpu']}\n"), text
        names = [f for f, _ in frames(text)]
        assert names[-1] == "worker_main" and "??" not in text, text
        if int(row["id"]) == seen["prev"]:
            assert "record_switch" in names and "executor_preempt" in names


def test_back_trace_of_waiting(seen, root):
    waiting = [r for r in by_state(seen, "waiting") if int(r["polls"])]
    assert waiting
    for row in waiting:
        text = seen["bt"][row["id"]]
        step = re.search(r"#0 .* in (\w+) \(frame=0x[0-9a-f]+\) at (\S+):(\d+)\n +(.*)\nawaits (.*)", text)
        assert step, text
        function, file, line, source, awaits = step.groups()
        assert source.startswith("AWAIT")
        assert (root / file).read_text().splitlines()[int(line) - 1].strip() == source
        if row["name"] == "demo":
            assert function == "direct" and re.fullmatch(r"join of task \d+ \w+", awaits)
        if row["name"] in ("imu", "wheel", "lidar"):
            assert function == "sensor" and re.fullmatch(r"sleep until \d+\.\d{6} ms", awaits)
        assert row["awaits"] == f"{awaits} ({file.split('/')[-1]}:{line})"


LINE = re.compile(r"\[(\d+)\.(\d{9})\] cpu (\d+) (\w+): (.*)")


def events(text):
    assert isinstance(text, str), text
    found = [LINE.fullmatch(line) for line in text.splitlines()]
    assert all(found), text
    return [(int(m[1]) * 10**9 + int(m[2]), int(m[3]), m[4], dict(f.split("=", 1) for f in m[5].split(" ")
                                                                 if "=" in f)) for m in found]


def test_trace(seen, root):
    known = set(re.findall(r"^EVENT\(\w+, \d+, (\w+),", (root / "kernel/trace/events.def").read_text(), re.M))
    last_seq = 0
    for cpu, current in enumerate(seen["facts"]["current"]):
        found = events(seen["trace"][str(cpu)])
        assert found and {c for _, c, _, _ in found} == {cpu}
        assert {name for _, _, name, _ in found} <= known
        times = [t for t, _, _, _ in found]
        assert times == sorted(times)
        switches = [f for _, _, name, f in found if name == "sched_switch"]
        if switches:  # who came last is who runs
            assert int(switches[-1]["next_tid"]) == current
            assert switches[-1]["why"] in ("blocked", "exited", "yielded", "preempted", "quantum", "from_idle")
        last_seq = max([last_seq, *(int(f["seq"]) for _, _, _, f in found if "seq" in f)])
    # The CPU that stopped has just begun to look at the queues.
    stopped = seen["facts"]["current"].index(seen["prev"])
    _, _, name, fields = events(seen["trace"][str(stopped)])[-1]
    assert name == "sched_look" and int(fields["seq"]) <= last_seq
    assert any(name == "sched_switch" for cpu in seen["trace"] for _, _, name, _ in events(seen["trace"][cpu]))


def test_merged_trace(seen):
    merged = events(seen["merged"])
    assert len(merged) == 50
    assert [t for t, *_ in merged] == sorted(t for t, *_ in merged)
    for cpu in {c for _, c, _, _ in merged}:
        own = [e for e in merged if e[1] == cpu]
        assert own == events(seen["trace"][str(cpu)])[-len(own):]


def test_decision_names_its_candidates(seen):
    decisions = [line for cpu in seen["trace"] for line in seen["trace"][cpu].splitlines() if "sched_decision" in line]
    assert decisions
    for line in decisions:
        count = int(re.search(r"candidates_len=(\d+)", line)[1])
        assert line.count("{tid=") == count
        assert re.search(r"rule=(queue_empty|only_candidate|higher_class|earliest_deadline|highest_priority|"
                         r"first_come) class=", line)


def test_task_function_and_printers(seen):
    first, missing, whole, joiners = seen["function"]
    task = rows(seen["tasks"])[0]
    assert first.split(" = ")[1].strip() == task["id"]
    assert missing == ["$task: there is no task 9999; `fermata tasks` lists them"]
    assert re.search(rf"task {task['id']} {task['name']}: \w+ on CPU {task['cpu']}", whole)
    assert "list" in joiners


def test_view(seen):
    view = seen["view"]
    row = next(r for r in rows(seen["tasks"]) if int(r["id"]) == view["task"])
    assert view["on"] == f"Frames 1 and up are those of task {row['id']} {row['name']}.\n"
    # GDB's own command shows the frames that `fermata bt` showed; to its addresses the unwinder may
    # have added one.
    own = frames(seen["bt"][row["id"]])
    assert len(own) > 3 and frames(view["bt"])[1:len(own) + 1] == own
    assert "poll_task (" in view["up"][1]
    assert view["off"] == ""
    assert view["after"] == seen["stop"]


def test_errors_are_one_line(seen):
    for command, answer in {**seen["early"], **seen["wrong"]}.items():
        assert isinstance(answer, list) and len(answer) == 1, (command, answer)
        assert re.fullmatch(rf"fermata {command.split()[0]}: [^\n]+", answer[0]), answer
    for command in ("tasks", "queues", "cpus", "bt 1", "workers"):
        assert "executor_init has not run yet" in seen["early"][command][0]
    assert "trace_init has not run yet" in seen["early"]["trace"][0]
    assert "the machine has 4" in seen["wrong"]["trace 99"][0]


def test_help(seen):
    for command, text in seen["help"].items():
        assert f"fermata {command}" in text


def test_the_machine_goes_on_undisturbed(seen, kernels):
    assert seen["status"] in (0, 1)  # the demo judges itself by times, which the stops change
    if seen["board"] == "sim":
        assert seen["status"] == 0


@pytest.mark.parametrize("board,cc", [("pc", "clang"), ("pc", "gcc"), ("virt", "clang"), ("virt", "gcc")])
def test_back_trace_from_any_instruction(kernels, board, cc):
    """The callers of what an interrupt struck, whichever instruction of a function it was. Times do
    not matter here; and on a busy host QEMU 10 loses one in some thousand resumptions while it
    counts instructions without sleeping, and this test makes a hundred of them."""
    result = gdb(kernels, board, kernels.elf(board, cc), "demo=100000", "-x", str(HERE / "struck.py"), count=False)
    assert "WRONG" not in result.stdout
    stepped = re.findall(r"^STEPPED (\w+) (\d+) callers (.*)$", result.stdout, re.M)
    assert {name for name, _, _ in stepped} == {"tree_remove", "ordered_enqueue", "record_switch"}, result.stdout
    assert all(int(count) > 4 and callers for _, count, callers in stepped)


@pytest.mark.quick
def test_the_simulator_runs_the_same_under_gdb(kernels, tmp_path):
    """One seed, one execution: the commands read, and nothing else."""
    identity = re.compile(r"^sim: seed=.*hash=\w+$", re.M)
    alone = kernels.run("sim", kernels.elf("sim"), "--append", CMDLINE["sim"])
    seen = visit(kernels, "sim", "clang", tmp_path)
    assert identity.search(alone.stdout)[0] == identity.search(seen["log"])[0]


@pytest.mark.parametrize("cc", [pytest.param("clang", marks=[pytest.mark.quick]), "gcc"])
def test_async_call_chain(kernels, cc):
    elf = kernels.elf("sim", cc, "tests/gdb/nested.c")
    result = gdb(kernels, "sim", elf, "", "-ex", "break sleep_fire", "-ex", "continue", "-ex", "continue",
                 "-ex", "fermata bt 2")
    assert re.search(r"^task 2 outer: waiting\n"
                     r"#0 .* in inner \(frame=.*\) at tests/gdb/nested\.c:18\n +AWAIT\(me, sleep_for.*\n"
                     r"#1 .* in outer \(frame=.*\) at tests/gdb/nested\.c:34\n +AWAIT_CALL\(me, inner.*\n"
                     r"awaits sleep until 3\.\d{6} ms", result.stdout, re.M), result.stdout


def documented_commands(root):
    blocks = re.findall(r"^```gdb\n(.*?)^```", (root / "docs/gdb.md").read_text(), re.M | re.S)
    return [line for block in blocks for line in block.splitlines()]


@pytest.mark.parametrize("board", ["pc", "virt", "sim"])
def test_the_walk_in_the_documentation(kernels, root, tmp_path, board):
    """What docs/gdb.md says, typed into `make gdb`. The simulator's kernel reads the terminal, too;
    there GDB gets a file."""
    kernels.elf(board)
    commands = documented_commands(root)
    assert len(commands) > 15 and {f"fermata {c}" for c in ("tasks", "queues", "cpus", "workers")} <= set(commands)
    if board == "sim":
        script = tmp_path / "walk"
        script.write_text("\n".join(commands))
        said = gdb(kernels, board, kernels.elf(board), "demo=10000", "-x", str(script)).stdout
    else:
        typed = "\n".join(["set width 0", *commands, "kill"]) + "\n"
        made = subprocess.run(["make", "--no-print-directory", "gdb", f"BOARD={board}", "CMDLINE=demo=10000"], cwd=root,
                              input=typed, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              errors="replace", timeout=STALL_S)
        said = made.stdout
    assert not re.search(r"^(\(gdb\) )*(fermata \w+: |Undefined |No symbol|No stack|The program is not)", said,
                         re.M), said
    for wanted in ("0    -     idle", " workers, ", "executor_preempt (", " queued, the shards count ",
                   "task 8 work0: ", "sched_decision: seq=", "task 2 demo: ", "record_switch (seq="):
        assert wanted in said, f"{wanted!r} is not in:\n{said}"
