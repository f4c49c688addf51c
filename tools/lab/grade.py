"""Grades many submissions: each is laid over the trusted tree, built and run in a sandbox, and judged
outside of it."""

import concurrent.futures
import csv
import hashlib
import hmac
import html
import json
import os
import re
import secrets
import shutil
import sys
import tarfile
import threading
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path

import checks
import pins
import report
import sandbox
import screen
import spec
import tree
from spec import ROOT, Wrong

HIDDEN_SEEDS = 10
# CPU time that a step may use, many times what the right one needs; four times as long until it counts as stalled.
BUILD_S, RUN_S, BOARD_S = 120, 8, 120
FILE_MAX = 1 << 20
FILES_MAX = 64


@dataclass(frozen=True)
class Parameters:
    """What the class does not know: from it follow the hidden seeds and the signature."""
    nonce: str
    count: int

    def seeds(self, check):
        """For unit tests and the simulator; a board has one."""
        def one(i):
            said = f"{self.nonce} {check.name} {i}".encode()
            return int.from_bytes(hashlib.sha256(said).digest()[:4], "big") % 2_000_000_000 + 100_000
        return [one(i) for i in range(min(self.count, check.seeds))]

    def sign(self, row):
        return hmac.new(self.nonce.encode(), json.dumps(row, sort_keys=True).encode(), "sha256").hexdigest()[:16]


def parameters(lab, pack, nonce, count):
    """From the command line, from a pack, or drawn."""
    data = spec.table(pack, "pack") if pack else {}
    if data and data.get("lab") != lab.id:
        raise Wrong(f"{pack} is a pack of lab {data.get('lab')}, not of lab {lab.id}")
    if pack and not (isinstance(data.get("nonce"), str) and type(data.get("seeds", 1)) is int and data.get("seeds", 1) > 0):
        raise Wrong(f"{pack} wants a text for `nonce`, and a number from 1 on for `seeds`")
    return Parameters(nonce or data.get("nonce") or secrets.token_hex(16), count or data.get("seeds", HIDDEN_SEEDS))


def write_pack(lab, path):
    if path.exists():
        raise Wrong(f"{path} is there already; a new pack would change the class's seeds")
    path.write_text(f'# The secret of a class: from it follow the hidden seeds.\nlab = "{lab.id}"\n'
                    f'nonce = "{secrets.token_hex(16)}"\nseeds = {HIDDEN_SEEDS}\n')


@dataclass
class Grade:
    """What came of one submission."""
    name: str
    student: str = ""
    content: str = ""
    points: int = 0
    of: int = 0
    states: dict = field(default_factory=dict)
    texts: dict = field(default_factory=dict)
    pins: str = ""
    problem: str = ""
    nonce: str = ""
    signature: str = ""

    def row(self):
        return {"name": self.name, "student": self.student, "points": self.points, "of": self.of, **self.states,
                "pins": self.pins, "problem": self.problem, "content": self.content, "nonce": self.nonce}


# ---- what was handed in

def unpack(path, lab):
    """{file: bytes} of what a submission may contain; all else in it is left out."""
    kept, wanted = {}, {*lab.keep, f"{lab.folder}/answers.toml"}
    try:
        if path.is_dir():
            for file in wanted:
                one = path / file
                inside = all(not p.is_symlink() for p in [one, *one.parents] if path in p.parents or p == one)
                if one.is_file() and inside and one.stat().st_size <= FILE_MAX:
                    kept[file] = one.read_bytes()
        else:
            with tarfile.open(path) as archive:
                for count, member in enumerate(archive):
                    name = os.path.normpath(member.name)
                    if count >= FILES_MAX:
                        break
                    if name in wanted and member.isfile() and member.size <= FILE_MAX:
                        kept[name] = archive.extractfile(member).read(FILE_MAX)
    except (tarfile.TarError, OSError, EOFError, ValueError) as error:
        raise Wrong("it is no archive of `lab submit`" if isinstance(error, tarfile.ReadError) else f"it cannot be read: {error}") from None
    if not set(kept) & set(lab.keep):
        raise Wrong(f"it holds none of the lab's files ({', '.join(lab.keep)})")
    return kept


