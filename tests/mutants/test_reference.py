"""docs/reference-defects.md and the mutants say the same."""

import re
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import reference  # noqa: E402
from table import MUTANTS  # noqa: E402

NAMES = {m.name for m in MUTANTS}


@pytest.fixture(scope="module")
def rows(root):
    """Number of the defect -> what is said of it here."""
    table = re.findall(r"^\| (B\d+) \| (.+) \| (.+) \|$", (root / "docs/reference-defects.md").read_text(), re.M)
    assert [number for number, _, _ in table] == [f"B{i}" for i in range(1, 17)]
    return {number: here for number, _, here in table}


def mutants_of(here):
    """The names behind the word `mutant`."""
    lists = re.findall(r"[Mm]utants?((?:,? (?:and )?`[a-z0-9-]+`(?: \([^)]*\)| \[[^\]]*\])?)+)", here)
    return re.findall(r"`([a-z0-9-]+)`", " ".join(lists))


@pytest.mark.quick
def test_each_defect_has_a_mutant_or_a_reason(rows):
    for number, here in rows.items():
        assert mutants_of(here) or "Cannot arise: " in here, f"{number} has neither: {here}"


@pytest.mark.quick
def test_each_mutant_of_the_table_exists(rows):
    named = {name for here in rows.values() for name in mutants_of(here)}
    assert named <= NAMES, f"no such mutants: {sorted(named - NAMES)}"
    assert {m.name for m in reference.MUTANTS} <= named
    # What is quoted with a hyphen is a mutant, and is found as one.
    quoted = {name for here in rows.values() for name in re.findall(r"`([a-z0-9]+(?:-[a-z0-9]+)+)`", here)}
    assert quoted == {name for name in named if "-" in name}
