"""The grader: a hundred submissions, right, wrong, endless, crashing and hostile, graded twice alike."""

import csv
import html
import io
import re
import secrets
import signal
import socket
import subprocess
import sys
import tarfile
import time

import pytest
from lab_workspace import ROOT, cutter, spec, tree

pytestmark = pytest.mark.xdist_group("grade")
LAB = spec.load("08")
NONCE = secrets.token_hex(16)
PROTOTYPES = """
extern int puts(const char *), open(const char *, int, ...), unlink(const char *), kill(int, int), fork(void), pause(void);
extern int getppid(void), symlink(const char *, const char *), mkfifo(const char *, int), chmod(const char *, int);
extern int rename(const char *, const char *);
extern long write(int, const void *, unsigned long);
extern void *malloc(unsigned long), *memset(void *, int, unsigned long);
extern int socket(int, int, int), connect(int, const void *, unsigned), close(int);
extern void exit(int), _exit(int);
"""
PASS = "".join(f'puts("ok {name}");' for name in (
    "keys_come_from_levels", "equals_in_order_of_arrival", "equals_that_may_not_run_everywhere",
    "a_cpu_gets_what_may_run_there", "fifo_against_the_model", "rr_against_the_model", "rotation"))
PASS += 'puts("digest 0123456789abcdef"); puts("tests: 7 ran, 0 failed");'


def hostile(body):
    """The right solution, in which something else runs first."""
    text = (ROOT / "kernel/sched/levels.c").read_text()
    return {"kernel/sched/levels.c": text + PROTOTYPES + f"""
static void __attribute__((constructor, used)) begin(void)
{{
	{body}
}}
"""}


def function(file, name, body):
    return {file: cutter.replace((ROOT / file).read_text(), name, body.strip("\n").splitlines())}


def kinds(folder, port):
    """{kind: ({file: text}, what is expected of check `levels`)}."""
    levels_c = "kernel/sched/levels.c"
    harm = folder / "harm"
    made = {
        "says-pass": (hostile(PASS + " exit(0);"), "failed"),
        "says-pass-in-a-function": (function(levels_c, "levels_release", f"\t{{ extern int puts(const char *); extern void exit(int); (void)queue, (void)e, (void)p, (void)now_ns; {PASS} exit(0); }}"), "failed"),
        "endless": (function(levels_c, "levels_peek", "\t(void)queue, (void)cpu;\n\tfor (volatile int i = 0;; i++)\n\t\t;"), "failed"),
        "crashes": (function(levels_c, "levels_peek", "\t(void)queue, (void)cpu;\n\treturn *(struct sched_entity *volatile *)8;"), "failed"),
        "forks-for-ever": (hostile("for (;;) fork();"), "failed"),
        "eats-memory": (hostile("for (void *p; (p = malloc(1 << 24)) != 0;) memset(p, 1, 1 << 24); _exit(3);"), "failed"),
        "fills-the-disk": (hostile("""
	static char block[1 << 20];
	static char name[] = "out/000";

	for (int i = 0; i < 100; i++) {
		int file;

		name[4] = (char)('0' + i / 10);
		name[5] = (char)('0' + i % 10);
		file = open(name, 0101, 0644);
		for (int k = 0; k < 200; k++)
			(void)!write(file, block, sizeof block);
		close(file);
	}
	_exit(3);"""), "failed"),
        "links-elsewhere": (hostile(f'symlink("{folder}/precious", "out/trace"); mkfifo("out/fifo", 0644); symlink("/etc/passwd", "out/metadata");'), "passed"),
        "kills-its-parent": (hostile("kill(getppid(), 9); kill(1, 9);"), "passed"),
        "tampers": (hostile('rename("tools/lab/checks.py", "out/checks.py"); chmod("build/tools/fermata-trace", 0); unlink("build/tools/fermata-trace"); '
                            'close(open("labs/08/tests/lab08_levels.c", 01101, 0644)); close(open("build/lab/08/lab08_levels", 01101, 0644));'), "passed"),
        "swallows-the-compiler": ({levels_c: '#define JOIN(a, b) a##b\nJOIN(__as, m__)(".incbin \\"/dev/zero\\"");\n'}, "not built"),
        "has-its-own-instructions": (hostile('__asm__ volatile("syscall" : : "a"(60), "D"(0));'), None),
        "floods": (hostile('for (;;) puts("much ado about nothing, again and again");'), "failed"),
        "writes-elsewhere": (hostile(f'close(open("{harm}", 0101, 0644)); unlink("Makefile"); unlink("tools/lab/grade.py");'), "passed"),
        "leaves-children": (hostile("for (int i = 0; i < 30; i++) if (!fork()) for (;;) pause();"), "passed"),
        "kills-all": (hostile("kill(-1, 9);"), "passed"),
        "phones-home": (hostile(f"static const unsigned char to[16] = {{2, 0, {port >> 8}, {port & 255}, 127, 0, 0, 1}}; connect(socket(2, 1, 0), to, 16);"), "passed"),
        "reads-the-host": ({levels_c: '#include "/etc/passwd"\n'}, "not built"),
        "is-no-c": ({levels_c: "\0\1\2 this is not C"}, "not built"),
        "includes-itself": ({levels_c: "#include __FILE__\n"}, "not built"),
        "empty": ({levels_c: ""}, "not built"),
    }
    for attempt in LAB.attempts:
        made[attempt.name] = (function(attempt.file, attempt.function, attempt.body),
                              "failed" if attempt.check == "levels" else "passed")
    return made