def base_of(path):
    """The tree from which the starter was made, if the submission says so."""
    try:
        if path.is_dir():
            text = (path / ".lab/base").read_text()
        else:
            with tarfile.open(path) as archive:
                text = archive.extractfile("submission.toml").read(FILE_MAX).decode()
    except (tarfile.TarError, OSError, EOFError, ValueError, KeyError, AttributeError):
        return ""
    found = re.search(r'\b[0-9a-f]{12}\b', text)
    return found[0] if found else ""


def submissions(folder):
    if not folder.is_dir():
        raise Wrong(f"{folder} is no folder of submissions")
    found = sorted(p for p in folder.iterdir() if not p.name.startswith(".") and (
        p.is_dir() or re.search(r"\.(tar|tar\.gz|tgz|tar\.xz)$", p.name)))
    if not found:
        raise Wrong(f"{folder} holds no submission: neither a folder nor a .tar.gz")
    return found


def content_of(kept, lab):
    digest = hashlib.sha256()
    for file in sorted(set(kept) & set(lab.keep)):
        digest.update(file.encode() + b"\0" + kept[file] + b"\0")
    return digest.hexdigest()[:16]


def name_of(path):
    return re.sub(r"\.(tar|tar\.gz|tgz|tar\.xz)$", "", path.name)


# ---- what the right kernel does with the same seeds

def facts(bench, run):
    """What a run cannot have without having done its work: its program's answers, the tests that ran, and
    which tasks were made with which parameters, and ended."""
    said = (checks.digest(run.said), tuple(re.findall(r"^ok (\w+)$", run.said, re.M)))
    if not run.trace:
        return said
    made, ended = Counter(), Counter()
    for _, name, fields in pins.events(bench, run.trace):
        if name == "sched_process_fork":
            made[tuple(fields.get(k, "").strip() for k in ("child_comm", "class", "prio", "share", "deadline_ns", "quantum_ns",
                                                           "budget_ns", "period_ns"))] += 1
        elif name == "sched_process_exit":
            ended[pins.task(fields["tid"])] += 1
    return (*said, tuple(sorted(made.items())), tuple(sorted(ended.items())))


class Reference:
    """The trusted tree's own answers, each found once."""

    def __init__(self, lab, bench):
        self.lab, self.bench = lab, bench
        self.known, self.right_pins, self.lock = {}, {}, threading.Lock()

    def facts(self, check, plan):
        with self.lock:
            key = (check.name, plan)
            if key not in self.known:
                board, cpus, seed = plan
                path, said = self.bench.build(check, board)
                if not path:
                    raise Wrong(f"the trusted tree does not build {check.name}:\n{said}")
                run = self.bench.once(check, path, cpus, seed, board)
                state, what, _ = self.bench.judge(check, run)
                if state != checks.PASSED:
                    raise Wrong(f"the trusted tree fails {check.name}, {plan}: {what}")
                self.known[key] = facts(self.bench, run)
            return self.known[key]

    def pins(self, student):
        with self.lock:
            if student not in self.right_pins:
                self.right_pins[student] = pins.answers(self.bench, self.lab, student)
            return self.right_pins[student]


# ---- grading

