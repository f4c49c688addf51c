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
from session_programs import SILENT, WRONG
from test_generator import Drawn

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


def test_what_lint_sees(root):
    """A message that is received into a variable which is gone when it comes."""
    folder = root / "build/session-programs"
    made_into = root / "build/session" / folder.relative_to(root)
    for path in (folder, made_into):
        path.mkdir(exist_ok=True, parents=True)
    for name in ("library", "small"):
        subprocess.run([sys.executable, "tools/session/session", f"tests/unit/async/{name}.session", "-o",
                        str(made_into / f"{name}.session.h")], cwd=root, check=True)
    program = folder / "receives-into-a-local.c"
    text = edited(root, "library_receive(asked, &me->data)", "library_receive(asked, &data)")
    program.write_text(text.replace("	struct library_open open;", "	struct library_open open;\n	struct library_data data;", 2)
                       .replace("me->data.", "data.").replace('"../test.h"', '"tests/unit/test.h"'))
    result = subprocess.run([sys.executable, "tools/lint/await", "--flags=-I.", str(program.relative_to(root))], cwd=root,
                            text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert result.returncode == 1 and re.search(r"reads: data\.\w+ is used, but .* does not survive the await", result.stdout), \
        result.stdout


EVERYTHING = """include "everything.h";
import "async/action.session";

protocol all forever {
	queue 64;
	message plain;
	message fields { u8 a; i64 b[3][2]; bool c; char d[5]; struct thing *e; struct thing f; enum kind g; union both *h; }
	message declared = struct thing;
	message number = u16;

	rec again {
		choice at client {
			client sends plain within 5 us;
			server sends fields;
			continue again;
		} or {
			client sends declared within 5 us;
			server may interrupt { client sends number; server sends number within 2 s; }
			continue again;
		}
	}
}

protocol grab is action { message goal = struct thing; message feedback; message result = u64; }
"""
HEADER = "#pragma once\nstruct thing { unsigned long x; };\nenum kind { GOOD, BAD };\nunion both { int i; long l; };\n"
USES = """#include "everything.session.h"
enum poll uses(void *frame);
struct frame { struct async async; struct all_client client; struct all_server server; struct grab_client grab; };
enum poll uses(void *frame)
{
	struct frame *me = frame;
	struct all_client_after_plain *plain;
	struct all_server_again_offer *offer;
	union all_again into;

	ASYNC_BEGIN(me);
	AWAIT_STEP(me, plain, all_send_plain(all_at_again(&me->client)));
	if (!plain)
		ASYNC_RETURN(me, all_status(&me->client));
	AWAIT_STEP(me, offer, all_receive(all_at_again(&me->server), &into));
	if (all_label(offer) == ALL_AGAIN_DECLARED)
		all_interrupt(all_take_declared(offer));
	grab_leave(&me->grab);
	ASYNC_END(me);
}
"""


def made(root, folder, protocols, header=HEADER):
    (folder / "everything.session").write_text(protocols)
    (folder / "everything.h").write_text(header)
    (folder / "uses.c").write_text(USES)
    return subprocess.run([sys.executable, str(root / "tools/session/session"), "everything.session", "-o",
                           "everything.session.h"], cwd=folder, text=True, stderr=subprocess.PIPE)


def compiled(root, folder, compiler):
    return subprocess.run([*COMPILERS[compiler], f"-I{folder}", str(folder / "uses.c")], cwd=root, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


@pytest.mark.parametrize("compiler", COMPILERS)
def test_everything_that_the_language_has(root, tmp_path, compiler):
    assert not made(root, tmp_path, EVERYTHING).stderr
    result = compiled(root, tmp_path, compiler)
    assert result.returncode == 0 and not result.stdout, result.stdout


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("header, said", [
    (HEADER.replace("long x;", "long x[129];"), "message declared of protocol all is too large: send a reference"),
    (HEADER.replace("long x;", "long x __attribute__((aligned(16)));"), "a message of protocol all is aligned to more than 8 bytes"),
], ids=["large", "aligned"])
def test_contents_that_do_not_fit(root, tmp_path, compiler, header, said):
    made(root, tmp_path, EVERYTHING, header)
    result = compiled(root, tmp_path, compiler)
    assert result.returncode and said in result.stdout, result.stdout


@pytest.mark.parametrize("compiler", COMPILERS)
def test_what_is_made_of_random_protocols_compiles(root, tmp_path, compiler):
    count = 0
    for seed in range(60):
        _, text = Drawn(seed).protocol()
        (tmp_path / "p.session").write_text(text.replace("protocol p {", f"protocol p{seed} {{"))
        done = subprocess.run([sys.executable, str(root / "tools/session/session"), "p.session", "-o", f"{seed}.h"], cwd=tmp_path,
                              stderr=subprocess.DEVNULL)
        if done.returncode == 0:
            with open(tmp_path / "uses.c", "a" if count else "w") as file:
                file.write(f'#include "{seed}.h"\n')
            count += 1
    result = compiled(root, tmp_path, compiler)
    assert count >= 20 and result.returncode == 0 and not result.stdout, f"{count}:\n{result.stdout[:3000]}"
