"""Trace events, decoded from the rings in the machine's memory by kernel/trace/events.def."""

import os
import re
import struct
from collections import namedtuple

import gdb

from .memory import Unavailable, require_machine, symbol
from .model import ROOT

TRACE_MAGIC = 0x3141544D52454624
PACKET_MAGIC = 0xC1FC1FC1
PACKET_HEADER = struct.Struct("<I16xI" + "QQQQQQ" + "II")
FORMATS = {"u8": "B", "u16": "H", "u32": "I", "u64": "Q", "i16": "h", "i32": "i"}

Field = namedtuple("Field", "kind type name codes")  # codes: a set's name or None; kind as in events.def
Event = namedtuple("Event", "ticks cpu name fields")  # fields: [(name, text)]
Packet = namedtuple("Packet", "sequence first_ticks data")


class Definitions:
    """The table of events: {number: (name, [Field])}, items and sets of codes by name."""

    FIELD = re.compile(r"(?P<kind>FIELD|CODE|TEXT|ITEMS)\(\s*(?P<arguments>[^\"]*?),\s*\"")

    def __init__(self, text):
        text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
        text = re.sub(r"^#.*$", "", text, flags=re.M)
        self.codes = {}
        for group, name, number in re.findall(r"VALUE\((\w+), (\w+), (\d+)\)", text):
            self.codes.setdefault(group, {})[int(number)] = name
        self.events = {}
        self.items = {}
        for body in re.split(r"^(?=EVENT\(|ITEM\(|VALUES\()", text, flags=re.M):
            event = re.match(r"EVENT\(\w+, (\d+), (\w+),", body)
            item = re.match(r"ITEM\((\w+),", body)
            if event:
                self.events[int(event[1])] = (event[2], self.fields(body))
            elif item:
                self.items[item[1]] = self.fields(body)

    def fields(self, body):
        return [self.field(m["kind"], [a.strip() for a in m["arguments"].split(",")])
                for m in self.FIELD.finditer(body)]

    @staticmethod
    def field(kind, arguments):
        if kind == "TEXT":
            return Field(kind, int(arguments[1]), arguments[0], None)
        if kind == "ITEMS":
            return Field(kind, arguments[0], arguments[1], None)
        return Field(kind, arguments[0], arguments[1], arguments[2] if kind == "CODE" else None)

    def read(self, fields, data, at):
        """([(name, text)], {name: number}, where the fields end)."""
        texts, numbers = [], {}
        for field in fields:
            if field.kind == "TEXT":
                raw = data[at:at + field.type]
                texts.append((field.name, raw.split(b"\0")[0].decode(errors="replace")))
                at += field.type
            elif field.kind == "ITEMS":
                text, at = self.read_items(field, numbers[f"{field.name}_len"], data, at)
                texts.append((field.name, text))
            else:
                code = struct.Struct("<" + FORMATS[field.type])
                number = numbers[field.name] = code.unpack_from(data, at)[0]
                names = self.codes.get(field.codes, {})
                texts.append((field.name, names.get(number, str(number))))
                at += code.size
        return texts, numbers, at

    def read_items(self, field, count, data, at):
        items = []
        for _ in range(count):
            texts, _, at = self.read(self.items[field.type], data, at)
            items.append("{" + " ".join(f"{n}={t}" for n, t in texts) + "}")
        return "[" + " ".join(items) + "]", at

    def number_of(self, name):
        for number, (known, _) in self.events.items():
            if known == name:
                return number
        raise Unavailable(f"there is no event {name}; kernel/trace/events.def names them all")

    def decode(self, number, payload):
        if number not in self.events:
            return f"event_{number}", [("payload", payload.hex())]
        name, fields = self.events[number]
        return name, [(n, t) for n, t in self.read(fields, payload, 0)[0] if n != "rsv"]


def definitions():
    with open(os.path.join(ROOT, "kernel/trace/events.def"), encoding="utf-8") as file:
        return Definitions(file.read())


def descriptor():
    require_machine()
    found = symbol("trace_descriptor")
    if int(found["magic"]) != TRACE_MAGIC:
        raise Unavailable("trace_init has not run yet; `tbreak executor_init` and `continue` lead behind it")
    return found


def packets(ring, count, size):
    """A ring's packets, the newest first; those that were never opened are left out."""
    found = []
    for i in range(count):
        at = ring + i * size
        header = bytes(gdb.selected_inferior().read_memory(at, PACKET_HEADER.size))
        magic, _, begin, _, _, _, sequence, *_ = PACKET_HEADER.unpack(header)
        if magic == PACKET_MAGIC:
            found.append((sequence, begin, at))
    for sequence, begin, at in sorted(found, reverse=True):
        yield Packet(sequence, begin, bytes(gdb.selected_inferior().read_memory(at, size)))


def records(packet):
    """(ticks, event's number, payload) of each record, the oldest first."""
    at = PACKET_HEADER.size
    high = packet.first_ticks >> 32 << 32
    while at + 8 <= len(packet.data):
        low, number, words = struct.unpack_from("<IHH", packet.data, at)
        if words == 0 or at + words * 8 > len(packet.data):
            return
        yield high | low, number, packet.data[at + 8:at + words * 8]
        at += words * 8


def last_of_cpu(cpu, count, only):
    """The last `count` records of a CPU, the oldest first: [(ticks, cpu, number, payload)]. `only`:
    of the event with that number, unless None."""
    d = descriptor()
    if cpu >= int(d["cpus"]):
        raise Unavailable(f"there is no CPU {cpu}; the machine has {int(d['cpus'])}")
    if int(d["ring"][cpu]) == 0:
        return []
    found = []
    for packet in packets(int(d["ring"][cpu]), int(d["packets"]), int(d["packet_bytes"])):
        found = [(ticks, cpu, number, payload) for ticks, number, payload in records(packet)
                 if only in (None, number)] + found
        if len(found) >= count:
            break
    return found[-count:]


def last(cpus, count, name=None):
    """The last `count` events of some CPUs by time, decoded, the oldest first; of one name or all."""
    table = definitions()
    only = table.number_of(name) if name else None
    found = [record for cpu in cpus for record in last_of_cpu(cpu, count, only)]
    found.sort(key=lambda record: record[0])  # stable: records of one tick stay in a CPU's order
    return [Event(ticks, cpu, *table.decode(number, payload)) for ticks, cpu, number, payload in found[-count:]]


def nanoseconds(ticks):
    return ticks * 1_000_000_000 // int(descriptor()["clock_hz"])
