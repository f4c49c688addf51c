"""The shell on the simulator's console: typed lines in, what each prints out."""

import re

import pytest

PROMPT = "fermata> "
BANNER = "Type 'help' for the commands."


def dialogue(kernels, lines, cpus=2, seed=1, end="shutdown 7"):
    """[(line, its output lines)], for each line typed before the end, and the exit status."""
    elf = kernels.elf("sim", "clang")
    typed = "".join(line + "\n" for line in [*lines, end])
    result = kernels.sim(elf, cpus=cpus, seed=seed, stdin=typed)
    said = re.sub(r"\x1b\[K", "", result.stdout).replace("\r", "")
    assert BANNER in said, said
    parts = said.split(BANNER, 1)[1].split(PROMPT)[1:]
    pairs = []
    for part in parts:
        head, *rest = part.split("\n")
        pairs.append((head, [line for line in rest if line and not line.startswith("sim: ")]))
    assert [head for head, _ in pairs] == [*lines, end], said
    return pairs[:-1], result.returncode


def only(kernels, line, **more):
    pairs, _ = dialogue(kernels, [line], **more)
    return pairs[0][1]


COMMANDS = ["help", "task", "interrupt", "perf", "trace", "mem", "uptime", "log", "demo", "dag", "spawn",
            "sched", "cpu", "kill", "fault", "crash", "reboot", "shutdown"]


@pytest.mark.quick
def test_every_command_is_listed_and_answers(kernels):
    listed = only(kernels, "help")
    named = [line for line in listed if line[2] != " "]  # what does not fit stands on the next line
    assert sorted(line.split()[0] for line in named) == sorted(COMMANDS)
    assert all(re.fullmatch(r"  \S.{37,}| {38}\S.*", line) for line in listed), listed
    quiet = {"demo", "dag", "spawn", "sched", "kill", "crash", "reboot", "shutdown"}
    pairs, status = dialogue(kernels, [c for c in COMMANDS if c not in quiet])
    assert status == 7
    for line, output in pairs:
        assert output, line
        assert not output[0].startswith(("expected", "no command")), (line, output)


FORMS = [
    ("task", r" *id state +class level cpu +preempts +cpu us +last run us +mem KiB +name"),
    ("interrupt", r"controller: virtual"),
    ("perf", r" *cpu +busy % +switches +interrupts +hints taken"),
    ("cpu", r" *cpu +use +switches +interrupts"),
    ("trace", r"trace: full, \d+ events recorded, 0 packets overwritten"),
    ("mem", r"pages: \d+ KiB free of \d+ KiB"),
    ("uptime", r"up \d+\.\d{6} s, 2 CPUs, \d+ tasks?"),
    ("log", r"\[ +\d+\.\d+ 0\] sim: 2 CPUs"),
]


@pytest.mark.parametrize("line, form", FORMS, ids=[f[0] for f in FORMS])
def test_output(kernels, line, form):
    for typed in (line, f"({line})", f"  ( {line}  )  "):
        output = only(kernels, typed)
        assert re.match(form, output[0]), (typed, output)


def test_task_shows_what_runs(kernels):
    pairs, _ = dialogue(kernels, ["spawn rr 3 500", "spawn edf 100 50", "task", "perf"])
    assert pairs[0][1] == [] and pairs[1][1] == []
    rows = [line.split() for line in pairs[2][1][1:]]
    by_name = {}
    for row in rows:
        by_name.setdefault(row[-1], []).append(row)
    assert [row[1:4] for row in by_name["shell"]] == [["running", "fifo", "24"]]
    # On two CPUs the shell and one of them run; the other was preempted or waits its turn.
    spawned = by_name["spawned"]
    assert sorted(row[2] for row in spawned) == ["edf", "rr"]
    assert all(row[1] in ("running", "preempted", "ready") for row in spawned)
    assert [row[0] for row in rows] == sorted((row[0] for row in rows), key=int)
    assert len(pairs[3][1]) == 3


def test_trace_levels(kernels):
    pairs, _ = dialogue(kernels, ["trace brief", "trace", "trace off", "trace", "trace", "trace full", "trace"])
    assert pairs[0][1] == []
    assert pairs[1][1][0].startswith("trace: brief, ")
    assert pairs[3][1] == pairs[4][1] and pairs[3][1][0].startswith("trace: off, ")
    assert pairs[6][1][0].startswith("trace: full, ")


