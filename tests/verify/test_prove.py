"""make prove: its quick part holds, a planted bug is found, and what cannot run counts as not proved."""

import re
import shutil
import subprocess
import sys
import tomllib

import pytest

pytestmark = pytest.mark.xdist_group("prove")
STALL_S = 900


def prove(tree, *words, env=None):
    return subprocess.run([sys.executable, "tools/prove/prove", *words], cwd=tree, text=True, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=STALL_S, env=env)


@pytest.fixture(scope="module")
def cbmc(root):
    """True when CBMC is here; setup has said why, if not, and what it proves is not proved then."""
    return not subprocess.run(["tools/setup/cbmc", "build/prove/cbmc"], cwd=root, timeout=STALL_S).returncode


@pytest.fixture(scope="module")
def copy(root, tmp_path_factory):
    """A copy of what is proved, to plant bugs in; with the tree's own CBMC."""
    tree = tmp_path_factory.mktemp("tree")
    for folder in ("kernel", "verify", "tools", "sim", "tests/explore"):
        shutil.copytree(root / folder, tree / folder)
    (tree / "build/prove").mkdir(parents=True)
    (tree / "build/prove/cbmc").symlink_to(root / "build/prove/cbmc")
    return tree


PLANTED = {
    "wheel": ("kernel/base/wheel.c", "if (n->key != least && w->slots[n->slot].first)", "if (n->key != least)",
              ("--run", "cancel")),
    "switch": ("kernel/arch/aarch64/switch.S", "	stp	x19, x20, [sp, #80]\n", "", ("--run", "aarch64")),
    "vectors": ("kernel/arch/x86_64/vectors.S", "	push	%r11\n	sub	$8, %rsp\n", "	push	%r11\n",
                ("--run", "x86_64-interrupts")),
    "scheduler": ("kernel/task/look.h", "t->rank < l->below", "t->rank <= l->below", ("--run", "fifo-3")),
    "channel": ("kernel/async/channel.c", "c->count || c->closed ? waiter_task(&c->receivers)",
                "c->count && c->closed ? waiter_task(&c->receivers)", ("--run", "withdrawn")),
    "handover": ("kernel/task/handover.h", "	t->worker = c->left;\n", "", ("--run", "wake")),
    "tree": ("kernel/base/tree.c", "return n && n->masks & mask && n->least <= limit;",
             "return n && n->masks & mask && n->least < limit;", ("--run", "next")),
    "list": ("kernel/base/list.h", "at->next->prev = n;", "at->prev = n;", ()),
    "pages": ("kernel/mm/page.c", "range_count < RANGES_MAX && state_bytes", "range_count <= RANGES_MAX && state_bytes",
              ("--run", "add-last")),
    "ring": ("kernel/async/channel.c", "if (++c->head == c->capacity)", "if (++c->head > c->capacity)", ("--run", "try")),
    "runqueue": ("kernel/sched/levels.c", "return open->seq < pinned->seq ? open : pinned;",
                 "return open->seq > pinned->seq ? open : pinned;", ("--run", "first")),
    "fdt": ("kernel/drivers/fdt/fdt.c", "(u64)at + 12 > f->structs_end", "(u64)at + 8 > f->structs_end",
            ("--run", "property")),
    "acpi": ("kernel/drivers/acpi/tables.c", "m->overrides < ACPI_OVERRIDES_MAX", "m->overrides <= ACPI_OVERRIDES_MAX",
             ("--run", "overrides")),
}
BY_CBMC = {"wheel", "tree", "list", "pages", "ring", "runqueue", "fdt", "acpi"}


@pytest.mark.parametrize("name", [pytest.param(n, marks=[pytest.mark.quick] if n in ("list", "switch") else [])
                                  for n in PLANTED])
def test_a_planted_bug_is_found(copy, cbmc, name):
    if name in BY_CBMC and not cbmc:
        pytest.skip("CBMC is not here")
    file, old, new, words = PLANTED[name]
    text = (copy / file).read_text()
    assert text.count(old) == 1
    (copy / file).write_text(text.replace(old, new))
    try:
        result = prove(copy, name, "--no-mutants", *words)
    finally:
        (copy / file).write_text(text)
    assert result.returncode == 1, result.stdout
    assert re.search(rf"{name}, [\w-]+: refuted", result.stdout) and f"NOT PROVED: {name}: refuted" in result.stdout