class Grader:
    def __init__(self, lab, out, secret, tiers=None, strict=None):
        self.lab, self.out, self.secret = lab, Path(out).resolve(), secret
        self.checks = [c for c in lab.checks if not tiers or c.tier in tiers]
        if not self.checks:
            raise Wrong(f"lab {lab.id} has no check in tier {', '.join(map(str, tiers))}")
        self.box = sandbox.Sandbox(self.out / "roots", strict)
        self.names = [f for f in tree.files(ROOT) if f.startswith(
            ("Makefile", "kernel/", "sim/", "tools/", "viewer/", "labs/", "tests/unit/"))]
        self.trusted, self.identity = self.out / "trusted", tree.identity(ROOT)
        self.prepare()
        self.reference = Reference(lab, checks.Bench(self.trusted, lab, sanitize=False, confine=True))
        self.done, self.locks, self.lock = {}, {}, threading.Lock()

    def prepare(self):
        """A copy of the trusted tree with its objects: submissions begin as copies of it."""
        if (self.trusted / ".ready").exists():
            return
        shutil.rmtree(self.trusted, ignore_errors=True)
        tree.copy(ROOT, self.trusted, self.names)
        bench = checks.Bench(self.trusted, self.lab, sanitize=False)
        bench.tools()
        for check in self.checks:
            for board in check.boards or ("sim",):
                path, said = bench.build(check, board)
                if not path:
                    raise Wrong(f"the trusted tree does not build {check.name}:\n{said}")
        (self.trusted / ".ready").write_text(tree.identity(ROOT) + "\n")

    def plans(self, check):
        for board in check.boards or ("sim",):
            for cpus in check.cpus:
                for seed in [self.secret.seeds(check)[0]] if board != "sim" else self.secret.seeds(check):
                    yield board, cpus, seed

    def lay(self, kept, where):
        """The trusted tree, with the files that a student may write in their places."""
        shutil.rmtree(where, ignore_errors=True)
        shutil.copytree(self.trusted, where, ignore=shutil.ignore_patterns("lab", ".ready"), symlinks=True)
        for file in set(kept) & set(self.lab.keep):
            (where / file).write_bytes(kept[file])  # newer than the objects
        for source, target in tree.COMMON.items():
            (where / target).write_bytes((ROOT / source).read_bytes())
        (where / "build/lab" / self.lab.id).mkdir(parents=True, exist_ok=True)
        self.box.give(where)

    def judge(self, kept, content):
        """[(check, result)] for these files."""
        where, out = self.out / "trees" / content, self.out / "runs" / content
        self.lay(kept, where)
        shutil.rmtree(out, ignore_errors=True)
        (where / "out").mkdir(exist_ok=True)
        out = where / "out"
        self.box.give(out)

        def execute(command, stall_s, writes):
            limit_s = BUILD_S if writes else BOARD_S if {"tools/run", "--explore"} & {*command} else RUN_S
            return self.box.run(command, where, 4 * limit_s, writes, None if writes else out, cpu_s=limit_s)
        bench = checks.Bench(where, self.lab, execute, sanitize=False, tools_in=self.trusted, out=out, confine=True)
        results = []
        for check in self.checks:
            def compare(plan, run, check=check):
                if facts(self.reference.bench, run) != self.reference.facts(check, plan):
                    return ["the run says that all is well, but it did not do its work: with this seed the program gives other "
                            "answers, or other tasks are made and end"]
                return []
            results.append(bench.run(check, plans=self.plans(check), compare=compare))
        shutil.rmtree(where, ignore_errors=True)
        return results

    def results(self, kept):
        """The same files are graded once."""
        content = content_of(kept, self.lab)
        with self.lock:
            lock = self.locks.setdefault(content, threading.Lock())
        with lock:
            if content not in self.done:
                self.done[content] = self.judge(kept, content)
            return self.done[content]

    def grade(self, path):
        made = Grade(name_of(path), of=sum(c.points for c in self.checks), nonce=self.secret.nonce[:8])
        try:
            kept = unpack(path, self.lab)
            made.content = content_of(kept, self.lab)
            for file in self.lab.keep:
                if wrong := screen.odd(file, kept.get(file, b"").decode(errors="replace"), (ROOT / file).read_text()):
                    raise Wrong(f"refused: {wrong}")
            for r in self.results(kept):
                made.states[r.check.name] = r.state
                if r.state != checks.PASSED:
                    made.texts[r.check.name] = report.result(self.lab, r)
                made.points += r.check.points * (r.state == checks.PASSED)
            self.judge_pins(made, kept)
            if (base := base_of(path)) and base != self.identity:
                made.problem = f"note: the starter was made from another tree ({base}; this one is {self.identity})"
        except Wrong as wrong:
            made.problem = str(wrong)
        made.signature = self.secret.sign(made.row())
        return made

    def judge_pins(self, made, kept):
        answers = kept.get(f"{self.lab.folder}/answers.toml")
        if not answers or not self.lab.pins:
            return
        where = self.out / "answers" / made.name
        (where / self.lab.folder).mkdir(parents=True, exist_ok=True)
        try:
            (where / self.lab.folder / "answers.toml").write_bytes(answers)
            given = pins.read(where, self.lab)
        except (Wrong, UnicodeDecodeError) as wrong:
            made.pins = f"unreadable: {wrong}"
            return
        made.student = given["name"][:80]
        if given["pins"]:
            right = self.reference.pins(made.student)
            good = sum(pins.same(given["pins"].get(str(n), ""), r) for n, r in enumerate(right, 1))
            made.pins = f"{good}/{len(right)}"
        else:
            made.pins = f"0/{len(self.lab.pins)}"


