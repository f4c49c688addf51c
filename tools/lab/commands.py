"""What each command of `lab` does. Each returns the exit status."""

import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import checks
import cutter
import pins
import report
import screen
import spec
import tree
from spec import ROOT, Wrong

SEEDS_FEW = 20


def number_here(given):
    """The lab's number: what was said, else what the folder was started for."""
    here = ROOT / ".lab/number"
    if given:
        return given
    if here.exists():
        return here.read_text().strip()
    raise Wrong(f"which lab? Give its number, one of {', '.join(spec.available())}")


def lab_here(given):
    return spec.load(number_here(given))


def list_labs(args):
    for number in spec.available():
        lab = spec.load(number)
        print(f"{number}  {lab.title:44} {lab.hours:16} {len(lab.functions)} functions, {len(lab.checks)} checks")
    return 0


def start(args):
    lab = spec.load(args.lab)
    to = args.dir or ROOT.parent / f"fermata-lab{lab.id}"
    others = []
    if args.use_mine:
        others = [spec.load(n) for n in (args.of.split(",") if args.of else spec.available())]
        if not args.of:
            others = [other for other in others if other.id != lab.id]
    taken = tree.starter(lab, ROOT, to, args.use_mine, others)
    print(f"Lab {lab.id}: {lab.title}. Your tree is {to}")
    if args.use_mine:
        print(f"  with {len(taken)} functions of yours from {args.use_mine}" + (f": {', '.join(taken)}" if taken else ""))
    print(f"""
  cd {to}
  less {lab.folder}/README.md     what it is about, and the steps
  tools/lab/lab todo           which functions are yours
  tools/lab/lab check          what they do so far""")
    return 0


def todo(args):
    lab = lab_here(args.lab)
    titles, last, left = report.step_titles(ROOT, lab), 0, 0
    functions = list(report.open_functions(ROOT, lab))
    for file, name, step, is_open in functions:
        if step != last:
            print(f"Step {step}: {titles.get(step, '')}")
            last = step
        print(f"  {'todo   ' if is_open else 'written'}  {name:22} {file}")
        left += is_open
    print(f"{left} of {len(functions)} functions are still to be written")
    return 0


def chosen_checks(lab, names, tiers):
    found = [lab.check_named(n) for n in names] or list(lab.checks)
    found = [c for c in found if not tiers or c.tier in tiers]
    if not found:
        raise Wrong(f"lab {lab.id} has no check in tier {', '.join(map(str, tiers))}")
    return sorted(found, key=lambda c: c.tier)


def check(args):
    lab = lab_here(args.lab)
    bench = checks.Bench(ROOT, lab)
    results = []
    for one in chosen_checks(lab, args.names, args.tier):
        seeds = args.seeds or (1, one.seeds if args.all else min(one.seeds, SEEDS_FEW))
        results.append(bench.run(one, seeds, progress=report.progress(one)))
        print(report.result(lab, results[-1]), flush=True)
    print(report.summary(results))
    tell_refusals(lab)
    if lab.pins and not args.names:
        given = pins.read(ROOT, lab).get("pins", {})
        print(f"{len(given)} of {len(lab.pins)} pins are answered: tools/lab/lab pin {lab.id}")
    return report.status(results)


def execution(args):
    """(bench, check, what was built, its plan) of one run that was asked for."""
    lab = spec.load(args.lab)
    one = lab.check_named(args.check)
    bench = checks.Bench(ROOT, lab)
    board = args.board or (one.boards[0] if one.boards else "sim")
    path, said = bench.build(one, board)
    if not path:
        raise Wrong(f"{one.name} does not build:\n" + "\n".join(checks.compiler_errors(said)))
    return bench, one, path, (board, args.cpus or min(one.cpus), args.seed)


def replay(args):
    bench, one, path, (board, cpus, seed) = execution(args)
    host = one.tier == 1 and one.sources
    if args.gdb and not host:
        os.execvp(sys.executable, [sys.executable, str(ROOT / "tools/run"), "--board", board, "--cpus", str(cpus), "--seed",
                                   str(seed), "--elf", str(path), "--gdb", "--append", f"{one.words} set={seed}".strip()])
    if args.gdb:
        os.execvp("gdb", ["gdb", "-q", "-ex", "break main", "--args", str(path), str(seed)])
    run = bench.once(one, path, cpus, seed, board)
    print(run.said, end="" if run.said.endswith("\n") else "\n")
    state, what, at = bench.judge(one, run)
    print(f"It ran as: {checks.quoted(run.command)}")
    if state == checks.PASSED:
        print(f"{one.name}: nothing is wrong in this run")
        return 0
    if at:
        print(f"\nThe last events before {at} s:")
        for line in before(run.trace, at):
            print(f"  {line}")
    print("\n" + (f"not started: {what} is yours" if state == checks.NOT_STARTED else "\n".join(what)))
    return 3 if state == checks.NOT_STARTED else 1


