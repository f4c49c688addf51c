"""Other programs read what fermata-trace writes: the same events, without a warning."""

import csv
import io
import random
import re
import subprocess
from collections import Counter

import pytest

from events import CODES, EVENTS, ROOT
from readers import assert_all_agree, by_babeltrace, by_fermata
from rings import Memory


def counts_of(machine):
    return Counter(name for _, _, name, _ in machine.events)


@pytest.mark.quick
@pytest.mark.parametrize("seed", range(4))
def test_readers_agree(tool, trace, tmp_path, seed):
    folder = trace(seed=seed, cpus=1 + seed, steps=200, packets=32)
    assert_all_agree(tool, folder, tmp_path, counts_of(trace.machine))


def random_value(rng, form, codes):
    if form.endswith("s"):
        return "".join(rng.choice("abcXYZ019_") for _ in range(rng.randint(1, int(form[:-1]) - 1)))
    if codes:
        return rng.choice(list(CODES[codes].values()))
    bits = {"B": 8, "H": 16, "I": 32, "Q": 64, "h": 16, "i": 32}[form]
    return rng.getrandbits(bits - (form in "hi"))


def random_event(rng, layouts):
    name = rng.choice(sorted(layouts))
    layout = layouts[name]
    values = {n: random_value(rng, form, codes) for n, form, codes in layout.fields}
    return name, values


@pytest.mark.quick
@pytest.mark.parametrize("seed", range(4))
def test_any_values_are_read_alike(tool, tmp_path, seed):
    """Every event with every kind of value, across turns of the clock's low half."""
    rng = random.Random(seed)
    ticks, events = 2**32 - 5000, []
    for i in range(600):
        ticks += rng.randint(0, 50) if i % 150 else 2**33
        name, values = random_event(rng, EVENTS)
        if "candidates_len" in values:
            values["candidates"] = [{"tid": k, "class": "edf", "key": rng.getrandbits(64)}
                                    for k in range(rng.randint(0, 8))]
            values["chosen"] = 0
        events.append((rng.randrange(3), ticks, name, values))
    tool.extract(Memory(events, 3, packets=64, begin=events[0][1]), tmp_path / "trace")
    assert_all_agree(tool, tmp_path / "trace", tmp_path, Counter(e[2] for e in events))


@pytest.mark.quick
def test_babeltrace_shows_names_of_codes(tool, trace):
    folder = trace(seed=2)
    out = subprocess.run(["babeltrace2", "--no-delta", folder], capture_output=True, text=True).stdout
    assert 'why = ( "preempt"' in out and 'result = ( "noted"' in out
    assert re.search(r'candidates = \[ \[0\] = \{ tid = \d+, class = \( "edf"', out)


@pytest.mark.quick
def test_metadata_has_what_trace_compass_wants(tool, trace):
    text = (trace(seed=2) / "metadata").read_text()
    for line in ['domain = "kernel";', 'tracer_name = "lttng-modules";', "tracer_major = 2;",
                 "tracer_minor = 13;", 'hostname = "pytest";', "freq = 1000000000;", 'seed = "7";',
                 'build = "generated";']:
        assert line in text, line
    for name in EVENTS:
        assert f'name = "{name}";' in text


@pytest.mark.quick
def test_time_is_in_seconds_of_the_clock(tool, trace):
    machine_folder = trace(seed=2)
    fast = machine_folder.parent / "fast"
    tool.extract(Memory(trace.machine.events, 3, hz=54_000_000), fast)
    ticks = trace.machine.events[-1][1]
    last = tool("print", fast, status=0).stdout.splitlines()[-1]
    assert last.startswith(f"[0.{ticks * 10**9 // 54_000_000:09d}]"), last


