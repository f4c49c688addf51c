"""What the compilers and tools/lint/await say of async functions: nothing of right ones, and of which
mistakes what.

An automatic variable does not survive an await. gcc (-Wmaybe-uninitialized, part of -Wall) often
sees that it may be read before it is set, clang does with -Wconditional-uninitialized, which the build
turns on. No warning of either sees more than the table in programs.py says: tried were all that clang 14 has
(-Weverything), and of gcc 12 -Wdangling-pointer=2, -Wjump-misses-init, -Winit-self and -fanalyzer.
The check sees all of them.
"""

import re
import subprocess
import sys

import pytest

from programs import HEAD, RIGHT, SEES, SILENT_SINCE, WRONG, text

FLAGS = ["-std=gnu17", "-O2", "-ffreestanding", "-Wall", "-Wextra", "-Werror", "-Wmissing-prototypes",
         "-Wstrict-prototypes", "-Wvla", "-Wundef", "-mgeneral-regs-only", "-Ikernel", "-Ikernel/arch/aarch64",
         "-o", "/dev/null"]
COMPILERS = {
    "gcc": ["aarch64-linux-gnu-gcc", "-c", *FLAGS],
    "clang": ["clang", "--target=aarch64-none-elf", "-c", "-Wthread-safety", "-Wconditional-uninitialized", *FLAGS],
    "analyzer": ["clang", "--target=aarch64-none-elf", "--analyze", "-Xclang", "-analyzer-output=text",
                 "-Xclang", "-analyzer-werror", *FLAGS],
}
WARNING = {"gcc": "maybe-uninitialized", "clang": "uninitialized", "analyzer": "uninitialized|garbage"}
# Since 17, clang takes no function in which an await stands in a statement expression: it calls it an error.
REFUSED = "jump enters a statement expression"
FOUND = re.compile(r":(\d+): \w+: (?:.* keeps the address of )?(a compound literal|[\w.]+)(?: is used|, which)")


def compile_(who, root, file):
    return subprocess.run([*COMPILERS[who], str(file)], cwd=root, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)


def sees(who, name):
    """True if this version of the compiler is known to see it."""
    if who not in SEES[name] or (name, who) not in SILENT_SINCE:
        return who in SEES[name]
    version = subprocess.run([COMPILERS[who][0], "-dumpversion"], text=True, stdout=subprocess.PIPE, check=True).stdout
    return int(version.split(".")[0]) < SILENT_SINCE[name, who]


def check(root, *words):
    return subprocess.run([sys.executable, "tools/lint/await", *map(str, words)], cwd=root, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)


@pytest.fixture
def program(tmp_path):
    def write(body):
        (tmp_path / "program.c").write_text(text(body))
        return tmp_path / "program.c"

    return write


def marked(file):
    """{(line, name)} of the comments that say what must be found."""
    return {(number, name) for number, line in enumerate(file.read_text().splitlines(), 1)
            for name in re.findall(r"/\* ([\w. ]+) \*/", line) if name != "fall through"}


@pytest.mark.parametrize("who", [pytest.param(who, marks=[] if who == "analyzer" else [pytest.mark.quick])
                                 for who in COMPILERS])
def test_right_functions_compile_without_a_word(root, who):
    for file in ("tests/unit/async/macros.c", "tests/unit/async/channels.c", "kernel/apps/demo.c"):
        result = compile_(who, root, file)
        assert result.returncode == 0 and not result.stdout, result.stdout


@pytest.mark.parametrize("who", COMPILERS)
@pytest.mark.parametrize("name", RIGHT)
def test_right_programs_compile_without_a_word(root, program, who, name):
    result = compile_(who, root, program(RIGHT[name]))
    assert result.returncode == 0 and not result.stdout, result.stdout


@pytest.mark.parametrize("who", COMPILERS)
@pytest.mark.parametrize("name", WRONG)
def test_what_a_compiler_sees(root, program, who, name):
    result = compile_(who, root, program(WRONG[name]))
    if result.returncode and REFUSED in result.stdout:
        assert name == "await_in_an_expression" and who != "gcc"
    elif sees(who, name):
        assert result.returncode and re.search(WARNING[who], result.stdout), f"{who} is silent"
    else:
        assert result.returncode == 0, f"{who} has learned to see this: say so in programs.py\n{result.stdout}"


