"""Makes trees: a starter for a student, and copies to build in."""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import cutter
from spec import Wrong

# What would show the solution, or says how it is judged; all else goes into a starter.
WITHHELD = ("tests/mutants/", "tests/labs/", "labs/*/mutants.toml", ".ci/", ".github/")
COMMON = {"labs/common/lab.h": "kernel/base/lab.h", "labs/common/lab.c": "kernel/core/lab.c"}
GIT = ("git", "-c", "user.name=lab", "-c", "user.email=lab@localhost", "-c", "init.defaultBranch=main",
       "-c", "commit.gpgsign=false", "-c", "core.hooksPath=/dev/null")


def files(root):
    """The files that belong to the tree, without what was built."""
    listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=root,
                            capture_output=True, text=True)
    if listed.returncode:
        raise Wrong(f"{root} is no git repository, so its files are not known: {listed.stderr.strip()}")
    return [f for f in listed.stdout.split("\0") if f and (Path(root) / f).is_file()]


def withheld(file):
    return any(file.startswith(w) or Path(file).match(w) for w in WITHHELD)


def copy(root, to, names):
    for name in names:
        target = Path(to) / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(Path(root) / name, target)


def write(path, text):
    """Only when it changes something: make looks at the times."""
    if not path.exists() or path.read_text() != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def cut(lab, to):
    """Cuts the lab's functions out of the tree @to."""
    to = Path(to)
    for file in lab.keep:
        names = [n for c in lab.cuts if c.file == file for n in c.functions]
        instead = {n: body for c in lab.cuts if c.file == file for n, body in c.instead.items()}
        write(to / file, cutter.cut((to / file).read_text(), names, lab.id, file, instead))
    if lab.cuts:
        for source, target in COMMON.items():
            write(to / target, (to / source).read_text())


def graft(lab, to, mine):
    """Puts the bodies of @lab that the tree @mine has into the tree @to; those that it wrote."""
    taken = []
    for file, name in lab.functions:
        theirs = Path(mine) / file
        if not theirs.exists():
            continue  # in an older tree it has another place
        source = theirs.read_text()
        if name not in {f.name for f in cutter.functions(source, str(theirs))}:
            continue
        if "LAB_TODO" in "\n".join(cutter.body_of(source, name, str(theirs))):
            continue
        write(Path(to) / file, cutter.graft((Path(to) / file).read_text(), source, [name], file))
        taken.append(name)
    return taken


def identity(root):
    """What the tree's sources are, in a few letters: which starter it was."""
    digest = hashlib.sha256()
    for file in sorted(files(root)):
        if file.startswith(("kernel/", "sim/", "labs/")) and not withheld(file):
            digest.update(file.encode() + b"\0" + (Path(root) / file).read_bytes())
    return digest.hexdigest()[:12]


def git(where, *words):
    result = subprocess.run([*GIT, *words], cwd=where, capture_output=True, text=True)
    if result.returncode:
        raise Wrong(f"git {words[0]} in {where}: {result.stderr.strip()}")
    return result.stdout


def starter(lab, root, to, mine=None, others=()):
    """A tree to work in: @lab is cut, and the student's own functions of @others are in it. Those of @lab itself, if it
    is one of them, come last: they are what `lab diff` shows."""
    to = Path(to)
    if mine and not (Path(mine) / "kernel/core").is_dir():
        raise Wrong(f"{mine} is no tree of this kernel: there is no {mine}/kernel/core")
    if to.exists() and any(to.iterdir()):
        raise Wrong(f"{to} is there already and not empty; choose another folder, or remove it")
    names = [f for f in files(root) if not withheld(f)]
    copy(root, to, names)
    write(to / ".lab/base", identity(root) + "\n")
    write(to / ".lab/number", lab.id + "\n")
    taken = [name for other in others if other.id != lab.id for name in graft(other, to, mine)]
    cut(lab, to)
    if (to / ".gitignore").exists():
        with open(to / ".gitignore", "a") as ignored:
            ignored.write("/.lab/opened\n/lab*.tar.gz\n")
    git(to, "init", "-q")
    git(to, "add", "-A", "-f", *(n for n in os.listdir(to) if n not in (".git", "build")))
    git(to, "commit", "-q", "-m", f"Lab {lab.id}: {lab.title}. Starter")
    git(to, "tag", "starter")
    return taken + [name for other in others if other.id == lab.id for name in graft(lab, to, mine)]
