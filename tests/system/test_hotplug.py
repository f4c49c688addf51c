"""The shell's `cpu` and `sched` on the machines."""

import re
import sys

import pytest

sys.path.insert(0, __file__.rsplit("/", 1)[0])
from test_run import Terminal  # noqa: E402

PROMPT = b"fermata> "


@pytest.mark.parametrize("board", ["pc", "virt"])
def test_three_of_four_cpus_go_and_come_back(kernels, root, board):
    terminal = Terminal(root / "tools/run", "--board", board, "--elf", kernels.elf(board), "--interactive")

    def shell(text):
        terminal.type(text.encode() + b"\r")
        return re.sub(r"\x1b\[K|\r", "", terminal.wait_for(PROMPT).decode(errors="replace"))

    def uses():
        return re.findall(r"^ +\d  (\w+)", shell("cpu"), re.M)

    terminal.wait_for(PROMPT)
    for _ in range(3):
        shell("spawn rr 3 100000")
    for cpu in (3, 0, 1):
        assert "cpu:" not in shell(f"cpu offline {cpu}").split("\n", 1)[1]
    while "leaving" in (used := uses()):
        pass
    assert used == ["offline", "offline", "online", "offline"]
    assert "is the last that is online" in shell("cpu offline 2")
    shell("sched 3 fifo 2 cpus=4")
    assert re.search(r"^ +3 \w+ +fifo +2 ", shell("task"), re.M)
    for cpu in (0, 1, 3):
        assert "cpu:" not in shell(f"cpu online {cpu}").split("\n", 1)[1]
    while "offline" in (used := uses()):
        pass
    assert used == ["online"] * 4
    terminal.type(b"shutdown 7\r")
    assert terminal.status() == 7