MODEL, EVENTS, KEY = (f"verify/spin/sched_{name}.c" for name in ("model", "events", "key"))
UNCALLED = "	if (m.running[c] != NOBODY && !m.hinted[c] && why != TICK)\n		return NULL;\n"
ON = "	m.phase[c] = RUN;\n	m.giving[c] = phase"  # a CPU goes on; of the phase TELL SPIN's model makes no use


def uncalled(step):
    """A CPU runs a task, and an interrupt comes for which there is no reason."""
    return MODEL, UNCALLED, UNCALLED.replace("		return NULL;\n", f"	{{\n		{step}\n		return NULL;\n	}}\n")


def later(step):
    return MODEL, ON, ON.replace("RUN;\n", f"RUN;\n	if (phase == TELL)\n		{step}\n")


# The model without what a wrong step needs to be wrong: then it must pass. Each hint has an interrupt, or a look, of its own;
APART = [(MODEL, "		m.interrupted[target] = 1;", "		m.interrupted[target]++;"),
         (MODEL, "		m.interrupted[c] = 0;\n	if (m.running", "		m.interrupted[c]--;\n	if (m.running"),
         (MODEL, "		m.own[c] = 1;", "		m.own[c]++;"), (MODEL, "	m.own[c] = 0;", "	m.own[c] -= m.own[c] != 0;"),
         (KEY, "m.interrupted[c] | m.own[c] << 1, 2", "m.interrupted[c] | m.own[c] << 3, 5")]
# none comes without a hint, and ...
UNASKED = (EVENTS, "? *rest_of(SPURIOUS_ONE) != 0", "? false")
# ... a look that spends a hint takes its interrupt back;
CALLED = [UNASKED, (MODEL, "	m.own[c] = 0;", "	m.own[c] = m.interrupted[c] = 0;")]
# from its look to its halt a CPU is alone.
ALONE = [(EVENTS, "	}\n}\n\nstatic char *interrupted(",
          "	}\n	for (unsigned c = 0; c < CPUS; c++)\n		if (m.phase[c] != RUN && m.phase[c] != WOKEN && m.can >> c & 1)\n"
          "			m.can &= 1ull << c;\n}\n\nstatic char *interrupted(")]