def before(trace, at, count=12):
    """The last events of a trace up to the time @at."""
    said = subprocess.run([str(ROOT / checks.TRACE_TOOL), "print", str(trace)], text=True, errors="replace",
                          stdout=subprocess.PIPE).stdout
    lines = [line for line in said.splitlines() if (m := re.match(r"\[([\d.]+)\]", line)) and float(m[1]) <= float(at) + 1e-9]
    return lines[-count:]


def view(args):
    bench, one, path, (board, cpus, seed) = execution(args)
    if one.tier == 1 and one.sources:
        raise Wrong(f"{one.name} tests functions by themselves, so it leaves no trace; step through it with "
                    f"tools/lab/lab replay {args.lab} {one.name} --seed {seed} --gdb")
    run = bench.once(one, path, cpus, seed, board)
    state, what, at = bench.judge(one, run)
    if state == checks.NOT_STARTED:
        raise Wrong(f"there is nothing to see yet: {what} is yours ({report.file_of(bench.lab, what)})")
    page = bench.folder / f"{one.name}-{board}-cpus{cpus}-seed{seed}.html"
    show(bench, run.trace, page, f"lab {bench.lab.id}, {one.name}, seed {seed}", checks.quoted(run.command))
    print(f"Open file://{page}{fragment(at)}" + (f"\nIt opens where rule and run part: {at} s" if at else ""))
    return 0


def fragment(at):
    """The part of an address that shows the first fault and what was around it."""
    if not at:
        return ""
    ns = round(float(at) * 1e9)
    return f"#t={max(0, ns - 40_000)}-{ns + 20_000}&sel=flag:0"


def show(bench, trace, page, name, command):
    if not trace or not (trace / "metadata").exists():
        raise Wrong("the run left no trace; tools/lab/lab replay shows what it said")
    status, said = bench.plain(["make", "--no-print-directory", "BOARD=sim", "build/viewer/viewer.html"], checks.BUILD_STALL_S)
    if status:
        raise Wrong(f"the viewer does not build:\n{said}")
    status, said = bench.plain(["viewer/pack", "embed", "build/viewer/viewer.html", str(trace.relative_to(ROOT)),
                                str(page.relative_to(ROOT)), f"name={name}", f"command={command}"], checks.BUILD_STALL_S)
    if status:
        raise Wrong(said)


def hint(args):
    lab = spec.load(args.lab)
    text = (ROOT / lab.folder / "hints.md").read_text()
    steps = dict(re.findall(r"^## Step (\d+)[^\n]*\n(.*?)(?=^## |\Z)", text, re.M | re.S))
    if str(args.step) not in steps:
        raise Wrong(f"lab {lab.id} has hints on the steps {', '.join(steps)}")
    stages = [s.strip() for s in re.split(r"^### .*$", steps[str(args.step)], flags=re.M)[1:]]
    store = ROOT / ".lab/opened"
    opened = dict(line.split() for line in store.read_text().splitlines()) if store.exists() else {}
    key = f"{lab.id}.{args.step}"
    known = int(opened.get(key, 0))
    now = known if args.again else min(known + 1, len(stages))
    for i in range(0 if args.again else now - 1, now):
        print(f"Hint {i + 1} of {len(stages)} on step {args.step}:\n\n{stages[i]}\n")
    if not args.again and known == len(stages):
        print("That was the last one.")
    opened[key] = str(now)
    store.parent.mkdir(exist_ok=True)
    store.write_text("".join(f"{k} {v}\n" for k, v in sorted(opened.items())))
    return 0


def diff(args):
    lab = lab_here(args.lab)
    if subprocess.run(["git", "rev-parse", "-q", "--verify", "starter"], cwd=ROOT, capture_output=True).returncode:
        raise Wrong("this tree was not made by `lab start`: there is no starter to compare with")
    sys.stdout.flush()
    subprocess.run(["git", "diff", "starter", "--", *lab.keep, f"{lab.folder}/answers.toml"], cwd=ROOT)
    for line in meddled(lab, ROOT):
        print(line)
    return 0


def meddled(lab, root):
    """Files of the lab that differ from the starter outside the lab's functions."""
    for file in lab.keep:
        names = [n for f, n in lab.functions if f == file]
        old = tree.git(root, "show", f"starter:{file}")
        try:
            if cutter.mask(old, names) != cutter.mask((Path(root) / file).read_text(), names):
                yield f"note: {file} differs outside your functions, too; that is allowed, if you mean it"
        except cutter.CutError as error:
            yield f"note: {file}: {error}"