def bar(done, total, name):
    if sys.stderr.isatty():
        full = 30 * done // total
        print(f"\r[{'#' * full}{' ' * (30 - full)}] {done}/{total} {name[:30]}\033[K", end="", file=sys.stderr, flush=True)
    elif done == total or done * 10 // total != (done - 1) * 10 // total:
        print(f"{done}/{total}", file=sys.stderr, flush=True)


def begun(out, secret, lab, args):
    """The grades of an earlier, interrupted run with the same secret, by name; and that secret."""
    head = out / "grading.json"
    if head.exists():
        before = json.loads(head.read_text())
        if before["lab"] != lab.id:
            raise Wrong(f"{out} holds grades of lab {before['lab']}; choose another --out")
        if not args.nonce and not args.pack:
            secret = Parameters(before["nonce"], args.seeds or before["seeds"])
        if before != {"lab": lab.id, "nonce": secret.nonce, "seeds": secret.count, "tree": tree.identity(ROOT),
                      "tier": args.tier}:
            shutil.rmtree(out / "trusted", ignore_errors=True)
            if (out / "grades.jsonl").exists():
                print("grade: the tree, the seeds or the tiers are others than last time, so all is graded anew", file=sys.stderr)
                (out / "grades.jsonl").unlink()
    out.mkdir(parents=True, exist_ok=True)
    head.write_text(json.dumps({"lab": lab.id, "nonce": secret.nonce, "seeds": secret.count, "tree": tree.identity(ROOT),
                                "tier": args.tier}))
    known = {}
    if (out / "grades.jsonl").exists():
        for line in (out / "grades.jsonl").read_text().splitlines():
            try:
                one = Grade(**json.loads(line))
            except (json.JSONDecodeError, TypeError):
                continue  # the line at which it was interrupted
            if one.signature == secret.sign(one.row()):
                known[one.name] = one
    return known, secret


def unchanged(path, one, lab):
    try:
        return content_of(unpack(path, lab), lab) == one.content
    except Wrong:
        return not one.content