# What a machine or an executor could do wrong, in the model's own steps: (run, edits, what SPIN then finds, without what it would not).
WRONG_STEPS = {
    "an interrupt is acknowledged behind the look": (
        "fifo-3", [(MODEL, ON, ON.replace("RUN;\n", "RUN;\n	m.interrupted[c] = 0;\n"))], "a CPU sleeps while", None),
    "behind a fault the CPU halts and does not look": (
        "fifo-3", [(MODEL, "	m.phase[c] = TAKE_HELD;\n	return looks(c);\n#endif",
                    "	if (how == ENDS) {\n		m.locked = m.subject[c] = NOBODY;\n		return world_leave();\n	}\n"
                    "	m.phase[c] = TAKE_HELD;\n	return looks(c);\n#endif")], "a CPU sleeps while", None),
    "who leaves is not hinted": (
        "cpu-leaves", [(MODEL, "	m.phase[c] = PLUGGED;\n	return NULL;", "	return NULL;")], "that is to leave, or to come back, never does", None),
    "who leaves keeps what it was hinted for": (
        "cpu-leaves", [(MODEL, "	m.goes[c] = m.leaving[c];\n", "	m.goes[c] = m.leaving[c];\n	m.spent[c] = m.spent[c] && !m.goes[c];\n")],
        "a CPU sleeps while", None),
    "who comes back takes nothing": (
        "cpu-leaves", [(MODEL, "	m.goes[c] = m.leaving[c];\n", "	m.goes[c] = m.leaving[c] || m.out[c];\n")],
        "that is to leave, or to come back, never does", None),
    "who leaves forgets whom it ran": (
        "cpu-leaves", [(MODEL, "		m.left[c] = (u8)t;\n", "		m.left[c] = leave ? NOBODY : (u8)t;\n")], "in two places or in none", None),
    "merged: a look spends one hint": (
        "fifo-3", [("kernel/task/look.h", "c->hints_seen = hints;", "c->hints_seen++;")], "a hint is lost", APART),
    "merged: a look spends one hint, and the last of them passes on": (
        "mixture-3", [(MODEL, "	m.spent[c] = l.spent;\n", "	cpus[c].hints_seen = l.spent;\n	m.spent[c] = l.spent && !cpu_hinted(&cpus[c]);\n"),
                      (EVENTS, "if (all_quiet && m.hinted[c])", "if (false)")], "a CPU sleeps while", APART),
    "late: whose interrupt is pending is not hinted again": (
        "mixture-3", [(MODEL, "	if (target == NO_HINT)\n", "	if (target == NO_HINT || m.interrupted[target])\n")], "outranks a running one", CALLED),
    "spurious: it counts as one of the hints to come": ("fifo-3", [uncalled("m.hinted[c]--;")], "a hint is lost", CALLED),
    "spurious: it spends what is hinted just behind it": (
        "mixture-3", [uncalled("m.phase[c] = TELL;"), later("m.hinted[c] = m.interrupted[c] = 0;")], "outranks a running one", [UNASKED]),
    "spurious: it preempts, and nobody looks": (
        "fifo-3", [uncalled("m.left[c] = m.running[c], m.at_head[c] = 1, m.state[m.left[c]] = LEAVING, m.running[c] = NOBODY, m.phase[c] = ARRIVE;")],
        "a CPU sleeps while", CALLED),
    "between look and halt: interrupts are enabled, and taken": (
        "fifo-3", [(MODEL, "ARRIVE : RUN;", "ARRIVE : m.running[c] == NOBODY ? TELL : RUN;"), later("m.interrupted[c] = 0;")], "a CPU sleeps while", ALONE),
}


def of_edited(copy, edits, run):
    """What `prove` says of a run of the model with some places changed."""
    texts = {}
    try:
        for file, old, new in edits:
            text = (copy / file).read_text()
            texts.setdefault(file, text)
            assert text.count(old) == 1, old
            (copy / file).write_text(text.replace(old, new))
        return prove(copy, "scheduler", "--no-mutants", "--run", run)
    finally:
        for file, text in texts.items():
            (copy / file).write_text(text)


@pytest.mark.parametrize("name", WRONG_STEPS)
def test_a_wrong_step_is_found(copy, name):
    run, edits, found, without = WRONG_STEPS[name]
    result = of_edited(copy, edits, run)
    assert result.returncode == 1 and re.search(f"scheduler, {run}: refuted.*{found}", result.stdout), result.stdout
    if without:
        result = of_edited(copy, edits + without, run)
        assert result.returncode == 0 and f"scheduler, {run}: proved" in result.stdout, result.stdout


@pytest.mark.parametrize("without", [APART, CALLED, [UNASKED], ALONE])
def test_what_a_wrong_step_needs_can_be_left_out(copy, without):
    """Else that it passes then would say nothing of the step."""
    for run in ("fifo-3", "mixture-3"):
        result = of_edited(copy, without, run)
        assert result.returncode == 0 and f"scheduler, {run}: proved" in result.stdout, result.stdout


WRONG_KERNELS = {
    "who was preempted is queued at the wrong end": ("mixture-3", "kernel/sched/levels.h", "	if (at_head)\n", "	if (!at_head)\n"),
    "each interrupt makes a running CPU look": ("disturbed-2", "kernel/core/irq.h", "	if (cpu_hinted(c) || (c->quantum_end_ns", "	if (true || (c->quantum_end_ns"),
}


