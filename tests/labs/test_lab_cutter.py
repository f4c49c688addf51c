"""The cutter finds each function where the compiler finds it."""

import re
import sys
from pathlib import Path

import pytest
from lab_workspace import ROOT, cutter, spec

FOLDERS = ("base", "core", "mm", "sync", "task", "sched", "async", "drivers/uart", "arch/sim", "board/sim")


def by_the_compiler(path):
    """(name, line of the head's end or `{`, last line) of each function that is defined in the file itself."""
    index = pytest.importorskip("clang.cindex")
    unit = index.Index.create().parse(str(path), ["-xc", "-std=gnu17", "-ffreestanding", "-I.", "-Ikernel",
                                                  "-Ikernel/arch/sim", "-Ibuild/session/kernel"])
    for node in unit.cursor.get_children():
        if node.kind == index.CursorKind.FUNCTION_DECL and node.is_definition() and node.location.file.name == str(path):
            body = [c for c in node.get_children() if c.kind == index.CursorKind.COMPOUND_STMT][0]
            names = [a.spelling for a in node.get_arguments() if a.spelling]
            yield node.spelling, body.extent.start.line, body.extent.end.line, tuple(names)


@pytest.mark.quick
@pytest.mark.parametrize("folder", FOLDERS)
def test_cutter_and_compiler_agree(folder, monkeypatch):
    pytest.importorskip("clang.cindex")
    monkeypatch.chdir(ROOT)
    files = sorted(p for p in Path("kernel", folder).glob("*.[ch]"))
    assert files
    for file in files:
        text = file.read_text()
        ours = [(f.name, f.open + 1, f.close + 1, tuple(cutter.parameters(cutter.name_of(f.head)[1])))
                for f in cutter.functions(text)]
        # What a preprocessor's condition leaves out, and what a macro makes, the compiler has not.
        theirs = set(by_the_compiler(file))
        if not re.search(r"^#\s*(if|ifdef|ifndef)\b", text, re.M) and file.suffix == ".c":
            assert set(ours) == theirs, f"{file}: {set(ours) ^ theirs}"
        else:
            assert theirs <= set(ours) or file.suffix == ".h", f"{file}: {theirs - set(ours)}"


@pytest.mark.quick
def test_each_function_of_a_lab_is_found_by_both(monkeypatch):
    pytest.importorskip("clang.cindex")
    monkeypatch.chdir(ROOT)
    for number in spec.available():
        for file, name in spec.load(number).functions:
            if file.endswith(".c") and not file.startswith(("kernel/arch/x86", "kernel/arch/aarch", "kernel/board/p", "kernel/board/v")):
                found = [f for f in by_the_compiler(Path(file)) if f[0] == name]
                mine = cutter.find((ROOT / file).read_text(), name)
                assert found and found[0][1:3] == (mine.open + 1, mine.close + 1), f"{file}: {name}"


TEXT = """\
#include "x.h"

struct s {
	int a;
};

/* A comment
{
}
*/
static int __attribute__((format(printf, 1, 2), unused))
one(const char *fmt, int (*call)(void *, int), char text[4])
{
	if (fmt) {
		return 1;
	}
	return 0;
}

void two(void) REQUIRES(lock)
{
}
"""


@pytest.mark.quick
def test_heads_in_all_styles():
    found = cutter.functions(TEXT)
    assert [f.name for f in found] == ["one", "two"]
    assert cutter.parameters(cutter.name_of(found[0].head)[1]) == ["fmt", "call", "text"]
    assert cutter.parameters(cutter.name_of(found[1].head)[1]) == []


@pytest.mark.quick
def test_a_cut_is_undone_by_a_graft():
    text = cutter.cut(TEXT, ["one", "two"], "05")
    assert cutter.is_todo(text, "one", "05") and cutter.is_todo(text, "two", "05")
    assert "return 0" not in text and "(void)fmt, (void)call, (void)text;" in text
    back = cutter.graft(text, TEXT, ["one", "two"])
    assert cutter.mask(back, []) == TEXT.splitlines()


@pytest.mark.quick
def test_assembly_is_cut_between_entry_and_end():
    text = '#include "asm.h"\n\nENTRY(a)\n\tret\nEND(a)\n\nENTRY(b)\n\tnop\n\tret\nEND(b)\n'
    cut = cutter.cut(text, ["b"], "04")
    assert "\tret\nEND(a)" in cut and "nop" not in cut and 'LAB_TODO_ASM("04", "b")' in cut


@pytest.mark.quick
def test_what_is_not_there_is_said():
    with pytest.raises(cutter.CutError, match="has no function three"):
        cutter.cut(TEXT, ["three"], "05", "x.c")


def test_the_tool_runs_as_a_script():
    assert (ROOT / "tools/lab/lab").read_text().startswith("#!/usr/bin/env python3") and sys.version_info >= (3, 11)