@pytest.mark.quick
def test_print_filters(tool, trace):
    folder = trace(seed=2)
    everything = tool("print", folder, status=0).stdout.splitlines()
    cpu1 = tool("print", "--cpu", "1", folder, status=0).stdout.splitlines()
    assert cpu1 == [line for line in everything if "] CPU 1 " in line]
    switches = tool("print", "--event", "sched_switch", folder, status=0).stdout.splitlines()
    assert len(switches) == counts_of(trace.machine)["sched_switch"]
    task = trace.machine.tasks[2]
    by_name = tool("print", "--task", task.name, folder, status=0).stdout
    assert by_name == tool("print", "--task", task.tid, folder, status=0).stdout
    assert all(f"= {task.tid} ({task.name})" in line for line in by_name.splitlines()) and by_name
    middle = trace.machine.events[len(everything) // 2][1]
    early = tool("print", "--to", f"{middle}ns", folder, status=0).stdout.splitlines()
    late = tool("print", "--from", f"{middle + 1}ns", folder, status=0).stdout.splitlines()
    assert len(early) + len(late) == len(everything) and early and late


def percentile(values, percent):
    values = sorted(values)
    return values[max(0, -(-len(values) * percent // 100) - 1)]


class Expected:
    """The figures of `stats`, computed from the events in another way: per task, in ns."""

    def __init__(self, events):
        self.runs, self.preemptions, self.jobs, self.misses, self.cpu = (Counter() for _ in range(5))
        self.response, self.wake = {}, {}
        released, fresh, since = {}, {}, {}
        for cpu, now, name, v in events:
            if name == "sched_release":
                released[v["tid"]], fresh[v["tid"]] = v["release_ns"], now
            elif name == "sched_job_done":
                self.jobs[v["tid"]] += 1
                self.misses[v["tid"]] += v["done_ns"] > v["deadline_ns"]
                self.response.setdefault(v["tid"], []).append(v["done_ns"] - released[v["tid"]])
            elif name == "sched_switch":
                start, tid = since.get(cpu, (now, 0))
                self.cpu[tid] += now - start
                since[cpu] = now, v["next_tid"]
                self.runs[v["next_tid"]] += 1
                self.preemptions[v["prev_tid"]] += v["why"] in ("preempted", "quantum")
                if v["next_tid"] in fresh:
                    self.wake.setdefault(v["next_tid"], []).append(now - fresh.pop(v["next_tid"]))
        for now, tid in since.values():
            self.cpu[tid] += max(e[1] for e in events) - now


@pytest.mark.quick
@pytest.mark.parametrize("seed", range(3))
def test_stats_are_right(tool, trace, seed):
    folder = trace(seed=seed, steps=400, packets=32)
    expected = Expected(trace.machine.events)
    table, cpus = tool("stats", "--csv", folder, status=0).stdout.split("\n\n")
    rows = list(csv.DictReader(io.StringIO(table)))
    assert len(rows) == len(trace.machine.tasks)
    for row in rows:
        tid = int(row["tid"])
        assert row["name"] == trace.machine.tasks[tid - 1].name
        for column in ["runs", "preemptions", "jobs", "misses"]:
            assert int(row[column]) == getattr(expected, column)[tid], (tid, column)
        assert float(row["cpu_ms"]) == pytest.approx(expected.cpu[tid] / 1e6, abs=0.0006)
        for kind in ["response", "wake"]:
            samples = getattr(expected, kind).get(tid, [])
            for name, percent in [("min", 0), ("median", 50), ("p95", 95), ("p99", 99), ("max", 100)]:
                cell = row[f"{kind}_us_{name}"]
                if samples:
                    assert float(cell) == pytest.approx(percentile(samples, percent) / 1000, abs=0.0006)
                else:
                    assert cell == ""
    assert len(list(csv.DictReader(io.StringIO(cpus)))) == 3


@pytest.mark.quick
def test_cut_keeps_exactly_its_range(tool, trace, tmp_path):
    folder = trace(seed=4, steps=300, packets=32)
    times = [ticks for _, ticks, _, _ in trace.machine.events]
    first, last = times[100], times[500]
    tool("cut", "--from", f"{first}ns", "--to", f"{last}ns", folder, tmp_path / "cut", status=0)
    expected = Counter(name for _, t, name, _ in trace.machine.events if first <= t <= last)
    assert by_fermata(tool, tmp_path / "cut") == expected
    assert by_babeltrace(tmp_path / "cut") == expected


@pytest.mark.quick
def test_uart_dump_gives_the_same_trace(tool, trace, tmp_path):
    folder = trace(seed=1)
    (tmp_path / "log").write_bytes(trace.memory.uart_log())
    tool("from-uart", tmp_path / "log", tmp_path / "uart", status=0)
    for file in sorted(folder.iterdir()):
        assert (tmp_path / "uart" / file.name).read_bytes() == file.read_bytes()


@pytest.mark.quick
def test_damaged_uart_lines_are_counted(tool, trace, tmp_path):
    trace(seed=1)
    lines = trace.memory.uart_log().split(b"\r\n")
    lines[60] = lines[60].replace(b"0", b"1", 1)
    del lines[90]
    (tmp_path / "log").write_bytes(b"\r\n".join(lines))
    err = tool("from-uart", tmp_path / "log", tmp_path / "uart", status=1).stderr
    assert "2 of" in err and "1 are damaged" in err
    tool("check", tmp_path / "uart")
    (tmp_path / "none").write_bytes(b"boot\r\n> ")
    assert "no line that begins with @B" in tool("from-uart", tmp_path / "none", tmp_path / "x", status=2).stderr


@pytest.mark.quick
def test_every_command_explains_itself(tool):
    commands = re.findall(r"^  (\S+) ", tool("help", status=0).stdout, re.M)
    assert {"check", "stats", "print", "cut", "repair", "perfetto", "tracedat", "extract", "from-uart"} <= set(commands)
    for command in commands:
        assert f"usage: fermata-trace {command}" in tool("help", command, status=0).stdout
        assert tool(command, "--nonsense").returncode == 2 or command == "help"


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_builds_without_warnings(tmp_path, compiler):
    result = subprocess.run(["make", "-f", "tools/trace/trace.mk", "trace-tools", f"HOSTCC={compiler}",
                             f"TRACE_OUT={tmp_path}"], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0 and "warning" not in result.stderr, result.stderr
