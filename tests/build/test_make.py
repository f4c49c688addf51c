"""The build: nothing twice, everything that changed, and clear words about wrong options."""

import os
import re
import shutil
import subprocess

import pytest

pytestmark = pytest.mark.quick


@pytest.fixture(scope="module")
def copy(root, tmp_path_factory):
    """A copy of the tree to edit and build in."""
    where = tmp_path_factory.mktemp("tree") / "fermata"
    shutil.copytree(root, where, ignore=shutil.ignore_patterns("build", ".git", "__pycache__"))
    return where


def make(tree, *words, **environment):
    return subprocess.run(["make", "--no-print-directory", *words], cwd=tree, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, env={**os.environ, **environment}, timeout=600)


def compiled(output):
    return set(re.findall(r"^  (?:CC|AS) +(\S+)", output, re.M))


def build(tree, *words):
    result = make(tree, "kernel", *words)
    assert result.returncode == 0, result.stdout
    return result.stdout


def snapshot(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def test_a_second_build_says_and_does_nothing(copy):
    build(copy)
    before = snapshot(copy / "build")
    assert build(copy) == ""
    assert snapshot(copy / "build") == before


def test_a_changed_header_rebuilds_what_includes_it(copy):
    build(copy)
    header = copy / "kernel/base/wheel.h"
    header.write_text(header.read_text() + "\n/* changed */\n")
    again = compiled(build(copy))
    assert "kernel/base/wheel.c" in again
    assert "kernel/base/string.c" not in again
    assert build(copy) == ""


def test_changed_flags_rebuild_everything(copy):
    build(copy)
    flags = copy / "tools/make/toolchain.mk"
    flags.write_text(flags.read_text() + "\nCFLAGS += -DCHANGED\n")
    assert "kernel/base/string.c" in compiled(build(copy))
    assert build(copy) == ""


def test_a_new_and_a_removed_source_relink(copy):
    build(copy)
    extra = copy / "kernel/base/extra.c"
    extra.write_text("int extra_answer(void);\n\nint extra_answer(void)\n{\n\treturn 42;\n}\n")
    assert compiled(build(copy)) == {"kernel/base/extra.c"}
    extra.unlink()
    assert "LD" in build(copy)
    assert build(copy) == ""


def test_boards_and_compilers_build_side_by_side(copy):
    build(copy)
    before = snapshot(copy / "build/pc-clang")
    build(copy, "CC=gcc")
    build(copy, "BOARD=virt")
    assert snapshot(copy / "build/pc-clang") == before
    assert (copy / "build/pc-gcc/kernel.elf").exists()
    assert (copy / "build/virt-clang/kernel.img").exists()
    assert build(copy) == ""


@pytest.mark.parametrize("words, expected", [
    ("BOARD=atari", "BOARD=atari is not a board; choose one of: pc virt raspi3 raspi4 sim"),
    ("CC=tcc", "CC=tcc is not supported; choose CC=clang or CC=gcc"),
    ("CPUS=0", "CPUS=0 does not fit BOARD=pc; it has 1 to 64"),
    ("CPUS=65", "CPUS=65 does not fit BOARD=pc; it has 1 to 64"),
    ("CPUS=many", "CPUS=many does not fit BOARD=pc; it has 1 to 64"),
    ("BOARD=raspi4 CPUS=2", "CPUS=2 does not fit BOARD=raspi4; it has exactly 4"),
    ("SEED=-1", "SEED=-1 is not a number"),
    ("APP=nowhere.c", "APP=nowhere.c: there is no such file"),
])
def test_wrong_options_get_one_clear_line(root, words, expected):
    result = make(root, "run", *words.split())
    assert result.returncode != 0
    assert expected in result.stdout
    assert len(result.stdout.strip().splitlines()) == 1


@pytest.mark.parametrize("words, expected", [
    ("scaling SHARDS=x", "scale: error: --shards x: expected numbers from 1 to 64, with commas between"),
    ("scaling SHARDS=8,0", "scale: error: --shards 8,0: expected numbers from 1 to 64, with commas between"),
    ("scaling SHARDS=65", "scale: error: --shards 65: expected numbers from 1 to 64, with commas between"),
    ("bench ONLY=bogus", "bench: error: --only bogus: choose from sched,"),
    ("bench BOARD=raspi4", "bench: error: argument --board: invalid choice: 'raspi4'"),
    ("bench BOARD=sim CC=gcc PROFILE=bogus", "bogus was not counted in the last run"),
    ("bench BOARD=virt CC=gcc PROFILE=bogus", "bench: nothing was counted on virt with gcc yet; "
                                              "`make bench BOARD=virt CC=gcc` does"),
])
def test_tools_that_make_calls_name_the_wrong_word(copy, words, expected):
    results = copy / "build/bench/sim-gcc"
    results.mkdir(parents=True, exist_ok=True)
    (results / "metrics.json").write_text("{}")
    result = make(copy, *words.split())
    assert result.returncode != 0
    assert expected in result.stdout
    assert "Traceback" not in result.stdout


def test_help_needs_nothing_but_make(root, tmp_path):
    for tool in ("make", "sh", "awk", "expr"):
        (tmp_path / tool).symlink_to(shutil.which(tool))
    result = make(root, "help", PATH=str(tmp_path))
    assert result.returncode == 0
    assert "not found" not in result.stdout
    targets = re.findall(r"^  make (\w+) +\S", result.stdout, re.M)
    for target in "run test gdb trace bench lint docs setup clean help".split():
        assert target in targets