@pytest.fixture(scope="module")
def verdicts(root, tmp_path_factory):
    """{name: (file, what the check says of it)}, from one run over all of them."""
    folder = tmp_path_factory.mktemp("programs")
    files = {name: folder / f"{name}.c" for name in {**WRONG, **RIGHT}}
    for name, file in files.items():
        file.write_text(text({**WRONG, **RIGHT}[name]))
    refused = check(root, files["await_in_an_expression"])
    if refused.returncode == 2 and REFUSED in refused.stderr:
        del files["await_in_an_expression"]
    result = check(root, *files.values())
    assert result.returncode == 1, result.stderr
    return {name: (file, [line for line in result.stdout.splitlines() if line.startswith(f"{file}:")])
            for name, file in files.items()}


@pytest.mark.quick
@pytest.mark.parametrize("name", WRONG)
def test_the_check_sees_each_mistake(verdicts, name):
    if name not in verdicts:
        return  # clang itself has refused it
    file, said = verdicts[name]
    found = {(int(line), variable) for line, variable in FOUND.findall("\n".join(said))}
    assert found and found == marked(file) and len(said) == len(found), said


@pytest.mark.quick
@pytest.mark.parametrize("name", RIGHT)
def test_the_check_says_nothing_of_right_programs(verdicts, name):
    assert not verdicts[name][1]


def test_the_build_asks_clang_for_it(root):
    assert "-Wconditional-uninitialized" in (root / "tools/make/toolchain.mk").read_text()


@pytest.mark.quick
def test_a_report_says_what_where_and_what_to_do(root, program):
    file = program(WRONG["second_await"])
    begin = HEAD.count("\n")
    assert check(root, file).stdout == (
        f"{file}:{begin + 6}: fn: x is used, but was set at line {begin + 3} and does not survive the await at line "
        f"{begin + 4}; make it a member of the frame, or set it again behind the await\n")
    file = program(WRONG["awaitable"])
    assert check(root, file).stdout == (
        f"{file}:{begin + 3}: fn: sleep_for keeps the address of s, which does not survive the await at line "
        f"{begin + 3}; make it a member of the frame\n")


@pytest.mark.quick
def test_the_tree_is_clean(root):
    result = check(root)
    assert result.returncode == 0 and not result.stdout, result.stdout + result.stderr
    assert int(re.search(r"(\d+) files", result.stderr)[1]) > 20


PLANTED = [  # In sources of the tree: what is changed, and the variable that must be found.
    ("kernel/apps/demo.c", [("	struct sensor *me = frame;\n", "	struct sensor *me = frame;\n	u64 next_ns;\n"),
                            ("me->next_ns", "next_ns")], "next_ns"),
    ("kernel/async/dag_run.c", [("	for (me->at = me->dag->nodes.next; me->at != &me->dag->nodes; "
                                 "me->at = me->at->next) {\n", "	LIST_FOR_EACH(it, &me->dag->nodes) {\n"),
                                ("DAG_NODE(me->at)", "DAG_NODE(it)")], "it"),
    ("tests/unit/async/channels.c", [("channel_receive(&me->op,", "channel_receive(&(struct channel_op){},")],
     "a compound literal"),
]


@pytest.mark.parametrize("file, edits, name", PLANTED, ids=[name for _, _, name in PLANTED])
def test_planted_in_the_tree(root, tmp_path, file, edits, name):
    source = (root / file).read_text()
    for old, new in edits:
        assert old in source
        source = source.replace(old, new)
    copy = tmp_path / "copy.c"
    copy.write_text(source.replace('"../test.h"', f'"{root}/tests/unit/test.h"'))
    result = check(root, copy)
    assert result.returncode == 1 and name in {variable for _, variable in FOUND.findall(result.stdout)}, \
        result.stdout + result.stderr


def test_what_cannot_be_parsed_is_an_error(root, tmp_path):
    (tmp_path / "broken.c").write_text("int ASYNC_BEGIN(")
    result = check(root, tmp_path / "broken.c")
    assert result.returncode == 2 and "clang cannot parse it" in result.stderr


def test_results_are_kept_until_the_source_changes(root, program, tmp_path):
    keep = "--kept", tmp_path / "kept"
    file = program(WRONG["struct"])
    first = check(root, file, *keep)
    kept = list(keep[1].iterdir())
    assert len(kept) == 1
    kept[0].write_text("[]")  # what is read the second time, if the source is still the same
    assert check(root, file, *keep).returncode == 0
    file.write_text(file.read_text().replace("p.a", "p.b"))
    assert check(root, file, *keep).stdout == first.stdout.replace("p.a", "p.b")
