"""Each lab is whole: its page, its hints, its starter, its checks, and the broken kernels that these
must tell from the right one."""

import hashlib
import os
import re
import subprocess
import sys

import pytest
from lab_workspace import ROOT, Workspace, checks, cutter, excerpts, lend_objects, spec, tree

LABS = spec.available()
ALL = os.environ.get("LABS") == "all"
FRESH, FEW = 50, 4
LAB = [sys.executable, "tools/lab/lab"]
SECTIONS = ["Theory on one page", "Before you begin", "Pins", "How Linux and Rust do it", "When something fails"]


def each_lab(marks=()):
    return pytest.mark.parametrize("lab", [pytest.param(spec.load(n), id=n, marks=[pytest.mark.xdist_group(f"lab{n}"), *marks])
                                           for n in LABS])


def each(kind, only=lambda item: True):
    return [pytest.param(lab, item, id=f"{n}-{item.name}", marks=[pytest.mark.xdist_group(f"lab{n}")])
            for n in LABS for lab in [spec.load(n)] for item in getattr(lab, kind) if only(item)]


def build_right_ones(kernels):
    for board in ("sim", "pc", "virt"):
        kernels.elf(board)
    kernels.trace_tool()


@pytest.fixture(scope="session")
def spaces(tmp_path_factory, kernels):
    made = {}

    def space(lab):
        if lab.id not in made:
            build_right_ones(kernels)
            made[lab.id] = Workspace(tmp_path_factory.mktemp(f"lab{lab.id}"), ("sim-clang", "pc-clang", "virt-clang"))
        return made[lab.id]
    return space


# ---- what is written

@each_lab([pytest.mark.quick])
def test_the_page_has_the_code_as_it_is(lab):
    page = (ROOT / lab.folder / "README.md").read_text()
    assert excerpts.filled(page, ROOT) == page, f"{lab.folder}/README.md is old: tools/lab/lab page {lab.id}"
    shown = excerpts.named(page)
    assert shown or not lab.cuts
    assert not {name for _, name in shown} & {name for _, name in lab.functions}, "the page shows a solution"


@each_lab([pytest.mark.quick])
def test_the_page_is_whole(lab):
    page = (ROOT / lab.folder / "README.md").read_text()
    assert excerpts.pictures(page), f"{lab.folder}/README.md has no picture of a run; see tools/lab/lab page {lab.id} --pictures"
    for section in SECTIONS:
        assert re.search(rf"^## {section}$", page, re.M), f"{lab.folder}/README.md has no section {section}"
    part = dict(re.findall(r"^## ([^\n]*)\n(.*?)(?=^## |\Z)", page, re.M | re.S))
    theory = part["Theory on one page"]
    assert len(theory.splitlines()) <= 80 and len(re.sub(r"```.*?```", "", theory, flags=re.S).split()) <= 500
    assert len(re.findall(r"^\d\. ", part["Before you begin"], re.M)) >= 2
    assert "> **Linux" in part["How Linux and Rust do it"] and "> **Rust" in part["How Linux and Rust do it"]
    hours = [int(n) for n in re.findall(r"\d+", lab.hours)]
    assert hours == [30] or 6 <= hours[0] < hours[1] <= 12
    steps = [int(n) for n in re.findall(r"^## Step (\d+): ", page, re.M)]
    assert steps == list(range(1, len(steps) + 1))
    assert {c.step for c in lab.cuts} | {c.step for c in lab.checks} <= set(steps)
    for target in re.findall(r"\]\(([^)#]+)\)", page):
        assert (ROOT / lab.folder / target).exists(), f"{lab.folder}/README.md points to {target}, which is not there"
    for function in (name for _, name in lab.functions):
        assert function in page or any(c.file in page for c in lab.cuts if function in c.functions), function


@each_lab([pytest.mark.quick])
def test_each_step_has_three_hints(lab):
    page = (ROOT / lab.folder / "README.md").read_text()
    hints = (ROOT / lab.folder / "hints.md").read_text()
    steps = dict(re.findall(r"^## Step (\d+): [^\n]*\n(.*?)(?=^## |\Z)", hints, re.M | re.S))
    assert set(steps) == set(re.findall(r"^## Step (\d+): ", page, re.M))
    for number, text in steps.items():
        assert len(re.findall(r"^### ", text, re.M)) == 3, f"step {number} has not three hints"