EXPECTED = [
    ("help me", "expected: help [boot]"),
    ("task 1", "expected: task"),
    ("interrupt x", "expected: interrupt"),
    ("perf x", "expected: perf"),
    ("trace loud", "expected: trace [off|brief|full|dump]"),
    ("trace off off", "expected: trace [off|brief|full|dump]"),
    ("mem 1", "expected: mem"),
    ("uptime now", "expected: uptime"),
    ("log 5", "expected: log"),
    ("demo 0", "expected: demo [MS]"),
    ("demo x", "expected: demo [MS]"),
    ("demo 100001", "expected: demo [MS]"),
    ("demo 1 2", "expected: demo [MS]"),
    ("spawn", "expected: spawn CLASS [LEVEL|DEADLINE_MS [MS]] [NAME=NUMBER]..."),
    ("spawn fifo x", "expected: spawn CLASS [LEVEL|DEADLINE_MS [MS]] [NAME=NUMBER]..."),
    ("spawn fifo -1", "expected: spawn CLASS [LEVEL|DEADLINE_MS [MS]] [NAME=NUMBER]..."),
    ("spawn lifo 1", "expected: spawn CLASS [LEVEL|DEADLINE_MS [MS]] [NAME=NUMBER]..."),
    ("spawn rr 1 1000001", "expected: spawn CLASS [LEVEL|DEADLINE_MS [MS]] [NAME=NUMBER]..."),
    ("spawn rr 1 99999999999999999999", "expected: spawn CLASS [LEVEL|DEADLINE_MS [MS]] [NAME=NUMBER]..."),
    ("spawn fifo 32", "task_spawn: spawned: fifo: level is 32, not from 0 to 31"),
    ("spawn fifo 288", "task_spawn: spawned: fifo: level is 255, not from 0 to 31"),
    ("spawn rr 40", "task_spawn: spawned: rr: level is 40, not from 0 to 31"),
    ("spawn edf 0", "task_spawn: spawned: edf: deadline_ns is 0, not from 1 to 1000000000000000"),
    ("sched 2", "expected: sched ID CLASS [LEVEL|DEADLINE_MS] [NAME=NUMBER]..."),
    ("sched 2 lifo", "expected: sched ID CLASS [LEVEL|DEADLINE_MS] [NAME=NUMBER]..."),
    ("sched 2 fifo 3 100", "expected: sched ID CLASS [LEVEL|DEADLINE_MS] [NAME=NUMBER]..."),
    ("sched 99 fifo 3", "sched: there is no task 99; `task` lists them"),
    ("sched 2 fifo 32", "task_set_params: shell: fifo: level is 32, not from 0 to 31"),
    ("cpu 1", "expected: cpu [offline|online N]"),
    ("cpu offline", "expected: cpu [offline|online N]"),
    ("cpu away 1", "expected: cpu [offline|online N]"),
    ("cpu offline 64", "cpu: there is no CPU 64; `cpu` lists them"),
    ("cpu online 1", "cpu: CPU 1 is online already"),
    ("crash", "expected: crash panic|assert|null|wild|code|jump|undefined|divide|stack|calls|memory|lock|text"),
    ("reboot now", "expected: reboot"),
    ("shutdown 128", "expected: shutdown [STATUS]"),
    ("shutdown -1", "expected: shutdown [STATUS]"),
    ("shutdown x", "expected: shutdown [STATUS]"),
    ("shutdown 1 2", "expected: shutdown [STATUS]"),
    ("frobnicate", "no command 'frobnicate'; 'help' lists them"),
    ("tasks", "no command 'tasks'; 'help' lists them"),
    ("TASK", "no command 'TASK'; 'help' lists them"),
    ("(task", "no command '(task'; 'help' lists them"),
    ("task)", "no command 'task)'; 'help' lists them"),
    ("a b c d e f g h i", "too many words: a command has at most 8"),
]


@pytest.mark.quick
def test_wrong_input_gets_one_line_that_says_what_was_expected(kernels):
    pairs, status = dialogue(kernels, [line for line, _ in EXPECTED])
    assert status == 7
    for (line, output), (_, expected) in zip(pairs, EXPECTED):
        assert output == [expected], line


def test_empty_input_says_nothing(kernels):
    pairs, _ = dialogue(kernels, ["", "   ", "()", "(  )"])
    assert [output for _, output in pairs] == [[]] * 4


@pytest.mark.parametrize("status", [0, 1, 42, 127])
def test_shutdown_status(kernels, status):
    # 101 to 104 are statuses of panics and of the simulator, which a user may still ask for.
    assert dialogue(kernels, [], end=f"shutdown {status}")[1] == status
    assert dialogue(kernels, [], end="(shutdown 0x10)")[1] == 16


