"""Every planted bug is found, and the right kernel comes clean out of the same runs."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import mutants  # noqa: E402
from table import MUTANTS  # noqa: E402

QUICK = {"ties-by-task-id", "deadline-recomputed", "count-drifts", "published-too-early",
         "wake-while-running-lost", "open-window"}


def prepared(kernels, runs):
    kernels.make(runs.target, f"BOARD={runs.board}", f"CC={runs.cc}", f"APP={runs.app}")
    kernels.trace_tool()


@pytest.mark.parametrize("mutant", [pytest.param(m, id=m.name, marks=[pytest.mark.quick] if m.name in QUICK
                                                 else []) for m in MUTANTS])
def test_mutant_is_caught(kernels, mutant):
    prepared(kernels, mutant.runs)
    try:
        print(mutants.catch(mutant))
    except mutants.Problem as problem:
        pytest.fail(str(problem))


def widest_runs():
    """Of runs that differ in their number alone, the most."""
    widest = {}
    for mutant in MUTANTS:
        r = mutant.runs
        key = (r.program, r.board, r.cc, r.cpus, r.strategy, r.only, r.words, r.watch)
        if key not in widest or widest[key].seeds < r.seeds:
            widest[key] = r
    return widest.values()


@pytest.mark.parametrize("runs", [pytest.param(r, id=f"{r.board}-{Path(r.program).stem}-{r.cpus}-{r.strategy}-{r.only or 'all'}{'-watch' if r.watch else ''}")
                                  for r in widest_runs()])
def test_the_right_kernel_is_clean(kernels, runs):
    prepared(kernels, runs)
    try:
        mutants.come_clean(runs)
    except mutants.Problem as problem:
        pytest.fail(str(problem))


def test_an_edit_that_no_longer_fits_is_an_error(tmp_path):
    (tmp_path / "file").write_text("a b b")
    mutants.apply([("file", "a", "c")], tmp_path)
    assert (tmp_path / "file").read_text() == "c b b"
    for old in ("x", "b"):
        with pytest.raises(mutants.Problem):
            mutants.apply([("file", old, "c")], tmp_path)


@pytest.mark.quick
@pytest.mark.parametrize("mutant", [pytest.param(m, id=m.name) for m in MUTANTS])
def test_each_edit_fits(mutant):
    """Cheap, and so the first to say that a mutant must follow the code."""
    texts = {}
    for file, old, new in mutant.edits:
        text = texts.get(file) or (mutants.ROOT / file).read_text()
        assert text.count(old) == 1, f"{file} has the text to be changed {text.count(old)} times"
        texts[file] = text.replace(old, new)


def test_names_are_unique():
    names = [m.name for m in MUTANTS]
    assert len(names) == len(set(names))
