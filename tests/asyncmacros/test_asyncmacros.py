"""What the compilers say of async functions: nothing of right ones, and of which mistakes what.

An automatic variable does not survive an await. gcc (-Wmaybe-uninitialized, part of -Wall) sees
that it may be read before it is set. clang does for plain variables with
-Wconditional-uninitialized, which the build turns on, and not for arrays and structs; its static
analyzer sees those too. Nobody can see it where the variable is initialised whenever the function
is entered: its value is wrong, but set. (test_no_initialised_local below looks for that one.)
"""

import re
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
WRONG = sorted(HERE.glob("wrong/*.c"))

GCC = {"assigned_before", "declared_between", "loop_counter", "in_a_block", "array", "struct"}
CLANG = {"assigned_before", "declared_between", "loop_counter", "in_a_block"}
ANALYZER = GCC

FLAGS = ["-std=gnu17", "-O2", "-ffreestanding", "-Wall", "-Wextra", "-Werror", "-Wmissing-prototypes",
         "-Wstrict-prototypes", "-Wvla", "-Wundef", "-mgeneral-regs-only", "-Ikernel", "-Ikernel/arch/aarch64",
         "-o", "/dev/null"]
COMPILERS = {
    "gcc": ["aarch64-linux-gnu-gcc", "-c", *FLAGS],
    "clang": ["clang", "--target=aarch64-none-elf", "-c", "-Wthread-safety", "-Wconditional-uninitialized", *FLAGS],
    "analyzer": ["clang", "--target=aarch64-none-elf", "--analyze", "-Xclang", "-analyzer-output=text",
                 "-Xclang", "-analyzer-werror", *FLAGS],
}
SEES = {"gcc": GCC, "clang": CLANG, "analyzer": ANALYZER}
WARNING = {"gcc": "maybe-uninitialized", "clang": "uninitialized", "analyzer": "uninitialized value"}


def compile_(who, root, file):
    return subprocess.run([*COMPILERS[who], str(file)], cwd=root, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)


@pytest.mark.quick
@pytest.mark.parametrize("who", COMPILERS)
def test_right_functions_compile_without_a_word(root, who):
    for file in ("tests/unit/async/macros.c", "tests/unit/async/channels.c", "kernel/apps/demo.c"):
        result = compile_(who, root, file)
        assert result.returncode == 0 and not result.stdout, result.stdout


@pytest.mark.parametrize("who", COMPILERS)
@pytest.mark.parametrize("file", WRONG, ids=[f.stem for f in WRONG])
def test_variable_across_an_await(root, who, file):
    result = compile_(who, root, file)
    if file.stem in SEES[who]:
        assert result.returncode and WARNING[who] in result.stdout, f"{who} is silent"
    else:
        assert result.returncode == 0, f"{who} has learned to see this: say so above\n{result.stdout}"


def test_the_build_asks_clang_for_it(root):
    assert "-Wconditional-uninitialized" in (root / "tools/make/toolchain.mk").read_text()


def functions(text):
    """(name, body) of each function definition: it starts in column 0 and ends with } there."""
    for found in re.finditer(r"^[^\s#/}].*?\b(\w+)\([^;{]*?\)[^;{]*?\n\{\n(.*?)^\}", text, re.M | re.S):
        yield found[1], found[2]


def initialised_locals(text):
    """Variables of async functions that are initialised at each entry and assigned later on."""
    for name, body in functions(text):
        if "ASYNC_BEGIN(" not in body:
            continue
        before, after = body.split("ASYNC_BEGIN(", 1)
        if "AWAIT" not in after:
            continue
        for declared in re.finditer(r"^\t(?!static|const|return|\*)[^;=(]*?\b(\w+)(?:\[[^]]*\])? = ", before, re.M):
            variable = declared[1]
            if re.search(rf"(?<![\w.>]){variable}(\[[^]]*\])?(\.\w+)* *([-+*/|&^]|<<|>>)?=(?!=)|"
                         rf"(?<![\w.>])(\+\+|--){variable}\b(?!->)|(?<![\w.>]){variable}(\+\+|--)|&{variable}\b(?!->)", after):
                yield name, variable


def sources(root):
    for folder in ("kernel", "tests"):
        for file in sorted((root / folder).rglob("*.c")):
            if "ASYNC_BEGIN(" in file.read_text() and file not in WRONG:
                yield file


@pytest.mark.quick
def test_no_initialised_local(root):
    assert list(initialised_locals((HERE / "wrong/initialised_first.c").read_text())) == [("fn", "x")]
    found = [f"{file.relative_to(root)}: {name}: {variable}" for file in sources(root)
             for name, variable in initialised_locals(file.read_text())]
    assert not found, "initialised at each entry, and changed behind it: keep it in the frame:\n" + "\n".join(found)
