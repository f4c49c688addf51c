"""What the compilers say of programs that do not follow their protocol, and where they say nothing.

The program that is edited is one that runs (tests/unit/async/libraries.c). Both compilers see it with
the build's warnings, at the build's optimisation: that a state is used twice shows as a variable that
may not be set, which gcc finds while it optimises.
"""

import re
import shutil
import subprocess
import sys

import pytest
from programs import SILENT, WRONG

PROGRAM = "tests/unit/async/libraries.c"
FLAGS = ["-std=gnu17", "-O2", "-ffreestanding", "-fno-strict-aliasing", "-Wall", "-Wextra", "-Werror", "-Wmissing-prototypes",
         "-Wstrict-prototypes", "-Wvla", "-Wundef", "-mgeneral-regs-only", "-Ikernel", "-Ikernel/arch/aarch64",
         "-iquote", "tests/unit/async", "-c", "-o", "/dev/null"]
COMPILERS = {
    "gcc": ["aarch64-linux-gnu-gcc", *FLAGS],
    "clang": ["clang", "--target=aarch64-none-elf", "-Wthread-safety", "-Wconditional-uninitialized", *FLAGS],
}


@pytest.fixture(scope="session")
def compile_(root, tmp_path_factory):
    folder = tmp_path_factory.mktemp("programs")
    for name in ("library", "small"):
        subprocess.run([sys.executable, "tools/session/session", f"tests/unit/async/{name}.session", "-o",
                        str(folder / f"{name}.session.h")], cwd=root, check=True)

    def compile_one(compiler, text):
        file = folder / "program.c"
        file.write_text(text)
        return subprocess.run([*COMPILERS[compiler], f"-I{folder}", str(file)], cwd=root, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return compile_one


def edited(root, old, new):
    text = (root / PROGRAM).read_text()
    assert text.count(old) == 1, f"{PROGRAM} has this {text.count(old)} times, not once:\n{old}"
    return '#include "small.session.h"\n' + text.replace(old, new)


@pytest.mark.quick
@pytest.mark.parametrize("compiler", COMPILERS)
def test_the_right_program_compiles_without_a_word(compile_, root, compiler):
    result = compile_(compiler, (root / PROGRAM).read_text())
    assert result.returncode == 0 and not result.stdout, result.stdout


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("name, why, old, new, gcc, clang", WRONG, ids=[w[0] for w in WRONG])
def test_wrong_program(compile_, root, compiler, name, why, old, new, gcc, clang):
    expected = {"gcc": gcc, "clang": clang}[compiler]
    result = compile_(compiler, edited(root, old, new))
    assert result.returncode and re.search(expected, result.stdout), \
        f"{why}: expected {expected}, and {compiler} said\n{result.stdout or 'nothing'}"


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("name, why, old, new, report", SILENT, ids=[s[0] for s in SILENT])
def test_what_no_compiler_sees(compile_, root, compiler, name, why, old, new, report):
    result = compile_(compiler, edited(root, old, new))
    assert result.returncode == 0, f"{compiler} has learned to see this; move it to the other table:\n{result.stdout}"


@pytest.mark.parametrize("name, why, old, new, report", SILENT, ids=[s[0] for s in SILENT])
def test_what_the_monitor_sees(kernels, root, name, why, old, new, report):
    folder = root / "build/session-programs"
    folder.mkdir(exist_ok=True, parents=True)
    for session in ("library", "small"):
        shutil.copy2(root / f"tests/unit/async/{session}.session", folder)
    program = folder / f"{name}.c"
    program.write_text(edited(root, old, new).replace('"../test.h"', '"tests/unit/test.h"'))
    result = kernels.sim(kernels.elf("sim", "gcc", str(program.relative_to(root))), cpus=1)
    said = re.findall(r"protocol library: (.*): task \d+ client at (\S+):(\d+)$", result.stdout, re.M)
    if report is None:
        assert not said, f"{result.command}\n{result.stdout}"
        return
    assert said, f"{result.command}\n{result.stdout}"
    text, file, line = said[0]
    assert text == report and file == str(program.relative_to(root))
    assert "library_" in program.read_text().splitlines()[int(line) - 1]
