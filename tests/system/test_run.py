"""tools/run: every way a machine can end reaches the shell, and each failure gets a clear line."""

import os
import pty
import select
import signal
import subprocess
import sys
import time

import pytest

RUN_STALL_S = 300
BOARDS = ["pc", "virt", "raspi3", "raspi4", "sim"]
APP = "tests/system/behave.c"
QUICK_BOARDS = [pytest.param(b, marks=[pytest.mark.quick]) for b in BOARDS]


def last_line(result):
    return result.stdout.rstrip().splitlines()[-1]


@pytest.mark.parametrize("board", QUICK_BOARDS)
@pytest.mark.parametrize("status", [0, 42, 100])
def test_the_kernels_status_reaches_the_shell(kernels, board, status):
    result = kernels.run(board, kernels.elf(board, app=APP), "--append", f"leave={status}")
    assert result.returncode == status, result.stdout
    assert f"behaving: {'semihosting ' * board.startswith(('v', 'r'))}leave={status}" in result.stdout
    assert (f"the kernel left with status {status}" in result.stdout) == (status != 0)


@pytest.mark.parametrize("board", QUICK_BOARDS)
def test_a_panic_has_its_own_status_and_a_back_trace(kernels, board):
    result = kernels.run(board, kernels.elf(board, app=APP), "--append", "fall")
    assert result.returncode == 101, result.stdout
    assert "asked to" in result.stdout
    assert "fall_over+0x" in result.stdout
    assert "app_main+0x" in result.stdout


@pytest.mark.parametrize("board", QUICK_BOARDS)
def test_a_silent_machine_is_stopped(kernels, board):
    result = kernels.run(board, kernels.elf(board, app=APP), "--timeout", "2", "--append", "hang")
    assert result.returncode == 124, result.stdout
    assert last_line(result) == "tools/run: stalled: no output and no exit for 2 s"


def is_over(pid):
    """Whether the process has ended, and nobody asked for its status yet."""
    with open(f"/proc/{pid}/stat") as f:
        return f.read().rsplit(")", 1)[1].split()[0] == "Z"


@pytest.mark.quick
def test_what_the_simulator_says_of_the_run_comes_last(kernels, root):
    """To one place: although its console is copied, and here only when the run is over."""
    process = subprocess.Popen([sys.executable, "tools/run", "--board", "sim", "--elf", kernels.elf("sim"), "--append", "demo=40"], cwd=root,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True)
    said = [process.stdout.readline()]
    process.send_signal(signal.SIGSTOP)
    try:
        with open(f"/proc/{process.pid}/task/{process.pid}/children") as f:
            children = f.read().split()
        deadline = time.monotonic() + RUN_STALL_S
        while not all(map(is_over, children)) and time.monotonic() < deadline:
            time.sleep(0.01)
    finally:
        process.send_signal(signal.SIGCONT)
    said += process.communicate()[0].splitlines()
    assert process.returncode == 0
    assert said[-1].startswith("sim: seed=") and sum(line.startswith("sim: seed=") for line in said) == 1, said


@pytest.mark.quick
def test_a_reset_is_told_from_an_exit(kernels):
    result = kernels.run("pc", kernels.elf("pc", app=APP), "--append", "reboot")
    assert result.returncode == 125, result.stdout
    assert "the machine was reset or switched off; the kernel left no status" in result.stdout


@pytest.mark.quick
def test_nothing_is_left_behind(kernels):
    elf = kernels.elf("virt", app=APP)
    before = set(os.listdir("/dev/shm"))
    process = subprocess.Popen([sys.executable, "tools/run", "--board", "virt", "--elf", elf, "--append", "hang"],
                               stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
    for line in process.stdout:
        if "behaving" in line:
            break
    mine = [f for f in set(os.listdir("/dev/shm")) - before if f.startswith("fermata-ram-")]
    process.terminate()
    process.communicate(timeout=60)
    assert process.returncode == 125
    assert not set(mine) & set(os.listdir("/dev/shm")) or len(mine) > 1


class Terminal:
    """A program on a terminal of its own."""

    def __init__(self, *command):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execv(sys.executable, [sys.executable, *map(str, command)])
        self.seen = b""

    def wait_for(self, text):
        """Read until the text appears; everything since the last call."""
        while text not in self.seen:
            ready, _, _ = select.select([self.fd], [], [], RUN_STALL_S)
            assert ready, f"stalled before {text!r}: {self.seen!r}"
            self.seen += os.read(self.fd, 4096)
        before, self.seen = self.seen.split(text, 1)
        return before

    def type(self, text):
        os.write(self.fd, text)

    def status(self):
        try:
            while os.read(self.fd, 4096):
                pass
        except OSError:  # how a terminal says that its other side is gone
            pass
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


@pytest.mark.parametrize("leave", [b"\x01x", b"shutdown\r"], ids=["ctrl-a-x", "shutdown"])
@pytest.mark.parametrize("board", QUICK_BOARDS)
def test_a_terminal_gets_the_shell(kernels, root, board, leave):
    terminal = Terminal(root / "tools/run", "--board", board, "--elf", kernels.elf(board), "--interactive")
    terminal.wait_for(b"fermata> ")
    terminal.type(b"uptime\r")
    terminal.wait_for(b"fermata> ")
    terminal.type(leave)
    assert terminal.status() == 0


@pytest.fixture
def elf(tmp_path):
    path = tmp_path / "kernel.elf"
    path.write_bytes(b"not a kernel")
    (tmp_path / "kernel.img").write_bytes(b"not a kernel")
    return path


def run(root, *words, **environment):
    return subprocess.run([sys.executable, "tools/run", *map(str, words)], cwd=root, text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env={**os.environ, **environment}, timeout=120)


@pytest.mark.quick
def test_qemu_failing_is_told_from_the_kernel_failing(root, elf):
    result = run(root, "--board", "pc", "--elf", elf)
    assert result.returncode == 125
    assert "qemu-system-x86_64 ended with status 1 before the kernel said anything" in last_line(result)


@pytest.mark.quick
@pytest.mark.parametrize("words, expected", [
    (["--board", "atari"], "invalid choice: 'atari'"),
    (["--board", "pc", "--variant", "x2"], "--variant x2: pc has xapic, bios-iso, uefi-iso"),
    (["--board", "raspi3", "--cpus", "2"], "--cpus 2: raspi3 has 4"),
    (["--board", "virt", "--variant", "gicv2", "--cpus", "9"], "--cpus 9: virt gicv2 has 1 to 8"),
    (["--board", "pc", "--elf", "nowhere"], "nowhere is not there; `make kernel BOARD=pc` builds it"),
    (["--board", "pc", "--trace", "tests"], "tests holds something that is not a trace"),
    (["--board", "pc", "--variant", "bios-iso"], "fermata.iso is not there"),
])
def test_wrong_use_gets_one_clear_line(root, elf, words, expected):
    result = run(root, "--elf", elf, *words)
    assert result.returncode in (2, 125)
    assert expected in last_line(result)


@pytest.mark.quick
def test_a_missing_qemu_is_named(root, elf, tmp_path):
    result = run(root, "--board", "virt", "--elf", elf, PATH=str(tmp_path))
    assert result.returncode == 125
    assert last_line(result) == "tools/run: qemu-system-aarch64 is not installed; `make setup` installs it"
