"""A machine's memory with trace rings in it, as kernel/trace/trace.h lays them out."""

import struct
import zlib

from events import EVENTS, pack_event

MAGIC = 0xC1FC1FC1
UUID = bytes([0x66, 0x65, 0x72, 0x6D, 0x61, 0x74, 0x61, 0, 0x80, 0, 0, 0, 0, 0, 0, 0])
HEADER = struct.Struct("<I16sIQQQQQQII")
DESCRIPTOR = struct.Struct("<QIIQII64QQ16s48s")
BASE = 0x4000_0000
DESCRIPTOR_AT = BASE + 0x1000
CPUS_MAX = 64


class Ring:
    """Records events as the kernel's recorder does, the oldest packet overwritten when full."""

    def __init__(self, cpu, packets, packet_bytes, begin):
        self.cpu, self.packets, self.packet_bytes = cpu, packets, packet_bytes
        self.slots = [b"\0" * packet_bytes] * packets
        self.seq = 0
        self.open(begin)

    def open(self, ticks):
        self.begin, self.records = ticks, b""

    def close(self, ticks):
        """Puts the packet in its slot: closed at `ticks`, or as it is while open (None)."""
        end, content = (0, 0) if ticks is None else (ticks, 80 + len(self.records))
        head = HEADER.pack(MAGIC, UUID, 0, self.begin, end, content * 8, self.packet_bytes * 8, self.seq, 0,
                           self.cpu, 0)
        data = head + self.records
        self.slots[self.seq % self.packets] = data + b"\0" * (self.packet_bytes - len(data))

    def record(self, ticks, name, values):
        payload = pack_event(name, values)
        room = self.packet_bytes - 80 - len(self.records) - 8
        if len(payload) + 8 > room or ticks >> 32 != self.begin >> 32:
            self.close(ticks)
            self.seq += 1
            self.open(ticks)
        self.records += struct.pack("<IHH", ticks & 0xFFFFFFFF, EVENTS[name].number, len(payload) // 8 + 1)
        self.records += payload


class Memory:
    """Rings and descriptor of one machine, filled from a list of (cpu, ticks, name, values)."""

    def __init__(self, events, cpus, packets=16, packet_bytes=4096, begin=0, seed=7, hz=10**9):
        self.rings = [Ring(cpu, packets, packet_bytes, begin) for cpu in range(cpus)]
        for cpu, ticks, name, values in events:
            self.rings[cpu].record(ticks, name, values)
        for ring in self.rings:
            ring.close(None)
        self.ring_at = [BASE + 0x2000 + i * packets * packet_bytes for i in range(cpus)]
        addresses = self.ring_at + [0] * (CPUS_MAX - cpus)
        self.descriptor = DESCRIPTOR.pack(int.from_bytes(b"$FERMTA1", "little"), 1, cpus, hz, packet_bytes,
                                          packets, *addresses, seed, b"pytest", b"generated")

    def ranges(self):
        """(address, bytes) of all that a dump must hold."""
        yield DESCRIPTOR_AT, self.descriptor
        for at, ring in zip(self.ring_at, self.rings):
            for i, slot in enumerate(ring.slots):
                yield at + i * ring.packet_bytes, slot

    def image(self):
        ranges = list(self.ranges())
        data = bytearray(max(at + len(part) for at, part in ranges) - BASE)
        for at, part in ranges:
            data[at - BASE : at - BASE + len(part)] = part
        return bytes(data)

    def uart_log(self):
        """What the shell's `trace dump` prints (tools/trace/uart_format.md)."""
        lines = []
        for at, part in self.ranges():
            for i in range(0, len(part), 32):
                run = part[i : i + 32]
                if any(run):
                    crc = zlib.crc32(struct.pack("<Q", at + i) + run)
                    lines.append(f"@M {at + i:x} {run.hex()} {crc:08x}")
        text = ["boot", "> trace dump", f"@B {DESCRIPTOR_AT:x}", *lines, f"@E {len(lines)}", "> "]
        return "\r\n".join(text).encode()
