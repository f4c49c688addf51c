"""Copies of the tree in which the labs' tests build broken kernels: with the objects of the right one,
so that only what differs is compiled."""

import fcntl
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools/lab"))

import checks  # noqa: E402
import cutter  # noqa: E402
import excerpts  # noqa: E402
import spec  # noqa: E402
import tree  # noqa: E402

__all__ = ["ROOT", "Workspace", "checks", "cutter", "excerpts", "spec", "tree", "lend_objects"]


def lend_objects(to, trees=("sim-clang",)):
    """What was built here is newer than the sources there, so make takes it as it is."""
    skip = shutil.ignore_patterns("app-*", "*.elf", "*.img", "stage1*", "lock", "base", "iso*")
    for name in trees:
        with open(ROOT / "build" / name / "lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # nobody builds there meanwhile; see conftest.py
            for folder in (name, "tools", "session"):
                if (ROOT / "build" / folder).is_dir():
                    shutil.copytree(ROOT / "build" / folder, to / "build" / folder, ignore=skip, dirs_exist_ok=True)


class Workspace:
    """The reference tree, to be broken and mended."""

    def __init__(self, folder, trees=("sim-clang",)):
        self.root = Path(folder)
        tree.copy(ROOT, self.root, [f for f in tree.files(ROOT) if f.startswith(
            ("Makefile", "kernel/", "sim/", "tools/", "viewer/", "labs/", "tests/unit/"))])
        lend_objects(self.root, trees)

    def put(self, file, text):
        tree.write(self.root / file, text)

    def right(self, file):
        return (ROOT / file).read_text()

    def mend(self, *files):
        for file in files:
            self.put(file, self.right(file))

    def forget_common(self):
        for target in tree.COMMON.values():
            (self.root / target).unlink(missing_ok=True)

    def broken(self, file, old, new):
        text = self.right(file)
        assert text.count(old) == 1, f"{file} has the text to be changed {text.count(old)} times, not once:\n{old}"
        self.put(file, text.replace(old, new))

    def bench(self, lab):
        return checks.Bench(self.root, lab)
