"""kernel/trace/events.def as Python tables, read through the C preprocessor."""

import re
import struct
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MACROS = """
#define VALUES(set, ...) __VA_ARGS__
#define VALUE(set, name, number) @value set name number@
#define FIELD(type, name, meaning) @field type name@
#define CODE(type, name, set, meaning) @field type name set@
#define TEXT(name, bytes, meaning) @text bytes name@
#define ITEMS(item, name, count, meaning) @items item name count@
#define ITEM(name, ...) @layout 0 0 name@ __VA_ARGS__
#define EVENT(ID, number, name, meaning, ...) @layout ID number name@ __VA_ARGS__
#include "kernel/trace/events.def"
"""
FORMATS = {"u8": "B", "u16": "H", "u32": "I", "u64": "Q", "i16": "h", "i32": "i"}


class Layout:
    """The fields of one event or item, and how their values become bytes."""

    def __init__(self, ident, number, name):
        self.ident, self.number, self.name = ident, int(number), name
        self.fields = []  # (name, struct format, code set or None)
        self.items = None  # (item layout's name, field name, count field)

    def pack(self, values, layouts=None):
        data = b""
        for name, form, codes in self.fields:
            value = values.get(name, 0)
            if isinstance(value, str) and codes:
                value = CODES[codes][value]
            if form.endswith("s"):
                value = value.encode() if value else b""
            size = struct.calcsize("<" + form)
            if form[-1] != "s":
                assert len(data) % size == 0, f"{self.name}.{name} is not aligned"
            data += struct.pack("<" + form, value)
        if self.items:
            item, name, _ = self.items
            data += b"".join(layouts[item].pack(v) for v in values.get(name, []))
        assert len(data) % 8 == 0
        return data


def read_definitions():
    text = subprocess.run(["cc", "-E", "-P", "-I", str(ROOT), "-"], input=MACROS, text=True, check=True,
                          capture_output=True).stdout
    layouts, codes = {}, {}
    for words in (part.split() for part in re.findall(r"@([^@]*)@", text)):
        kind, rest = words[0], words[1:]
        if kind == "value":
            codes.setdefault(rest[0], {})[rest[1]] = int(rest[2])
        elif kind == "layout":
            layout = layouts[rest[2]] = Layout(*rest)
        elif kind == "field":
            layout.fields.append((rest[1], FORMATS[rest[0]], rest[2] if len(rest) > 2 else None))
        elif kind == "text":
            layout.fields.append((rest[1], rest[0] + "s", None))
        elif kind == "items":
            layout.items = tuple(rest)
    return layouts, codes


LAYOUTS, CODES = read_definitions()
EVENTS = {name: layout for name, layout in LAYOUTS.items() if layout.number}


def pack_event(name, values):
    layout = EVENTS[name]
    if layout.items:
        values = {**values, layout.items[2]: len(values.get(layout.items[1], []))}
    return layout.pack(values, LAYOUTS)
