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


# What a machine or an executor could do wrong, in the model's own steps: (run, old, new, what SPIN then finds).
WRONG_STEPS = {
    "an interrupt is acknowledged behind the look": (
        "fifo-3", "	m.phase[c] = RUN;\n	m.giving[c] = phase", "	m.phase[c] = RUN;\n	m.interrupted[c] = 0;\n	m.giving[c] = phase", "a CPU sleeps while"),
    "behind a fault the CPU halts and does not look": (
        "fifo-3", "	m.phase[c] = TAKE_HELD;\n	return looks(c);\n#endif",
        "	if (how == ENDS) {\n		m.locked = m.subject[c] = NOBODY;\n		return world_leave();\n	}\n"
        "	m.phase[c] = TAKE_HELD;\n	return looks(c);\n#endif", "a CPU sleeps while"),
    "who leaves is not hinted": (
        "cpu-leaves", "	m.phase[c] = PLUGGED;\n	return NULL;", "	return NULL;", "that is to leave, or to come back, never does"),
    "who leaves keeps what it was hinted for": (
        "cpu-leaves", "	m.goes[c] = m.leaving[c];\n", "	m.goes[c] = m.leaving[c];\n	m.spent[c] = m.spent[c] && !m.goes[c];\n", "a CPU sleeps while"),
    "who comes back takes nothing": (
        "cpu-leaves", "	m.goes[c] = m.leaving[c];\n", "	m.goes[c] = m.leaving[c] || m.out[c];\n", "that is to leave, or to come back, never does"),
    "who leaves forgets whom it ran": (
        "cpu-leaves", "		m.left[c] = (u8)t;\n", "		m.left[c] = leave ? NOBODY : (u8)t;\n", "in two places or in none"),
}


@pytest.mark.parametrize("name", WRONG_STEPS)
def test_a_wrong_step_is_found(copy, name):
    run, old, new, found = WRONG_STEPS[name]
    model = copy / "verify/spin/sched_model.c"
    text = model.read_text()
    assert text.count(old) == 1
    model.write_text(text.replace(old, new))
    try:
        result = prove(copy, "scheduler", "--no-mutants", "--run", run)
    finally:
        model.write_text(text)
    assert result.returncode == 1 and re.search(f"scheduler, {run}: refuted.*{found}", result.stdout), result.stdout


def test_the_model_rejects_what_a_wrong_kernel_does(root, kernels, tmp_path, monkeypatch):
    """The kernel queues who was preempted at the wrong end; the model, of the code as it is, cannot."""
    monkeypatch.chdir(root)
    monkeypatch.syspath_prepend(str(root / "tools/prove"))
    import explorer  # noqa: F401  pylint: disable=import-outside-toplevel,unused-import
    from engines import ENGINES, REFUTED  # pylint: disable=import-outside-toplevel
    kernels.make("kernel", "BOARD=sim", "CC=clang", "APP=tests/verify/scheduled.c")
    row = next(p for p in tomllib.loads((root / "verify/properties.toml").read_text())["property"] if p["name"] == "traces")
    run = next(run for run in row["runs"] if run["name"] == "mixture-3")
    wrong = tmp_path / "overlay/kernel/sched/levels.h"
    wrong.parent.mkdir(parents=True)
    text = (root / "kernel/sched/levels.h").read_text()
    assert text.count("\tif (at_head)\n") == 1
    wrong.write_text(text.replace("\tif (at_head)\n", "\tif (!at_head)\n"))
    result = ENGINES["traces"].run(row, run, tmp_path / "overlay", tmp_path)
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