@pytest.mark.parametrize("name", WRONG_KERNELS)
def test_the_model_rejects_what_a_wrong_kernel_does(root, kernels, tmp_path, monkeypatch, name):
    """The model, of the code as it is, cannot do what this kernel does."""
    run, file, old, new = WRONG_KERNELS[name]
    monkeypatch.chdir(root)
    monkeypatch.syspath_prepend(str(root / "tools/prove"))
    import explorer  # noqa: F401  pylint: disable=import-outside-toplevel,unused-import
    from engines import ENGINES, REFUTED  # pylint: disable=import-outside-toplevel
    kernels.make("kernel", "BOARD=sim", "CC=clang", "APP=tests/verify/scheduled.c")
    row = next(p for p in tomllib.loads((root / "verify/properties.toml").read_text())["property"] if p["name"] == "traces")
    wrong = tmp_path / "overlay" / file
    wrong.parent.mkdir(parents=True)
    text = (root / file).read_text()
    assert text.count(old) == 1
    wrong.write_text(text.replace(old, new))
    result = ENGINES["traces"].run(row, next(r for r in row["runs"] if r["name"] == run), tmp_path / "overlay", tmp_path)
    assert result.verdict == REFUTED and "the model cannot do that" in result.text, result


NOT_COUNTED = set()  # five in each `make prove`; a count takes long


@pytest.mark.quick
def test_each_property_has_its_kills_counted(root):
    """By `make prove MUTANTS=1`, whenever that was: the table says when code or proof was changed behind it."""
    sys.path.insert(0, str(root / "tools/prove"))
    import kills  # pylint: disable=import-outside-toplevel
    kills.FILE = root / "verify/kills.tsv"
    names = re.findall(r'^name = "(.*)"', (root / "verify/properties.toml").read_text(), re.M)
    counts = kills.load()
    assert set(names) - set(counts) == NOT_COUNTED, "whoever counts one takes it out of the list"
    poor = {name: str(count) for name, count in counts.items() if count.score() < 90 or len(count.outcomes) < 5}
    assert not poor


def test_a_count_that_is_older_than_the_code_is_told(copy, cbmc):
    if not cbmc:
        pytest.skip("CBMC is not here")
    header = (copy / "kernel/base/list.h").read_text()
    (copy / "kernel/base/list.h").write_text(header + "\nstruct another;\n")
    try:
        result = prove(copy, "list", "--no-mutants")
    finally:
        (copy / "kernel/base/list.h").write_text(header)
    assert result.returncode == 0 and "equivalent, before the code or the proof was changed |" in result.stdout, result.stdout


def test_the_quick_part_holds(root, cbmc):
    result = prove(root, "--quick", "--no-mutants")
    if not cbmc:
        assert result.returncode == 1 and all(f"NOT RUN, so not proved: {name}" in result.stdout for name in BY_CBMC)
        pytest.skip("CBMC is not here")
    assert result.returncode == 0, result.stdout
    assert "NOT PROVED" not in result.stdout
    held, wanted = re.search(r"(\d+) of (\d+) properties hold", result.stdout).groups()
    assert held == wanted and int(held) >= len(PLANTED)


def test_a_tool_that_is_not_there_is_not_a_proof(copy, cbmc, tmp_path):
    if not cbmc:
        pytest.skip("CBMC is not here")
    (copy / "build/prove/cbmc").rename(tmp_path / "away")
    try:
        etc = tmp_path / "etc"
        etc.mkdir()
        (etc / "os-release").write_text("ID=other\n")
        result = prove(copy, "list", env={"PATH": "/usr/bin:/bin", "FERMATA_ETC": str(etc)})
    finally:
        shutil.rmtree(copy / "build/prove/cbmc", ignore_errors=True)
        (tmp_path / "away").rename(copy / "build/prove/cbmc")
    assert result.returncode == 1
    assert "NOT RUN, so not proved: list: setup: CBMC" in result.stdout and "**NOT RUN**" in result.stdout
    assert "NOT PROVED: list: not run" in result.stdout


def test_a_mutant_that_survives_is_told(copy, cbmc):
    """A proof that claims nothing lets its mutants live, and that is a failure."""
    if not cbmc:
        pytest.skip("CBMC is not here")
    header = (copy / "verify/cbmc/prove.h").read_text()
    assert "#define CLAIM(condition, text)" in header
    (copy / "verify/cbmc/prove.h").write_text(header.replace("__CPROVER_assert(condition, text)", "((void)(condition))"))
    try:
        result = prove(copy, "list")
    finally:
        (copy / "verify/cbmc/prove.h").write_text(header)
    assert result.returncode == 1 and "SURVIVES: kernel/base/list.h" in result.stdout, result.stdout
