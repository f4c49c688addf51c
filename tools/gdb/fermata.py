"""Fermata's commands for GDB. `make gdb` loads this; by hand: (gdb) source tools/gdb/fermata.py

The commands only read the machine: nothing that they print changes what it does next.
"""

import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from kernelview import commands, printers, stacks  # noqa: E402

stacks.register()
printers.register()
commands.register()
