"""Metrics that are not counted in instructions: of the simulator, of determinism, of many threads."""

import hashlib
import os
import resource
import shutil
import statistics
import subprocess
import sys

import suite

sys.path.insert(0, f"{os.path.dirname(os.path.abspath(__file__))}/../sim")
import bench as simulator  # noqa: E402

RUNS_IDENTICAL = 20
RUNS_SPEED = 3
DEMO_MS = 20


def cpu_seconds():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def simulator_speed(cc):
    """Scheduling events and jobs per second of the host's CPU time, the best of a few runs."""
    board = suite.Board("sim", cc)
    board.build("periodic")
    best = {"sim.events_per_s": 0, "sim.jobs_per_s": 0}
    for _ in range(RUNS_SPEED):
        before = cpu_seconds()
        done = subprocess.run([board.elf("periodic"), "--cpus", "4"], capture_output=True, text=True,
                              stdin=subprocess.DEVNULL)
        took = cpu_seconds() - before
        if done.returncode:
            raise suite.Failure(f"periodic left with {done.returncode}:\n{done.stdout}{done.stderr}")
        values = {name: int(value) for name, value, _ in suite.parse(done.stdout)[1]}
        best["sim.events_per_s"] = max(best["sim.events_per_s"], round(values["periodic.events"] / took))
        best["sim.jobs_per_s"] = max(best["sim.jobs_per_s"], round(values["periodic.jobs"] / took))
    return {name: suite.Metric(value, "1/s", program="periodic") for name, value in best.items()}


def simulator_rates(cc):
    """What the simulator does in a second of one core, and QEMU beside it: (metric, what it is), one after another."""
    for rate, value in simulator.figures(cc, 1.0, ["pc", "virt"]):
        yield rate.name, suite.Metric(round(value, 4) if rate.unit == "s" else round(value), rate.unit), rate.beside(value)


def identical(board, cpus=4, runs=RUNS_IDENTICAL):
    """1 when the demo writes the same console and the same trace each time, to the last byte."""
    suite.run(["make", "--no-print-directory", f"BOARD={board.board}", f"CC={board.cc}", "APP=", "kernel", "tools"])
    folder = f"{board.results}/identical"
    seen = set()
    for _ in range(runs):
        shutil.rmtree(folder, ignore_errors=True)
        text = suite.run(["/usr/bin/python3", "tools/run", "--board", board.board, "--cpus", str(cpus), "--icount",
                          "--variant", suite.VARIANT[board.board], "--trace", folder, "--append", f"demo={DEMO_MS}",
                          "--elf", f"build/{board.board}-{os.path.basename(board.cc)}/kernel.elf"])
        digest = hashlib.sha256(text.encode())
        for name in sorted(os.listdir(folder)):
            with open(f"{folder}/{name}", "rb") as f:
                digest.update(name.encode() + f.read())
        seen.add(digest.hexdigest())
    return {"det.identical": suite.Metric(int(len(seen) == 1), "0/1")}


def threads(board, counts=(2, 4), rounds=3):
    """Wake-ups and waits per second with n CPUs on n threads of the host, relative to one CPU. Wall
    time on a host that has other things to do: the runs alternate, and the median ratio counts."""
    board.build("scale")

    def rate(cpus):
        text = suite.run(["/usr/bin/python3", "tools/run", "--board", board.board, "--cpus", str(cpus), "--threads",
                          "multi", "--elf", board.elf("scale"), "--append", "load=block us=200000"])
        values = {name: int(value) for name, value, _ in suite.parse(text)[1]}
        return values["scale.operations"] / values["scale.time"]

    found = {}
    for n in counts:
        ratios = [rate(n) / rate(1) for _ in range(rounds)]
        found[f"smp.scaling.{n}"] = suite.Metric(round(statistics.median(ratios), 2), "R", program="scale")
    return found