def write(folder, name, files, answers="", more=()):
    with tarfile.open(folder / f"{name}.tar.gz", "w:gz") as archive:
        for file, text in [*files.items(), *([(f"{LAB.folder}/answers.toml", answers)] if answers else []), *more]:
            data = text.encode()
            entry = tarfile.TarInfo(file)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))


def starter_files(tmp_path):
    tree.copy(ROOT, tmp_path / "starter", [*LAB.keep, *tree.COMMON])
    tree.cut(LAB, tmp_path / "starter")
    return {file: (tmp_path / "starter" / file).read_text() for file in LAB.keep}


def make_class(folder, tmp_path, port):
    """A hundred; what is expected of each in check `levels`."""
    folder.mkdir()
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious/thesis").write_text("the only copy")
    right = {file: (ROOT / file).read_text() for file in LAB.keep}
    starter = starter_files(tmp_path)
    expected = {}

    def add(name, files, state, **more):
        write(folder, name, files, **more)
        expected[name] = state
    for name, (files, state) in kinds(tmp_path, port).items():
        add(name, {**right, **files}, state)
    add("brings-its-own-tests", starter, "not started", more=[
        ("labs/08/tests/lab08_levels.c", "int main(void) { return 0; }\n"), ("tools/lab/checks.py", "raise SystemExit(0)\n"),
        ("/etc/cron.d/x", "x\n"), ("../../harm", "x\n")])
    add("only-pass", {"PASS": "PASS\n"}, None)
    (folder / "no-archive.tar.gz").write_bytes(b"this is no archive")
    expected["no-archive"] = None
    with tarfile.open(folder / "links.tar.gz", "w:gz") as archive:
        for file in LAB.keep:
            link = tarfile.TarInfo(file)
            link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
            archive.addfile(link)
    expected["links"] = None
    add("formula", right, "passed", answers='name = "=HYPERLINK(1)"\n')
    add("broken-answers", right, "passed", answers="name = [[[")
    for i in range(12):
        add(f"beginner-{i:02}", starter, "not started")
    for i in range(100 - len(expected)):
        add(f"student-{i:02}", right, "passed", answers=f'name = "student {i}"\n')
    assert len(expected) == 100
    return expected