def pin(args):
    lab = lab_here(args.lab)
    if not lab.pins:
        print(f"Lab {lab.id} has no pins.")
        return 0
    data = pins.read(ROOT, lab)
    if args.number is None:
        return pins.show(ROOT, lab, data)
    if not 1 <= args.number <= len(lab.pins):
        raise Wrong(f"lab {lab.id} has the pins 1 to {len(lab.pins)}")
    if not args.answer:
        raise Wrong(f"what is the answer? It has the form {lab.pins[args.number - 1].form}")
    data.setdefault("pins", {})[str(args.number)] = " ".join(args.answer)
    pins.write(ROOT, lab, data)
    print(f"Noted in {lab.folder}/answers.toml.")
    return 0


def submit(args):
    lab = lab_here(args.lab)
    data = pins.read(ROOT, lab)
    pins.write(ROOT, lab, data)
    base = ROOT / ".lab/base"
    kept = [*lab.keep, f"{lab.folder}/answers.toml"]
    safe = re.sub(r"[^A-Za-z0-9_.-]+", "-", data["name"]).strip("-.") or "nobody"
    out = args.file or ROOT / f"lab{lab.id}-{safe}.tar.gz"
    with tarfile.open(out, "w:gz") as archive:
        for file in kept:
            if (ROOT / file).exists():
                archive.add(ROOT / file, file)
        about = f'lab = "{lab.id}"\nbase = "{base.read_text().strip() if base.exists() else tree.identity(ROOT)}"\n'.encode()
        entry = tarfile.TarInfo("submission.toml")
        entry.size = len(about)
        archive.addfile(entry, io.BytesIO(about))
    left = [name for _, name, _, is_open in report.open_functions(ROOT, lab) if is_open]
    print(f"Written: {out} ({len(kept)} files, for {data['name']})")
    if left:
        print(f"  {len(left)} functions are not written yet: {', '.join(left)}")
    tell_refusals(lab)
    return 0


def tell_refusals(lab):
    """What a grader would refuse, whatever it does."""
    if not (ROOT / ".lab/base").exists():
        return
    for file in lab.keep:
        if wrong := screen.odd(file, (ROOT / file).read_text(errors="replace"), tree.git(ROOT, "show", f"starter:{file}")):
            print(f"note: the grader will refuse this: {wrong}")


def grade_them(args):
    import grade
    return grade.grade(spec.load(args.lab), args)


def seeds(args):
    import grade
    lab = spec.load(args.lab)
    parameters = grade.parameters(lab, args.pack, args.nonce, args.seeds)
    if not args.pack and not args.nonce:
        print("# Drawn just now, and of no class: --pack FILE prints those of a class.")
    print(f'nonce = "{parameters.nonce}"')
    for one in lab.checks:
        print(f"{one.name} = {list(parameters.seeds(one))}")
    return 0


def pack(args):
    import grade
    lab = spec.load(args.lab)
    grade.write_pack(lab, args.file)
    print(f"Written: {args.file}. It is the class's secret; tools/lab/lab grade {lab.id} DIR --pack {args.file}")
    return 0


def export(args):
    """Starters as folders without a tool: for a web page, or a branch that is made anew each time."""
    lab = spec.load(args.lab)
    tree.starter(lab, ROOT, args.dir)
    name = args.dir.resolve().name
    with tarfile.open(f"{args.dir}.tar.gz", "w:gz") as archive:
        archive.add(args.dir, name)
    print(f"Written: {args.dir} and {args.dir}.tar.gz")
    return 0


def page(args):
    """For who writes a lab: the page's excerpts as the code is now."""
    import excerpts
    lab = spec.load(args.lab)
    path = ROOT / lab.folder / "README.md"
    path.write_text(excerpts.filled(path.read_text(), ROOT))
    for program, options, begin, end, file in excerpts.pictures(path.read_text()) if args.pictures else ():
        draw(checks.Bench(ROOT, lab), program, options, [*(["--from", begin, "--to", end] if end else [])], path.parent / file)
    return 0


def draw(bench, program, options, part, to):
    """A picture of a run of @program in the simulator."""
    run = spec.Check("picture", 2, 1, "", 0, program)
    path, said = bench.build(run)
    if not path:
        raise Wrong(f"{program} does not build:\n" + "\n".join(checks.compiler_errors(said)))
    trace = bench.folder / "picture"
    shutil.rmtree(trace, ignore_errors=True)
    trace.parent.mkdir(parents=True, exist_ok=True)
    for command in ([path, *options, "--trace", trace], ["tools/trace/picture", trace, to, *part]):
        status, said = bench.plain(command, checks.RUN_STALL_S)
        if status:
            raise Wrong(f"{checks.quoted(command)} left with {status}:\n{said}")
    print(said, end="")


COMMANDS = {"start": start, "todo": todo, "check": check, "replay": replay, "view": view, "hint": hint, "diff": diff,
            "pin": pin, "submit": submit, "list": list_labs, "grade": grade_them, "seeds": seeds, "pack": pack,
            "export": export, "page": page}
