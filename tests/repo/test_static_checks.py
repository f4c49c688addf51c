"""clang-tidy, GCC's analyzer and Clang's thread-safety analysis find nothing in the tree, and would find something."""

import shutil
import subprocess

import pytest

PLANTED = {"clang-analyzer-core.NullDereference": """#include "base/types.h"

int planted(int *p);

int planted(int *p)
{
	int *q = p ? p : NULL;

	if (!q)
		return *q;
	return 0;
}
""", "-Wanalyzer-double-free": """#include "base/types.h"

void gone(void *p);
void *made(usize bytes) __attribute__((malloc(gone)));
void planted(void);

void planted(void)
{
	void *p = made(8);

	gone(p);
	gone(p);
}
"""}
UNLOCKED = """#include "sync/spin.h"

static struct spin lock;
static unsigned n VAR_GUARDED_BY(lock);
unsigned planted(void);

unsigned planted(void)
{
	return n++;
}
"""


def static_checks(tree, *sources):
    return subprocess.run(["tools/lint/static-checks", *sources], cwd=tree, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def test_the_tree_has_no_findings(root):
    result = static_checks(root)
    assert result.returncode == 0, result.stdout


@pytest.fixture(scope="module")
def copy(root, tmp_path_factory):
    tree = tmp_path_factory.mktemp("copy") / "tree"
    shutil.copytree(root, tree, ignore=shutil.ignore_patterns("build", ".git", "__pycache__"))
    return tree


@pytest.mark.parametrize("what", PLANTED)
def test_a_planted_mistake_is_found(copy, what):
    (copy / "kernel/base/planted.c").write_text(PLANTED[what])
    result = static_checks(copy, "kernel/base/planted.c")
    (copy / "kernel/base/planted.c").unlink()
    assert result.returncode == 1
    assert what in result.stdout, result.stdout


@pytest.mark.quick
def test_what_is_read_without_its_lock_does_not_build(copy):
    (copy / "kernel/base/planted.c").write_text(UNLOCKED)
    result = subprocess.run(["make", "BOARD=sim", "CC=clang", "build/sim-clang/kernel/base/planted.o"], cwd=copy, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    (copy / "kernel/base/planted.c").unlink()
    assert result.returncode and "requires holding" in result.stdout and "-Wthread-safety" in result.stdout, result.stdout