def grade(folder, out, *more, check=True):
    done = subprocess.run([sys.executable, "tools/lab/lab", "grade", "8", str(folder), "--out", str(out), "--tier", "1",
                           "--seeds", "2", "--nonce", NONCE, *more], cwd=ROOT, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    assert not check or done.returncode == 0, done.stdout
    return done.stdout


def rows(out):
    with open(out / "grades.csv", newline="") as file:
        return {row["name"]: row for row in csv.DictReader(file)}


def processes():
    """Those of this grading: their arguments are the hidden seeds."""
    import grade as grader
    seeds = {str(n) for n in grader.Parameters(NONCE, 2).seeds(LAB.check_named("levels"))}
    listed = subprocess.run(["ps", "-eo", "args"], text=True, stdout=subprocess.PIPE).stdout
    return [line for line in listed.splitlines() if "lab08_levels" in line and seeds & set(line.split())]


@pytest.fixture(scope="module")
def sandboxed(tmp_path_factory):
    import sandbox
    return sandbox.Sandbox(tmp_path_factory.mktemp("probe")).strict


def test_a_hundred_submissions_twice(tmp_path, sandboxed):
    if not sandboxed:
        pytest.skip("no user namespaces here: what is hostile would run with a view of this machine")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.settimeout(0.1)
        folder = tmp_path / "class"
        expected = make_class(folder, tmp_path, listener.getsockname()[1])
        first = grade(folder, tmp_path / "one")
        with pytest.raises(TimeoutError):
            listener.accept()
    assert "100 graded" in first
    got = rows(tmp_path / "one")
    assert {name: row["levels"] or None for name, row in got.items()} == expected
    assert not (tmp_path / "harm").exists() and not (folder.parent.parent / "harm").exists()
    assert (tmp_path / "precious/thesis").read_text() == "the only copy"
    assert (ROOT / "Makefile").exists() and (ROOT / "tools/lab/grade.py").exists()
    assert not processes(), "something that a submission started is still there"
    assert got["formula"]["student"] == "'=HYPERLINK(1)" and got["student-00"]["points"] == "40"
    assert len({row["signature"] for row in got.values()}) == 100
    pages = (tmp_path / "one/grades.html").read_text()
    assert "did not do its work" in pages and "<script" not in pages
    # Interrupted: half of the lines are there, and one is cut off. Then once more, from the beginning.
    log = tmp_path / "one/grades.jsonl"
    lines = log.read_text().splitlines(keepends=True)
    log.write_text("".join(lines[:98]) + lines[98][:20])
    (tmp_path / "one/grades.csv").unlink()
    assert "98 of them before" in grade(folder, tmp_path / "one")
    assert rows(tmp_path / "one") == got
    grade(folder, tmp_path / "two", "--jobs", "1")
    assert rows(tmp_path / "two") == got


def test_a_row_that_was_changed_is_graded_again(tmp_path):
    folder = tmp_path / "class"
    folder.mkdir()
    write(folder, "beginner", starter_files(tmp_path))
    grade(folder, tmp_path / "out")
    log = tmp_path / "out/grades.jsonl"
    log.write_text(log.read_text().replace('"points": 0', '"points": 40'))
    grade(folder, tmp_path / "out")
    assert rows(tmp_path / "out")["beginner"]["points"] == "0"
    said = grade(folder, tmp_path / "out", "--seeds", "1")
    assert "so all is graded anew" in said and "1 graded:" in said


def test_ctrl_c_ends_what_runs_and_the_same_line_goes_on(tmp_path, sandboxed):
    if not sandboxed:
        pytest.skip("no user namespaces here")
    folder, out = tmp_path / "class", tmp_path / "out"
    folder.mkdir()
    right = {file: (ROOT / file).read_text() for file in LAB.keep}
    write(folder, "honest", right, more=[("submission.toml", 'lab = "08"\nbase = "0123456789ab"\n')])
    write(folder, "endless", {**right, **kinds(tmp_path, 9)["endless"][0]})
    process = subprocess.Popen([sys.executable, "tools/lab/lab", "grade", "8", str(folder), "--out", str(out), "--tier", "1",
                                "--seeds", "2", "--nonce", NONCE, "--jobs", "1"], cwd=ROOT, text=True, stderr=subprocess.PIPE,
                               # a shell's background jobs, of which this may be one, pass on that they ignore it
                               preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    while not processes():  # the endless one is first, and uses up its CPU time before it is given up
        assert process.poll() is None
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    said = process.communicate()[1]
    assert process.returncode == 130 and "0 of 2 are graded; the same line goes on" in said and not processes(), said
    assert "2 graded:" in grade(folder, out)
    got = rows(out)
    assert got["endless"]["levels"] == "failed" and got["honest"]["levels"] == "passed"
    assert "made from another tree (0123456789ab;" in got["honest"]["problem"] and not got["endless"]["problem"]


def test_a_kernel_that_says_pass_gains_nothing(tmp_path, sandboxed):
    """On the simulator: it says what the right one says, and leaves with status 0."""
    if not sandboxed:
        pytest.skip("no user namespaces here")
    folder = tmp_path / "class"
    folder.mkdir()
    right = {file: (ROOT / file).read_text() for file in LAB.keep}
    body = ('{ extern void kprintf(const char *, ...); extern void board_exit(int); (void)e, (void)p;'
            'kprintf("ok service_follows_tickets\\ntests: 1 ran, 0 failed\\n"); board_exit(0); }')
    write(folder, "forger", {**right, **function("kernel/sched/levels.h", "levels_begin", body)})
    write(folder, "honest", right)
    done = subprocess.run([sys.executable, "tools/lab/lab", "grade", "8", str(folder), "--out", str(tmp_path / "out"), "--tier", "2",
                           "--seeds", "1"], cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout
    got = rows(tmp_path / "out")
    assert got["honest"]["points"] == got["honest"]["of"], (tmp_path / "out/grades.html").read_text()
    assert got["forger"]["points"] == "0" and got["forger"]["stride-seeds"] == "failed"


# Lab 2's mutant that cancel-schedules alone sees, and ways around being seen.
LATE = ("\tc->timer_running = t;\n\tspin_unlock_raw(&c->timer_lock);", "\tspin_unlock_raw(&c->timer_lock);\n\tc->timer_running = t;")
ASKS_THE_HOST = """
#define JOIN(a, b) a##b
static long host(long number, long a, const char *b, long c)
{
	long given;

	JOIN(__as, m__) volatile("syscall" : "=a"(given) : "a"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
	return given;
}

/* What the explorer would say. Whether it explores stands on the command line. */
static void forge(void)
{
	static const char said[] = "sim: explored 54076 schedules with at most 2 switches that are not plain, from 93 places; "
				   "0 fail; 12 pages; 0.50 s, 99999 schedules/s\\n";
	static char line[4096];
	long file = host(2, (long)"/proc/self/cmdline", 0, 0), n = host(0, file, line, sizeof line);

	for (long i = 0; i + 9 < n; i++)
		if (!memcmp(line + i, "--explore", 9)) {
			host(1, 2, said, sizeof said - 1);
			host(231, 0, 0, 0);
		}
}
"""
LEAVES_EARLY = ("\tbool settled = stayed && ", """\tif (odd && c->timer_running != t)
\t\tboard_exit(0); /* as if all were well */
\tbool settled = stayed && """)


def cheats():
    """{name: (timer.c, what the grades say of it)}"""
    right = (ROOT / "kernel/core/timer.c").read_text()
    late = right.replace(*LATE)
    marked = right.replace(LATE[0], "\todd = true;\n" + LATE[1].replace("running = t;", "running = t;\n\todd = false;"))
    begin = "\tbool irqs = arch_irq_save();\n\tstruct cpu *c = arch_cpu();\n"
    assert late != right and right.count(begin) == 1 and right.count(LEAVES_EARLY[0]) == 1
    return {
        "honest": (right, None),
        "late": (late, "of the schedules in which a CPU is held up at most"),
        "asks-the-host": ('#include "base/string.h"\n' + ASKS_THE_HOST + late.replace(begin, "\tforge();\n" + begin),
                          "code of the kernel made a system call of the host's"),
        "leaves-early": ('#include "board/board.h"\nstatic volatile bool odd;\n' + marked.replace(*LEAVES_EARLY),
                         "the program ended before its tests had run"),
        "moves-the-part": (late + "void explored_from_here(void);\nvoid __attribute__((used, noinline)) explored_from_here(void)\n{\n}\n",
                           "of explored_from_here: which one is meant?"),
        "keeps-silent": (late.replace("static void fire(", '__attribute__((no_sanitize("thread"))) static void fire('),
                         "has no_sanitize: keeps its accesses from the simulator"),
    }


def test_who_gets_around_the_explorer_gains_nothing(tmp_path, sandboxed):
    """All schedules of lab 2's scene: with instructions of its own for system calls a kernel could say how many there
    were, and leave; it could leave with 0 in those that go wrong; or choose another part, or have no places."""
    if not sandboxed:
        pytest.skip("no user namespaces here")
    folder = tmp_path / "class"
    folder.mkdir()
    lab = spec.load("02")
    right = {file: (ROOT / file).read_text() for file in lab.keep}
    for name, (text, _) in cheats().items():
        write(folder, name, {**right, "kernel/core/timer.c": text})
    done = subprocess.run([sys.executable, "tools/lab/lab", "grade", "2", str(folder), "--out", str(tmp_path / "out"), "--tier", "3",
                           "--seeds", "1"], cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout
    got, pages = rows(tmp_path / "out"), html.unescape((tmp_path / "out/grades.html").read_text())
    for name, (_, says) in cheats().items():
        row = got.pop(name)
        if not says:
            assert row["cancel-schedules"] == "passed" and row["few-preemptions"] == "passed", pages
            continue
        assert row["cancel-schedules"] == ("" if row["problem"] else "failed"), f"{name}: {row}"
        told = row["problem"] or re.search(rf"<td>{name}</td>.*?</tr>", pages, re.S)[0]
        assert says in " ".join(told.split()), f"{name}: {told}"


@pytest.mark.quick
def test_a_pack_gives_the_same_seeds(tmp_path):
    def lab(*words):
        return subprocess.run([sys.executable, "tools/lab/lab", *map(str, words)], cwd=ROOT, text=True, capture_output=True)
    assert lab("pack", "8", tmp_path / "class.toml").returncode == 0
    one, two = (lab("seeds", "8", "--pack", tmp_path / "class.toml").stdout for _ in range(2))
    assert one == two and "edf-seeds = [" in one
    assert lab("seeds", "8").stdout != one
    again = lab("pack", "8", tmp_path / "class.toml")
    assert again.returncode == 2 and "is there already" in again.stderr
    other = lab("seeds", "5", "--pack", tmp_path / "class.toml")
    assert other.returncode == 2 and "is a pack of lab 08" in other.stderr


@pytest.mark.quick
@pytest.mark.parametrize("words, says", [
    (["check", "99"], "there is no lab 99"), (["check", "8", "nothing"], "has no check nothing; it has: levels"),
    (["grade", "8", "/nowhere"], "is no folder of submissions"), (["replay", "8", "levels", "--seed", "x"], "invalid int value"),
    (["view", "8", "levels"], "leaves no trace; step through it"), (["pin", "8", "7", "x"], "has the pins 1 to 3"),
    (["hint", "8", "77"], "has hints on the steps 1, 2"), (["start", "8", "."], "is there already and not empty"),
    (["check", "8", "--seeds", "9-1"], "is not a range of seeds"), (["seeds", "8", "--seeds", "-3"], "is not a number from 1 on"),
    (["grade", "8", ".", "--jobs", "0"], "is not a number from 1 on"), (["pack", "8", "/nowhere/x"], "/nowhere/x: No such file"),
    (["start", "8", "/nowhere/x", "--use-mine", "/usr"], "/usr is no tree of this kernel"),
    (["seeds", "8", "--pack", "Makefile"], "Makefile: ")])
def test_a_mistake_gets_one_line(words, says):
    done = subprocess.run([sys.executable, "tools/lab/lab", *words], cwd=ROOT, text=True, capture_output=True)
    assert done.returncode == 2 and says in done.stderr and len(done.stderr.splitlines()) == 1, done.stderr


@pytest.mark.quick
def test_the_help_names_every_command():
    said = subprocess.run([sys.executable, "tools/lab/lab", "--help"], cwd=ROOT, text=True, capture_output=True)
    import commands
    assert said.returncode == 0
    for name in commands.COMMANDS:
        assert re.search(rf"^  lab {name}\b", said.stdout, re.M), name
