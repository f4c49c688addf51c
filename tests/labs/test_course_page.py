"""docs/course.md is exact: its commands are typed, one after the other."""

import csv
import os
import re
import subprocess
from pathlib import Path

import pytest
from lab_workspace import ROOT

pytestmark = pytest.mark.xdist_group("grade")
PAGE = (ROOT / "docs/course.md").read_text()
BLOCKS = re.findall(r"(?:^    \S.*\n)+", PAGE, re.M)
CHEAPER = [(r"^make (?!-n)", "make -n "), (r"^(tools/lab/lab grade .*)", r"\1 --tier 1 --seeds 1")]


def typed(line, where, home):
    for old, new in CHEAPER:
        line = re.sub(old, new, line)
    return subprocess.run(["bash", "-c", line], cwd=where, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, env={**os.environ, "HOME": str(home), "USER": "dora"})


@pytest.mark.quick
def test_the_page_is_one_page():
    assert len(PAGE.splitlines()) <= 90 and len(PAGE) < 6500
    assert len(BLOCKS) >= 6


def hand_in(home):
    """As the page says of students: what `submit` wrote, one archive each."""
    folder = home / "course/in8"
    folder.mkdir()
    said = typed(f"tools/lab/lab submit 8 {folder}/dora.tar.gz", home / "course/lab08", home)
    assert said.returncode == 0 and "22 functions are not written yet" in said.stdout, said.stdout


def test_its_commands_are_typed(tmp_path):
    seen = []
    for block in BLOCKS:
        where = ROOT  # each block begins in the tree
        for line in map(str.strip, block.splitlines()):
            if "lab grade" in line:
                hand_in(tmp_path)
            if line.startswith("cd "):
                where = Path(line[3:].replace("~", str(tmp_path)))
                continue
            said = typed(line, where, tmp_path)
            assert said.returncode == (3 if "lab replay" in line else 0), f"{line}:\n{said.stdout}"
            seen.append(line)
            if "lab replay" in line:
                assert "not started: levels_release is yours" in said.stdout, said.stdout
    course = tmp_path / "course"
    assert (course / "lab08.tar.gz").stat().st_size > 100_000
    with open(course / "in8-grades/grades.csv", newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["name"] == "dora" and row["levels"] == "not started" and row["points"] == "0"
    assert {"start", "list", "export", "pack", "seeds", "grade", "replay"} <= {s.split()[1] for s in seen if "lab/lab" in s}
