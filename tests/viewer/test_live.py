"""Following a run: the socket, and the simulator behind it."""

import argparse
import importlib.machinery
import importlib.util
import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys

import pytest

from conftest import ROOT, STALL_S, must

sys.path.insert(0, str(ROOT / "viewer"))
sys.dont_write_bytecode = True
import live  # noqa: E402


class Client:
    """The page's part of RFC 6455, as far as it receives."""

    def __init__(self, port, path):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=STALL_S)
        self.socket.sendall((f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n").encode())
        self.stream = self.socket.makefile("rb")
        self.answer = self.stream.readline().decode()
        self.head = list(iter(lambda: self.stream.readline().decode().strip(), ""))

    def message(self):
        """(opcode, bytes) of the next one."""
        opcode, length = self.stream.read(2)
        if length == 126:
            length = struct.unpack("!H", self.stream.read(2))[0]
        elif length == 127:
            length = struct.unpack("!Q", self.stream.read(8))[0]
        return opcode & 15, self.stream.read(length)


def address(text):
    found = re.search(r"#live=(\d+)(/[\w-]+)", text)
    return int(found[1]), found[2]


def renewed(files, message):
    """The files that a message makes of those before."""
    head = 4 + struct.unpack_from("<I", message)[0]
    out = {}
    for name, pieces in json.loads(message[4:head]):
        data = b""
        for place, n in pieces:
            data += files[name][place:place + n] if place >= 0 else message[head:head + n]
            head += n if place < 0 else 0
        out[name] = data
    assert head == len(message), "it holds more than it tells of"
    return out


def packet(number, size=800):
    return live.MAGIC + bytes(44) + struct.pack("<Q", size * 8) + bytes([number]) * (size - 56)


def what_is_wrong(module):
    """What a client that follows sees of a socket that does not do as it should; "" when it does."""
    data = [{"metadata": b"text", "channel0_0": packet(1) + packet(2) + packet(3, 400)}]
    server = module.Live(lambda: data[0], period_s=0.01)
    port, path = address(server.address("viewer.html"))
    try:
        client = Client(port, path)
        if not client.answer.startswith("HTTP/1.1 101") or "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" not in client.head:
            return "handshake"  # RFC 6455, section 1.3
        opcode, message = client.message()
        seen = renewed({}, message)
        if (opcode, seen) != (2, data[0]):
            return "first"
        # The oldest packet is gone, the last one has grown, new ones and a file came.
        data[0] = {"metadata": b"text", "channel0_0": packet(2) + packet(3) + b"".join(packet(4 + i) for i in range(90)), "notes.json": b"[]"}
        message = client.message()[1]
        seen = renewed(seen, message)
        if seen != data[0]:
            return "second"
        if len(message) > 91 * 800 + 300:
            return "what was there is sent again"
        for guess in ("/", path + "x", path[:-1]):
            if not Client(port, guess).answer.startswith("HTTP/1.1 404"):
                return f"{guess} is let in"
        server.finish({"metadata": b"last"}, wait_s=1)
        if renewed(seen, client.message()[1]) != {"metadata": b"last"}:
            return "last"
        return "" if client.message()[0] == 8 else "not closed"
    except (AssertionError, KeyError, ValueError, struct.error):
        return "garbled"
    finally:
        server.close()


@pytest.mark.quick
def test_who_follows_gets_what_is_new_and_at_the_end_all():
    assert what_is_wrong(live) == ""


@pytest.mark.quick
def test_only_this_machine_reaches_it():
    server = live.Live(lambda: {"metadata": b""})
    _, path = address(server.address("viewer.html"))
    assert server.server.getsockname()[0] == "127.0.0.1" and len(path) > 20
    server.close()


@pytest.mark.parametrize("old, new, seen", [
    ("self.last = last\n", "self.last = None\n", "garbled"),
    ("places[packet] = at\n", "pass\n", "what was there is sent again"),
    ("sum(out[-1]) == place)", "True)", "garbled"),
    ("fresh.append(packet)\n", "fresh.append(packet[:80])\n", "garbled"),
    ('or text.split(" ", 2)[1] != path', "", "/ is let in"),
    ('struct.pack("!BBQ", 0x82, 127, len(data))', 'struct.pack("!BBH", 0x82, 126, len(data) & 0xffff)', "garbled"),
    ("client.sendall(CLOSE)\n", "client.sendall(frame(b''))\n", "not closed")])
def test_mistakes_in_the_socket_are_seen(tmp_path, old, new, seen):
    text = (ROOT / "viewer/live.py").read_text()
    assert text.count(old) == 1
    (tmp_path / "wrong_live.py").write_text(text.replace(old, new))
    loader = importlib.machinery.SourceFileLoader("wrong_live", str(tmp_path / "wrong_live.py"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("wrong_live", loader))
    loader.exec_module(module)
    assert what_is_wrong(module) == seen


@pytest.mark.parametrize("board", ["sim", "pc"])
def test_a_running_machine_is_followed(kernels, page, tmp_path, board):
    """The simulator's memory, or QEMU's, is read while it runs: each snapshot is a trace, and a later one has more events."""
    elf, tool = kernels.elf(board), kernels.trace_tool()
    run = subprocess.Popen([sys.executable, "tools/run", "--board", board, "--elf", str(elf), "--append", "demo=100000", "--live", str(page),
                            "--trace", str(tmp_path / "trace")], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        client = Client(*address(run.stdout.readline()))
        counts, files = [], {}
        while len(counts) < 2:
            opcode, data = client.message()
            assert opcode == 2
            folder = tmp_path / str(len(counts))
            folder.mkdir(exist_ok=True)
            files = renewed(files, data)
            for name, content in files.items():
                (folder / name).write_bytes(content)
            count = len(must(tool, "print", folder).splitlines())
            if count > (counts[-1] if counts else 0):
                counts.append(count)
        assert counts[0] < counts[1]
        assert run.poll() is None, "the run ended while it was followed"
    finally:
        run.send_signal(signal.SIGTERM)
        run.wait(STALL_S)
    assert not os.path.exists(f"/proc/{run.pid}")


def test_the_page_gets_all_of_a_run_that_ends(kernels, demo, tmp_path, capsys):
    """What is sent last is the trace that the run leaves in its folder."""
    loader = importlib.machinery.SourceFileLoader("tools_run", str(ROOT / "tools/run"))
    tools_run = importlib.util.module_from_spec(importlib.util.spec_from_loader("tools_run", loader))
    loader.exec_module(tools_run)
    follower = tools_run.Follower(argparse.Namespace(elf=str(kernels.elf("sim")), live="viewer.html", trace=str(demo(1))))
    client = Client(*address(capsys.readouterr().out))
    assert follower.server.visited.wait(STALL_S)
    follower.finish()
    assert renewed({}, client.message()[1]) == live.folder_snapshot(demo(1))()
    assert client.message()[0] == 8
