"""fermata-sim sweep: many seeds on all cores; a row for each."""

import concurrent.futures
import csv
import hashlib
import json
import sys
import threading
import time
from pathlib import Path

import runs
import scenario
from runs import Wrong

COLUMNS = ["seed", "build", "strategy", "cpus", "options", "status", "what", "events", "virtual_ns", "switches", "hash", "late", "tasks"]
SAME = ["build", "strategy", "cpus", "options"]  # of all rows of a file


class Rows:
    """The file of rows. What is in it already was done before."""

    def __init__(self, path, key):
        self.path = path and Path(path)
        self.csv = bool(path) and self.path.suffix == ".csv"
        if path and self.path.suffix not in (".csv", ".jsonl"):
            raise Wrong(f"--out {path}: give a name that ends in .jsonl or .csv")
        self.done = {}
        self.passed = 0  # seeds without a row
        self.file = None
        if not path:
            return
        if self.path.exists():
            self.read(key)
        self.file = open(self.path, "a", newline="")
        self.writer = csv.DictWriter(self.file, COLUMNS[:-1], extrasaction="ignore") if self.csv else None
        if self.csv and not self.path.stat().st_size:
            self.writer.writeheader()

    def read(self, key):
        text = self.path.read_text()
        complete = text[:text.rfind("\n") + 1]
        if complete != text:  # the line that was being written when somebody pulled the plug
            self.path.write_text(complete)
        lines = complete.splitlines()
        rows = csv.DictReader(lines) if self.csv else self.json_rows(lines)
        for number, row in enumerate(rows, 2 if self.csv else 1):
            for name in SAME:
                if str(row.get(name)) != str(key[name]):
                    raise Wrong(f"{self.path}:{number}: was made with {name} {row.get(name)}, not {key[name]}; "
                                "give another --out, or remove the file")
            self.done[int(row["seed"])] = int(row["status"])

    def json_rows(self, lines):
        for number, line in enumerate(lines, 1):
            try:
                yield json.loads(line)
            except ValueError:
                raise Wrong(f"{self.path}:{number}: is no row of JSON") from None

    def add(self, row):
        self.done[row["seed"]] = row["status"]
        if self.csv:
            self.writer.writerow(row)
        elif self.file:
            self.file.write(json.dumps(row) + "\n")
        if self.file:
            self.file.flush()

    def close(self):
        if self.file:
            self.file.close()


class Progress:
    """One line that is rewritten on a terminal; silent elsewhere."""

    def __init__(self, total):
        self.total, self.begun, self.shown = total, time.monotonic(), 0.0
        self.on = sys.stderr.isatty()

    def show(self, done, failed, last=False):
        now = time.monotonic()
        if not self.on or (now - self.shown < 0.2 and not last):
            return
        self.shown = now
        rate = done / max(now - self.begun, 1e-9)
        left = (self.total - done) / rate if rate else 0
        print(f"\r{done}/{self.total} seeds, {failed} failed, {rate:.0f}/s, {left:.0f} s left ", end="\n" if last else "",
              file=sys.stderr, flush=True)


def save(args, elf, seed):
    Path(args.save).mkdir(parents=True, exist_ok=True)
    path = Path(args.save) / f"seed-{seed}.run"
    runs.start(elf, [*runs.words(args, seed), "--record", path])
    return path


def row_of(key, seed, o):
    tasks = scenario.results(o.output)
    return {"seed": seed, **key, "status": o.status, "what": o.what, "events": o.events, "virtual_ns": o.virtual_ns,
            "switches": o.switches, "hash": o.hash, "late": sum(task["late"] for task in tasks), "tasks": tasks}


def tell(args, elf, seed, o):
    place = f"; {save(args, elf, seed)}" if args.save else ""
    print(f"seed {seed}: status {o.status}: {o.what}{place}", flush=True)


PART = 2000  # seeds of one order to a process: each process is asked for some of these before it says anything


