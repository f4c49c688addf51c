"""What other programs see in a trace: counts of events by name. Any complaint of theirs fails."""

import re
import subprocess
from collections import Counter
from pathlib import Path

HERE = Path(__file__).parent
STALL_S = 300


def run(command, **options):
    result = subprocess.run(list(map(str, command)), capture_output=True, timeout=STALL_S, **options)
    output, errors = result.stdout.decode(errors="replace"), result.stderr.decode(errors="replace")
    assert result.returncode == 0, f"{command}: {errors}"
    return output, errors


def by_fermata(tool, folder, gaps=False):
    """With gaps, the tool must say (exit status 1) that something is missing."""
    out = tool("print", folder, status=int(gaps)).stdout
    return Counter(re.findall(r"^\[\d+\.\d{9}\] CPU \d+ (\w+): \{", out, re.M))


def by_babeltrace(folder):
    out, errors = run(["babeltrace2", "--no-delta", folder])
    assert errors == "", errors
    return Counter(re.findall(r"^\[[\d:.]+\] \S+ (\w+): \{", out, re.M))


def by_trace_cmd(tool, folder, file, gaps=False):
    tool("tracedat", folder, file, status=int(gaps))
    out, errors = run(["trace-cmd", "report", "-i", file])
    assert not re.search(r"error|unknown|fail|\[FAILED", errors + out, re.I), errors
    # Since 3.2 the flags of a record stand between its CPU and its time.
    return Counter(re.findall(r"^.{16,}?-\d+ +\[\d+\](?: \S{5,})? +\d+\.\d+: (\w+):", out, re.M))


def by_protoc(tool, folder, file):
    """Counts of ftrace events and instants, by their name in perfetto.proto or their own."""
    tool("perfetto", folder, file, status=0)
    out, errors = run(["protoc", f"--proto_path={HERE}", "--decode=Trace", "perfetto.proto"],
                      input=Path(file).read_bytes())
    assert errors == "", errors
    assert not re.search(r"^\s*\d+(:| \{)", out, re.M), "a field that perfetto.proto does not have"
    counts = Counter(re.findall(r"^      (\w+) \{$", out, re.M))
    counts.update(re.findall(r'^    name: "([^"]*)"$', out, re.M))
    return counts


# What becomes of our events in the export: name there, name here.
PERFETTO = {"sched_switch": "sched_switch", "irq_handler_entry": "irq_handler_entry",
            "irq_handler_exit": "irq_handler_exit", "ipi_entry": "x86_irq_vectors_reschedule_entry",
            "ipi_exit": "x86_irq_vectors_reschedule_exit", "cpu_idle": "power_cpu_idle",
            "decision": "sched_decision", "mark": "mark", "no worker stack left": "worker_exhausted"}


def assert_all_agree(tool, folder, scratch, expected=None):
    """All readers count the same events; returns the counts."""
    ours = by_fermata(tool, folder)
    assert expected is None or ours == expected
    assert by_babeltrace(folder) == ours
    report = by_trace_cmd(tool, folder, scratch / "trace.dat")
    released = report.pop("sched_waking", 0)
    assert report == ours
    decoded = by_protoc(tool, folder, scratch / "trace.pftrace")
    for there, here in PERFETTO.items():
        assert decoded[there] == ours[here], there
    assert decoded["sched_waking"] == released
    return ours
