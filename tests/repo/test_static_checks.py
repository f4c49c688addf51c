"""clang-tidy finds nothing in the tree, and would find something."""

import shutil
import subprocess

PLANTED = """#include "base/types.h"

int planted(int *p);

int planted(int *p)
{
	int *q = p ? p : NULL;

	if (!q)
		return *q;
	return 0;
}
"""


def static_checks(tree, *sources):
    return subprocess.run(["tools/lint/static-checks", *sources], cwd=tree, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def test_the_tree_has_no_findings(root):
    result = static_checks(root)
    assert result.returncode == 0, result.stdout


def test_a_planted_mistake_is_found(root, tmp_path):
    tree = tmp_path / "tree"
    shutil.copytree(root, tree, ignore=shutil.ignore_patterns("build", ".git", "__pycache__"))
    (tree / "kernel/base/planted.c").write_text(PLANTED)
    result = static_checks(tree, "kernel/base/planted.c")
    assert result.returncode == 1
    assert "clang-analyzer-core.NullDereference" in result.stdout
