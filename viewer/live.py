"""Follows a trace that still grows: serves it to the viewer over a socket that only this machine reaches.

Usage: live.py VIEWER_HTML TRACE_DIR     prints the address to open; ends with Ctrl-C

The page connects with the WebSocket protocol (RFC 6455) to a port of the loopback interface, at a path
that cannot be guessed, and is told whenever the trace has changed: only what is new is sent. A message is
a 32-bit length, so many bytes of JSON, and the new bytes one behind the other. The JSON lists the files,
[name, pieces], and of each its pieces, [place, length]: bytes that the file had at that place before, or
new ones when the place is -1.
"""

import base64
import hashlib
import json
import re
import secrets
import socket
import struct
import sys
import threading
from pathlib import Path

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3
PERIOD_S = 1.0
CLOSE = b"\x88\x00"  # section 5.5.1
HEAD_MAX = 8192
MAGIC = b"\xc1\x1f\xfc\xc1"


def frame(data):
    """One binary message, unmasked as a server's are (section 5.2)."""
    if len(data) < 126:
        return struct.pack("!BB", 0x82, len(data)) + data
    if len(data) < 1 << 16:
        return struct.pack("!BBH", 0x82, 126, len(data)) + data
    return struct.pack("!BBQ", 0x82, 127, len(data)) + data


def packets(data):
    """A stream's packets, in between nothing: what is no packet is one piece with what follows it."""
    at = 0
    while at < len(data):
        size = int.from_bytes(data[at + 48:at + 56], "little") // 8 if data[at:at + 4] == MAGIC else 0
        end = min(at + size, len(data)) if size else len(data)
        yield data[at:end]
        at = end


def pieces(old, new):
    """`new` out of what `old` had, by packets, and the bytes that it had not."""
    if old == new:
        return [[0, len(new)]], b""
    places, at = {}, 0
    for packet in packets(old):
        places[packet] = at
        at += len(packet)
    out, fresh = [], []
    for packet in packets(new):
        place = places.get(packet, -1)
        if place < 0:
            fresh.append(packet)
        if out and (out[-1][0] == place == -1 or out[-1][0] >= 0 and sum(out[-1]) == place):
            out[-1][1] += len(packet)
        else:
            out.append([place, len(packet)])
    return out, b"".join(fresh)


def change(old, new):
    """The message that makes the files `new`, by name, out of `old`."""
    made = [(name, pieces(old.get(name, b""), data)) for name, data in new.items()]
    head = json.dumps([[name, parts] for name, (parts, _) in made]).encode()
    return struct.pack("<I", len(head)) + head + b"".join(fresh for _, (_, fresh) in made)


def accept(client, path):
    """The handshake; False when it is not the viewer that asks."""
    head = b""
    while b"\r\n\r\n" not in head:
        more = client.recv(4096)
        if not more or len(head) > HEAD_MAX:
            return False
        head += more
    text = head.decode("latin-1")
    key = re.search(r"^Sec-WebSocket-Key: *(\S+)\r$", text, re.M | re.I)
    if not key or text.split(" ", 2)[1] != path:
        client.sendall(b"HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n")
        return False
    proof = base64.b64encode(hashlib.sha1((key[1] + GUID).encode()).digest()).decode()
    client.sendall(("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                    f"Sec-WebSocket-Accept: {proof}\r\n\r\n").encode())
    return True


class Live:
    """snapshot() gives the trace's files, bytes by name, or None while there is none."""

    def __init__(self, snapshot, period_s=PERIOD_S):
        self.snapshot, self.period_s = snapshot, period_s
        self.over = threading.Event()  # the run has ended, and this is all of it:
        self.last = None
        self.visited = threading.Event()  # somebody has looked
        self.followers = []
        self.path = "/" + secrets.token_urlsafe(18)
        self.server = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self.serve, daemon=True).start()

    def address(self, viewer):
        port = self.server.getsockname()[1]
        return f"{Path(viewer).resolve().as_uri()}#live={port}{self.path}"

    def serve(self):
        while True:
            try:
                client, _ = self.server.accept()
            except OSError:
                return
            thread = threading.Thread(target=self.follow, args=(client,), daemon=True)
            self.followers.append(thread)
            thread.start()

    def follow(self, client):
        with client:
            try:
                client.settimeout(30)
                if not accept(client, self.path):
                    return
                self.visited.set()
                sent = {}
                while True:
                    over = self.over.is_set()
                    data = self.last if over else self.snapshot()
                    if data is not None and data != sent:
                        client.sendall(frame(change(sent, data)))
                        sent = data
                    if over:
                        client.sendall(CLOSE)
                        return
                    self.over.wait(self.period_s)
            except OSError:
                return  # the page was closed

    def finish(self, last=None, wait_s=10):
        """The run has ended: whoever follows it gets `last`, the whole trace, and is let go."""
        self.last = last
        self.over.set()
        for thread in list(self.followers):
            thread.join(wait_s)

    def close(self):
        self.server.close()


def folder_snapshot(folder):
    """A function that reads the folder's files, as long as it is a trace."""
    def snapshot():
        try:
            files = {p.name: p.read_bytes() for p in sorted(Path(folder).iterdir()) if p.is_file()}
        except OSError:
            return None  # it is being written just now
        return files if "metadata" in files else None

    return snapshot


def main():
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    live = Live(folder_snapshot(sys.argv[2]))
    print(f"Open {live.address(sys.argv[1])}", flush=True)
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
