"""Short forms of the kernel's structs, for GDB's print, info locals and back traces."""

import gdb
import gdb.printing

from . import model
from .memory import Unavailable, list_nodes


class TaskPrinter:
    def __init__(self, value):
        self.value = value

    def to_string(self):
        task = self.value
        return f"task {int(task['id'])} {model.name(task)}: {model.state(task)} on CPU {int(task['cpu'])}"


class ListPrinter:
    """Its nodes; `p/r` shows the two pointers. A node that is in a list looks like a head."""

    def __init__(self, value):
        self.value = value

    def to_string(self):
        try:
            nodes = list(list_nodes(self.value))
        except (Unavailable, gdb.error):
            return "not a list"
        return "empty list" if not nodes else "list of " + ", ".join(map(hex, nodes))


def register():
    printers = gdb.printing.RegexpCollectionPrettyPrinter("fermata")
    printers.add_printer("task", "^task$", TaskPrinter)
    printers.add_printer("list", "^list$", ListPrinter)
    gdb.printing.register_pretty_printer(None, printers, replace=True)