def grade(lab, args):
    out = (args.out or args.dir.parent / f"{args.dir.resolve().name}-grades").resolve()
    found = submissions(args.dir)
    known, secret = begun(out, parameters(lab, args.pack, args.nonce, args.seeds), lab, args)
    grader = Grader(lab, out, secret, args.tier)
    if not grader.box.strict:
        print("grade: this system has no user namespaces for us: submissions run under limits"
              + (" as another user" if grader.box.user else "") + ", but with a network and a view of the files that all may read",
              file=sys.stderr)
    todo = [p for p in found if name_of(p) not in known or not unchanged(p, known[name_of(p)], lab)]
    grades = {n: g for n, g in known.items() if n in {name_of(p) for p in found} - {name_of(p) for p in todo}}
    with open(out / "grades.jsonl", "a") as log, concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        waiting = {pool.submit(grader.grade, p): p for p in todo}
        try:
            for future in concurrent.futures.as_completed(waiting):
                one = future.result()
                grades[one.name] = one
                log.write(json.dumps(asdict(one)) + "\n")
                log.flush()
                bar(len(grades), len(found), one.name)
        except BaseException as end:
            pool.shutdown(wait=False, cancel_futures=True)
            grader.box.stop()
            if isinstance(end, KeyboardInterrupt):
                print(f"\ninterrupted: {len(grades)} of {len(found)} are graded; the same line goes on from there", file=sys.stderr)
            raise
    if sys.stderr.isatty():
        print(file=sys.stderr)
    ordered = [grades[n] for n in sorted(grades)]
    write_csv(lab, grader.checks, ordered, out / "grades.csv")
    (out / "grades.html").write_text(page(lab, grader.checks, ordered, secret))
    print(f"{len(ordered)} graded{f', {len(known)} of them before' if known else ''}: {out}/grades.csv, file://{out}/grades.html")
    return 0


def write_csv(lab, made, grades, path):
    fields = ["name", "student", "points", "of", *(c.name for c in made), "pins", "problem", "content", "nonce", "signature"]
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, fields)
        writer.writeheader()
        for g in grades:
            writer.writerow({k: guarded(v) for k, v in {**g.row(), "signature": g.signature}.items()})


def guarded(value):
    """A spreadsheet must not take what a student wrote for a formula."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t") else value


STYLE = """body{font:15px system-ui,sans-serif;margin:2em;max-width:110em}table{border-collapse:collapse}
td,th{border:1px solid #bbb;padding:.3em .6em;text-align:left;vertical-align:top}
.passed{background:#d9f2d9}.failed,.not-built{background:#f7d4d4}.not-started{background:#f7efc8}pre{white-space:pre-wrap}"""


def page(lab, made, grades, secret):
    """One HTML file: a table, and what each failure says."""
    def cell(g, check):
        state = g.states.get(check.name, "")
        text = g.texts.get(check.name)
        inside = f"<details><summary>{html.escape(state)}</summary><pre>{html.escape(text)}</pre></details>" if text else html.escape(state)
        return f'<td class="{state.replace(" ", "-")}">{inside}</td>'
    rows = "".join(f"<tr><td>{html.escape(g.name)}{f'<br><small>{html.escape(g.problem)}</small>' if g.states and g.problem else ''}</td><td>{html.escape(g.student)}</td><td>{g.points} / {g.of}</td>"
                   + ("".join(cell(g, c) for c in made) if g.states else f'<td colspan="{len(made)}" class="failed">{html.escape(g.problem)}</td>')
                   + f"<td>{html.escape(g.pins)}</td><td><code>{g.signature}</code></td></tr>\n" for g in grades)
    heads = "".join(f"<th title='{html.escape(c.property, True)}'>{c.name} ({c.points})</th>" for c in made)
    return (f"<!doctype html><meta charset=utf-8><title>Lab {lab.id}</title><style>{STYLE}</style>"
            f"<h1>Lab {lab.id}: {html.escape(lab.title)}</h1><p>{len(grades)} submissions; nonce {secret.nonce[:8]}…, "
            f"{secret.count} hidden seeds for each check.</p><table><tr><th>submission</th><th>student</th><th>points</th>{heads}"
            f"<th>pins</th><th>signature</th></tr>\n{rows}{foot(made, grades)}</table>\n")


def foot(made, grades):
    """What of the class passed each check."""
    passed = "".join(f"<th>{sum(g.states.get(c.name) == checks.PASSED for g in grades)} of {len(grades)} passed</th>" for c in made)
    mean = sum(g.points for g in grades) / len(grades)
    return f"<tr><th>all</th><th></th><th>{mean:.1f} on average</th>{passed}<th></th><th></th></tr>\n"