def work_unseen(args, elf, rows, stop):
    """As work, without rows: a process is given many seeds at once, and says only which failed."""
    parts = [args.seeds[i:i + PART] for i in range(0, len(args.seeds), PART)]
    progress, own, batches, failed, done = Progress(len(args.seeds)), threading.local(), [], 0, 0

    def one(part):
        if stop.is_set():
            return None
        if not getattr(own, "batch", None):
            own.batch = runs.Batch(elf, runs.common_words(args))
            batches.append(own.batch)
        return own.batch.sweep(part, runs.seed_lines(args, part[0])[1:])

    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        try:
            for part, swept in zip(parts, pool.map(one, parts)):
                if swept is None:
                    break
                for o in swept.runs:
                    tell(args, elf, o.seed, o)
                    rows.done[o.seed] = o.status
                failed += swept.failed
                done += swept.seeds
                progress.show(done, failed, last=done == len(args.seeds))
        finally:
            stop.set()
    for batch in batches:
        batch.close()
    rows.passed = done - failed
    return failed


def work(args, elf, key, rows, stop):
    """Does what is not done; the number of failures."""
    todo = [seed for seed in args.seeds if seed not in rows.done]
    progress = Progress(len(todo))
    failed = sum(rows.done[seed] != 0 for seed in args.seeds if seed in rows.done)
    before = failed

    own = threading.local()  # one process for each thread, one thread for each core
    batches = []

    def one(seed):
        if stop.is_set():
            return None
        if not getattr(own, "batch", None) or not own.batch.alive():
            own.batch = runs.Batch(elf, runs.common_words(args))
            batches.append(own.batch)
        return own.batch.run(runs.seed_lines(args, seed))

    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        try:
            for done, (seed, o) in enumerate(zip(todo, pool.map(one, todo)), 1):
                if o is None:
                    break
                rows.add(row_of(key, seed, o))
                if args.plan and (what := args.plan.refusal(o.output)):
                    raise Wrong(what)
                if o.status:
                    failed += 1
                    tell(args, elf, seed, o)
                progress.show(done, failed, last=done == len(todo))
                if args.stop_after and failed - before >= args.stop_after:
                    stop.set()
        finally:
            stop.set()
    for batch in batches:
        batch.close()
    return failed


def main(args):
    runs.settle(args)
    elf = runs.kernel(args)
    key = {"build": runs.start_text(elf, "--print-build"), "strategy": args.strategy, "cpus": args.cpus, "options": options(args)}
    if args.strategy in ("pct", "bounded") and not args.length:
        # as long as a run is
        args.length = max(runs.start(elf, ["--cpus", args.cpus, "--max-events", args.max_events, "--cmdline",
                                           runs.cmdline(args, 1)]).events, 1)
    rows = Rows(args.out, key)
    try:
        if args.out or args.plan or args.watch or args.stop_after:
            failed = work(args, elf, key, rows, threading.Event())
        else:
            failed = work_unseen(args, elf, rows, threading.Event())
    except KeyboardInterrupt:
        print(f"interrupted; {len(rows.done)} rows are in {args.out}, and the same command goes on from there" if args.out else "interrupted",
              file=sys.stderr)
        raise
    finally:
        rows.close()
    done = sum(seed in rows.done for seed in args.seeds) + rows.passed
    print(f"{done} seeds, {failed} failed")
    if failed:
        first = min(seed for seed in args.seeds if rows.done.get(seed))
        print(f"The first again: tools/sim/fermata-sim run {again(args)} --seed {first}")
    return 1 if failed else 0


def options(args):
    """All else that makes a row what it is: options, and the kernel's command line, of a scenario as its name and a sum."""
    line = runs.cmdline(args, 0)
    if args.plan:
        line = f"{Path(args.scenario).name}:{hashlib.sha256(line.encode()).hexdigest()[:12]}"
    return " ".join([*runs.common_words(args)[4:], *([line] if line else [])])


def again(args):
    words = next([f"--{name}", getattr(args, name)] for name in ("scenario", "elf", "app", "cc") if getattr(args, name))
    words += ["--cc", args.cc] if args.app else []
    words += ["--cpus", str(args.cpus), "--strategy", args.strategy, "--max-events", str(args.max_events)]
    for name in ("mean", "depth", "length", "sched", "until", "input"):
        if getattr(args, name):
            words += [f"--{name}", str(getattr(args, name))]
    words += ["--seed-from", "mark"] if args.seed_from == "mark" else []
    if args.watch:
        words += ["--watch", args.watch]
    for fault in args.fault or []:
        words += ["--fault", fault]
    for device in args.device or []:
        words += ["--device", device]
    if args.cmdline:
        words += ["--cmdline", f"'{args.cmdline}'"]
    return " ".join(words)