@each_lab([pytest.mark.quick])
def test_the_points_add_up_and_the_numbers_are_kept(lab):
    assert sum(c.points for c in lab.checks) == 100
    assert len(lab.mutants) >= 5 and len(lab.attempts) >= 3
    tried = {(a.file, a.function) for a in lab.attempts}
    for step in {c.step for c in lab.cuts}:
        assert tried & {(c.file, f) for c in lab.cuts if c.step == step for f in c.functions}, f"nobody was wrong in step {step}"
    if lab.needs:  # all but the tour
        assert len({c.tier for c in lab.checks}) >= 3
    assert len({c.name for c in lab.checks}) == len(lab.checks)


@each_lab([pytest.mark.quick])
def test_each_check_kills_a_mutant_and_each_mutant_is_killed(lab):
    killers = {name for m in lab.mutants for name in m.fails}
    assert all(m.fails for m in lab.mutants)
    assert killers == {c.name for c in lab.checks}
    for m in lab.mutants:
        assert (ROOT / m.file).read_text().count(m.old) == 1, f"{m.name}: its text is not once in {m.file}"


@each_lab([pytest.mark.quick])
def test_no_message_is_cut_off(lab):
    """test_fail has room for 159 characters; what numbers and names take is not counted."""
    for file in sorted((ROOT / lab.folder / "tests").glob("*.c")):
        text = file.read_text()
        for call in re.findall(r"(?:EXPECT|test_fail)\(.*?\);\n", text, re.S) if "host.h" not in text else ():
            said = "".join(re.findall(r'"((?:\\.|[^"\\])*)"', call))
            assert len(said) < 160, f"{file.name}: {len(said)} characters: {said}"


# ---- the starter

@pytest.fixture(scope="session")
def starters(tmp_path_factory, kernels):
    made = {}

    def starter(lab):
        if lab.id not in made:
            to = tmp_path_factory.mktemp("starters") / lab.id
            build_right_ones(kernels)
            tree.starter(lab, ROOT, to)  # behind the objects: make goes by times
            lend_objects(to, ("sim-clang", "pc-clang", "virt-clang"))
            made[lab.id] = to
        return made[lab.id]
    return starter