def test_a_line_longer_than_the_editor_holds(kernels):
    elf = kernels.elf("sim", "clang")
    result = kernels.sim(elf, cpus=1, stdin="x" * 300 + "\nshutdown 3\n")
    assert result.returncode == 3
    assert "no command '" + "x" * 127 + "'; 'help' lists them" in result.stdout


def test_two_demos_do_not_mix(kernels):
    wait = "\n" * 60  # about 10 ms of typing each
    typed = f"demo 5\ndemo 5\n{wait}demo 5\n{wait}shutdown 7\n"
    result = kernels.sim(kernels.elf("sim", "clang"), cpus=2, stdin=typed)
    assert result.returncode == 7, result.stdout
    assert result.stdout.count("demo: one runs already") == 1
    assert result.stdout.count("demo: ok") == 2


def test_control_c_and_history(kernels):
    elf = kernels.elf("sim", "clang")
    result = kernels.sim(elf, cpus=1, stdin="shutdown 9\x03uptime\n\x1b[A\x1b[A\nshutdown 4\n")
    assert result.returncode == 4
    assert len(re.findall(r"^up \d", result.stdout, re.M)) == 2


@pytest.mark.parametrize("cpus", [1, 4, 64])
def test_many_lines_under_many_seeds(kernels, cpus):
    """Bytes arrive at other times under each seed; none is lost, none doubled."""
    for seed in range(1, 11):
        pairs, status = dialogue(kernels, ["uptime"] * 10 + ["spawn rr 1 1", "task"], cpus=cpus, seed=seed)
        assert status == 7 and all(output or line.startswith("spawn") for line, output in pairs)


def test_the_shell_shows_what_happened(kernels):
    """A task that faults is gone, the shell is not; one that computes for long is killed."""
    typed = "crash assert\nspawn rr 3 100000\ntask\nkill 4\nkill 99\ncrash nap\nfault\ntask\nshutdown 7\n"
    result = kernels.sim(kernels.elf("sim", "clang"), cpus=2, stdin=typed)
    said = result.stdout.replace("\r", "")
    assert result.returncode == 7, said
    assert re.search(r"^task 3, assert, job 1: assertion failed: zero .*\n  #0 0x\w+ crash_assert\+", said, re.M), said
    before, after = said.split("kill 4", 1)
    assert re.search(r"^ +4 \w+ +rr .* spawned$", before, re.M), said
    assert not re.search(r"^ +4 .* spawned$", after, re.M), said
    assert "kill: there is no task 99; `task` lists them" in after
    assert "expected: crash panic|assert|null|wild|code|jump|undefined|divide|stack|calls|memory|lock|text" in after
    assert "2 tasks ended by a fault or were killed" in after
    assert re.search(r"^1: task 3, assert, job 1, at \d+ us: assertion failed: zero", after, re.M)
    assert re.search(r"^2: task 4, spawned, job 1, at \d+ us: killed\n(  #\d+ .*\n)*?  #\d+ \w+ burn", after, re.M), after


def uses(lines):
    return [line.split()[1] for line in lines[1:]]


def test_cpus_come_and_go(kernels):
    lines = ["cpu offline 1", "cpu", "cpu offline 0", "spawn rr 1 1 cpus=2", "cpu online 1", "cpu", "spawn fifo 3 100000 cpus=1",
             "task", "cpu offline 0", "sched 3 rr 2 quantum_us=500 cpus=3", "task", "cpu offline 0", "cpu"]
    pairs, status = dialogue(kernels, lines)
    said = [output for _, output in pairs]
    assert status == 7
    assert said[0] == [] and uses(said[1]) == ["online", "offline"]
    assert said[2] == ["cpu: CPU 0 is the last that is online"]
    assert said[3] == ["task_spawn: spawned: CPUs that it needs are out of scheduling"]
    assert said[4] == [] and uses(said[5]) == ["online", "online"]
    assert said[8] == ["cpu: task 3, spawned, cannot do without CPU 0; `sched` gives it others"]
    assert [row.split()[2:4] for row in said[7] if row.endswith("spawned")] == [["fifo", "3"]]
    assert said[9] == [] and [row.split()[2:4] for row in said[10] if row.endswith("spawned")] == [["rr", "2"]]
    assert said[11] == [] and uses(said[12]) == ["offline", "online"]