def lab_says(root, *words):
    return subprocess.run([*LAB, *words], cwd=root, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


@each_lab()
def test_the_starter_is_not_started(lab, starters):
    """It builds on the simulator and on both architectures, and no check calls it wrong."""
    root = starters(lab)
    said = lab_says(root, "check", "--seeds", "1-1")
    if any(c.instead for c in lab.cuts):  # what is there is wrong, and is to be found so
        said = lab_says(root, "check")
        assert said.returncode == 1 and set(re.findall(r"^(ok|todo|FAIL) ", said.stdout, re.M)) == {"FAIL"}, said.stdout
        return
    assert said.returncode == 3, said.stdout
    states = re.findall(r"^(ok|todo|FAIL) ", said.stdout, re.M)
    assert states == ["todo"] * len(lab.checks), said.stdout
    for name in set(re.findall(r"not started: (\w+) is yours", said.stdout)):
        assert name in {f for _, f in lab.functions}


COMMAND = re.compile(r"^    ((?:tools/lab/lab|make|cd)\b.*?)(?: {2,}.*)?$", re.M)


@each_lab()
def test_the_pages_commands_can_be_typed(lab, starters, tmp_path):
    """Each as it stands, in the page's order, in the starter: what is written below it is not there yet, and the
    tool says that, and nothing else. Those in the text are whole lines, too, so that they can be copied."""
    page = (ROOT / lab.folder / "README.md").read_text()
    begin, enter, *typed = COMMAND.findall(page)
    folder = f"~/lab{lab.id}"
    assert begin == f"tools/lab/lab start {int(lab.id)} {folder}" and enter == f"cd {folder}"
    started = subprocess.run(["bash", "-c", f"{begin} && {enter} && tools/lab/lab todo"], cwd=ROOT, text=True, capture_output=True,
                             env={**os.environ, "HOME": str(tmp_path)})
    assert started.returncode == 0, started.stderr
    assert not re.search(r"`tools/[^`\n]*\n", page), "a command is broken over two lines"
    typed += re.findall(r"`(tools/lab/lab [^`]+)`", page)
    assert {"check", "pin", "hint"} <= {words.split()[1] for words in typed}
    begun = any(c.instead for c in lab.cuts)  # what is there runs, and is wrong
    for line in dict.fromkeys(typed):
        if line.split() == ["tools/lab/lab", "check"]:
            continue  # test_the_starter_is_not_started has all of them
        line = line.replace("make run", "make -n run")
        said = subprocess.run(["bash", "-c", line], cwd=starters(lab), text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
        what = "gdb" if "--gdb" in line else line.split()[1]
        status = {"check": 1 if begun else 3, "replay": 1 if begun else 3, "view": 0 if begun else 2, "pin": 0 if begun else 2}
        assert said.returncode == status.get(what, 0), f"{line}:\n{said.stdout}"
        if what in ("view", "pin") and not begun:
            assert re.search(r"there is nothing to see yet|there is none yet: lab \d\d: \w+ is yours", said.stdout), said.stdout
        assert what != "gdb" or re.search(r"^\(gdb\) ", said.stdout, re.M), said.stdout


@each_lab()
def test_what_is_outside_of_the_lab_is_as_it_was(lab, starters):
    """In its starter the other labs' functions pass the tests that run them by themselves, of each lab the first."""
    count = 0
    for other in map(spec.load, LABS):
        bench = checks.Bench(starters(lab), other, sanitize=False)
        for check in [c for c in other.checks if c.sources and not set(c.sources) & set(lab.keep)][:1]:
            result = bench.run(check, (1, 1))
            assert result.state == checks.PASSED, f"in the starter of lab {lab.id}: {result}"
            count += 1
    assert count


@each_lab([pytest.mark.quick])
def test_the_list_of_functions_is_the_difference(lab, tmp_path):
    """What `start` takes out is what lab.toml names, and `todo` says so."""
    root = tmp_path / "starter"
    tree.starter(lab, ROOT, root)
    said = lab_says(root, "todo")
    assert said.returncode == 0
    assert re.findall(r"^  todo +(\w+) ", said.stdout, re.M) == [
        name for c in sorted(lab.cuts, key=lambda c: c.step) for name in c.functions]
    differ = [f for f in tree.files(ROOT) if (root / f).is_file() and (root / f).read_bytes() != (ROOT / f).read_bytes()]
    assert set(differ) <= {*lab.keep, ".gitignore"} and set(lab.keep) <= set(differ)
    for file in lab.keep:
        names = [n for f, n in lab.functions if f == file]
        assert cutter.mask((root / file).read_text(), names) == cutter.mask((ROOT / file).read_text(), names)
    assert not [f for f in tree.files(root) if tree.withheld(f)]
    git = subprocess.run(["git", "status", "--short"], cwd=root, text=True, capture_output=True)
    assert git.returncode == 0 and not git.stdout


@each_lab()
def test_the_steps_follow_each_other(lab, starters, spaces):
    """With the reference's functions up to a step, the checks that need no more pass."""
    space = spaces(lab)
    titles = sorted({c.step for c in lab.cuts if not c.instead})
    tree.cut(lab, space.root)
    try:
        for step in titles[:-1]:
            for c in lab.cuts:
                if c.step == step:
                    space.put(c.file, cutter.graft((space.root / c.file).read_text(), space.right(c.file), c.functions))
            for check in lab.checks:
                if check.tier < 4 and check.step <= step:
                    result = space.bench(lab).run(check, (1, 1))
                    if (check.until or check.step) <= step:
                        assert result.state == checks.PASSED, f"{check.name} after step {step}: {result}"
                    else:
                        assert result.state in (checks.NOT_STARTED, checks.PASSED), f"{check.name} after step {step}: {result}"
    finally:
        space.mend(*lab.keep)
        space.forget_common()


# ---- the checks

@pytest.mark.parametrize("lab, check", each("checks"))
def test_the_reference_passes(lab, check, spaces):
    """On all public seeds and on fresh ones, which change with the tree; but for a few of them on the largest machine
    alone, unless LABS=all. An exploration is many runs, so that two more of them are enough."""
    bench = spaces(lab).bench(lab)
    result = bench.run(check, (1, min(FEW, check.seeds)))
    assert result.state == checks.PASSED, result
    if check.tier < 4 and check.seeds > 1:
        first = 1000 + int(hashlib.sha256(tree.identity(ROOT).encode()).hexdigest()[:6], 16)
        seeds = [*range(FEW + 1, check.seeds + 1), *range(first, first + (2 if check.bound else FRESH))]
        cpus = check.cpus if ALL else check.cpus[-1:]
        result = bench.run(check, plans=[("sim", n, seed) for n in cpus for seed in seeds])
        assert result.state == checks.PASSED, result


@pytest.mark.parametrize("lab, mutant", each("mutants"))
def test_mutant(lab, mutant, spaces):
    space = spaces(lab)
    try:
        space.broken(mutant.file, mutant.old, mutant.new)
        for name in mutant.fails:
            result = space.bench(lab).run(lab.check_named(name), (1, min(40, lab.check_named(name).seeds)))
            assert result.state == checks.FAILED, f"{name} does not see {mutant.name}: {result}"
            assert result.wrong and result.how
        for check in lab.checks if mutant.only else ():
            if check.tier < 4 and check.name not in mutant.fails:
                result = space.bench(lab).run(check, (1, min(3, check.seeds)))
                assert result.state == checks.PASSED, f"{check.name} sees {mutant.name}, too: {result}"
    finally:
        space.mend(mutant.file)


@pytest.mark.parametrize("lab, attempt", each("attempts"))
def test_a_wrong_solution_is_told_what_is_wrong(lab, attempt, spaces):
    import report
    space = spaces(lab)
    try:
        text = cutter.replace(space.right(attempt.file), attempt.function, attempt.body.strip("\n").splitlines())
        if attempt.file.startswith("kernel/"):  # as in a starter
            text = "\n".join(cutter.with_include(text.splitlines())) + "\n"
            for source, target in tree.COMMON.items():
                space.put(target, space.right(source))
        space.put(attempt.file, text)
        check = lab.check_named(attempt.check)
        result = space.bench(lab).run(check, (1, min(20, check.seeds)))
        said = report.result(lab, result)
        assert result.state in (checks.FAILED, checks.NOT_BUILT), said
        flat = " ".join(said.split())
        for words in attempt.says:
            assert words in flat, f"{attempt.name} is not told: {words}\n{said}"
    finally:
        space.mend(attempt.file)
        space.forget_common()


# ---- from one lab to the next

@pytest.mark.quick
def test_ones_own_functions_come_along(tmp_path):
    """Lab 8's, written; of lab 5 nothing was written, so the reference's stay."""
    before, after = tmp_path / "lab08", tmp_path / "lab09"
    lab = spec.load("08")
    tree.starter(lab, ROOT, before)
    mine = cutter.replace((before / "kernel/sched/edf.c").read_text(), "edf_release",
                          ["\t(void)queue;", "\te->key = p->deadline_ns + now_ns; /* mine */"])
    (before / "kernel/sched/edf.c").write_text(mine)
    said = subprocess.run([*LAB, "start", "9", str(after), "--use-mine", str(before)], cwd=ROOT, text=True,
                          capture_output=True)
    assert said.returncode == 0, said.stderr
    text = (after / "kernel/sched/edf.c").read_text()
    assert "/* mine */" in text and "LAB_TODO" not in text
    assert (after / "kernel/sched/levels.c").read_text() == (ROOT / "kernel/sched/levels.c").read_text()
    assert 'LAB_TODO("09", "irq_look")' in (after / "kernel/core/irq.h").read_text()
    assert "edf_release" in said.stdout
    again = tmp_path / "again"  # the same lab in a new tree: what was written is there, and is what `diff` shows
    said = subprocess.run([*LAB, "start", "8", str(again), "--use-mine", str(before), "--of", "8"], cwd=ROOT, text=True, capture_output=True)
    assert said.returncode == 0 and "with 1 functions of yours" in said.stdout
    assert "/* mine */" in lab_says(again, "diff").stdout and "21 of 22 functions" in lab_says(again, "todo").stdout
    (before / "kernel/sched/edf.c").write_text(mine.replace("/* mine */\n}", "/* mine */\n\t}"))
    said = lab_says(before, "todo")
    assert said.returncode == 2 and re.search(r"^lab: kernel/sched/edf.c:\d+: this body has no `}` that stands alone in column 0$",
                                              said.stdout), said.stdout


@pytest.mark.quick
def test_a_starter_can_be_exported_and_handed_in(tmp_path):
    """An archive without the tool's help; in it the commands know their lab, and hints open one by one."""
    root = tmp_path / "starter"
    assert subprocess.run([*LAB, "export", "0", str(root)], cwd=ROOT, capture_output=True).returncode == 0
    assert (tmp_path / "starter.tar.gz").stat().st_size > 100_000
    assert not (root / "labs/00/mutants.toml").exists() and not (root / "tests/labs").exists()
    first, second = (lab_says(root, "hint", "0", "6").stdout for _ in range(2))
    assert "Hint 1 of 3" in first and "Hint 2 of 3" in second and first != second
    for words in (["1", "dora"], ["0", "2", "bert"], ["2", "7"]):
        assert lab_says(root, "pin", *words).returncode == 0
    assert re.search(r'^1 = "dora"\n2 = "7"$', (root / "labs/00/answers.toml").read_text(), re.M)
    (root / "labs/00/counter.c").write_text((ROOT / "labs/00/counter.c").read_text())
    assert "counter++" in lab_says(root, "diff").stdout
    said = lab_says(root, "submit", "0", str(tmp_path / "mine.tar.gz"))
    assert said.returncode == 0 and "2 files" in said.stdout, said.stdout
    said = lab_says(root, "todo")
    assert "0 of 1 functions" in said.stdout


def test_the_tours_debugger_shows_lost_additions(starters):
    """Step 5 of lab 0, as it stands there."""
    page = (ROOT / "labs/00/README.md").read_text()
    typed = "".join(re.findall(r"^    (.*\n)", page.split("## Step 5")[1].split("## Step 6")[0], re.M))
    assert "dprintf" in typed
    said = subprocess.run([*LAB, "replay", "00", "counter", "--seed", "1", "--cpus", "2", "--gdb"], cwd=starters(spec.load("00")),
                          text=True, input=typed, stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout
    writes = re.findall(r"^(?:\(gdb\) )*(\d+) is written over (\d+)$", said, re.M)
    assert len(writes) == 100 and "in adder (frame=" in said, said
    assert any(new == old for new, old in writes), said


@each_lab()
def test_the_pins_have_answers_and_each_student_has_his_own(lab, spaces):
    import pins
    bench = spaces(lab).bench(lab)
    students = ["anna", "bert", "cleo", "dora", "emil", "fred", "gina", "hugo"]
    found = [pins.answers(bench, lab, name) for name in students]
    assert lab.pins and found[0] == pins.answers(bench, lab, students[0])
    for pin, answers in zip(lab.pins, zip(*found), strict=True):
        assert "none" not in answers and len(set(answers)) > 1, f"{pin.question} {answers}"
        assert pins.same(f" {answers[0].upper()} ", answers[0])


@each_lab([pytest.mark.quick])
def test_both_compilers_take_the_programs(lab, kernels):
    """The labs' own runs are clang's; whoever has gcc builds them as well."""
    kernels.elf("sim")  # headers that are made
    for file in sorted((ROOT / lab.folder / "tests").glob("*.c")):
        host = "host.h" in file.read_text()
        words = [] if host else ["-ffreestanding", "-Werror"]
        said = subprocess.run(["gcc", "-std=gnu17", "-fsyntax-only", "-Wall", "-Wextra", *words, "-I.", "-Ikernel", "-Ikernel/arch/sim",
                               f"-I{file.parent}/host", "-Ibuild/session/kernel", str(file.relative_to(ROOT))], cwd=ROOT, text=True,
                              capture_output=True)
        assert said.returncode == 0, said.stderr
