"""Reading the kernel's own data: symbols, lists, heaps. Errors become one line for the user."""

import gdb

NODES_MAX = 100_000  # a longer list has lost its head
TIME_NEVER = (1 << 64) - 1


class Unavailable(gdb.GdbError):
    """The kernel is not far enough, or is not what these commands know; the text says which."""


def symbol(name, file=None):
    """The value of a global variable, or of the static one of `file`."""
    if file is None:
        found = gdb.lookup_global_symbol(name)
        if found is not None:
            return found.value()
    else:
        try:
            return gdb.parse_and_eval(f"'{file}'::{name}")
        except gdb.error:
            pass
    raise Unavailable(f"the program has no variable {name}; is it Fermata's kernel, with debug information?")


def require_machine():
    if gdb.selected_inferior().pid == 0:
        raise Unavailable("there is no machine: start it with `make gdb`, or the simulator with `run`")


def require_executor():
    """Until executor_init returned, there are no workers and no tasks."""
    require_machine()
    if int(symbol("worker_count", "kernel/task/worker.c")) == 0:
        raise Unavailable("executor_init has not run yet; `tbreak init_start` and `continue` lead behind it")


def address(value):
    """The address of an lvalue, or what a pointer holds, as a number."""
    return int(value) if value.type.strip_typedefs().code == gdb.TYPE_CODE_PTR else int(value.address)


def pointer(at, type_name):
    return gdb.Value(at).cast(gdb.lookup_type(type_name).pointer())


def container(at, type_name, member):
    """A pointer to the `type_name` whose `member` is at address `at`; member may be "a.b"."""
    whole = pointer(0, type_name).dereference()
    for name in member.split("."):
        whole = whole[name]
    return pointer(at - int(whole.address), type_name)


def list_nodes(head):
    """Addresses of the nodes of a struct list, given its head."""
    head_at = address(head)
    node = head["next"]
    for _ in range(NODES_MAX):
        if int(node) == head_at:
            return
        if int(node) == 0:
            break
        yield int(node)
        node = node["next"]
    raise Unavailable(f"the list at {head_at:#x} does not come back to its head")


def list_entries(head, type_name, member):
    for node in list_nodes(head):
        yield container(node, type_name, member)


def sorted_nodes(structure, below):
    """Pointers to all nodes below structure["root"], by key and seq; below(node) gives those that
    hang on one."""
    found = []
    open_nodes = [structure["root"]]
    while open_nodes:
        node = open_nodes.pop()
        if int(node) == 0:
            continue
        found.append(node)
        if len(found) > NODES_MAX:
            raise Unavailable(f"the nodes below {address(structure):#x} form a cycle")
        open_nodes += below(node)
    return sorted(found, key=lambda n: (int(n["key"]), int(n["seq"])))


def wheel_nodes(wheel):
    """Pointers to the nodes of a struct wheel in the order of their times."""
    found = []
    for level in range(16):
        digits = int(wheel["digits"][level])
        for digit in range(16):
            first = node = wheel["slots"][level * 16 + digit]["first"] if digits >> digit & 1 else None
            while first is not None:
                found.append(node)
                node = node["next"]
                if node == first:
                    break
                if len(found) > NODES_MAX:
                    raise Unavailable("the nodes of a wheel form no circle")
    return sorted(found, key=lambda n: int(n["key"]))


def tree_nodes(tree):
    """Pointers to the nodes of a struct tree in order."""
    return sorted_nodes(tree, lambda node: [node["child"][0], node["child"][1]])


def function_at(pc):
    """The name of the function that holds code address `pc`, "?" without one."""
    block = gdb.block_for_pc(pc) if pc else None
    while block is not None and block.function is None:
        block = block.superblock
    return block.function.name if block is not None else "?"


def source_at(pc):
    """(file, line) of code address `pc`, or None."""
    place = gdb.find_pc_line(pc)
    if place.symtab is None or place.line == 0:
        return None
    return place.symtab.filename, place.line


def source_text(pc):
    """The source line at `pc` without its indentation; "" when the file is not there."""
    place = gdb.find_pc_line(pc)
    try:
        with open(place.symtab.fullname(), encoding="utf-8") as file:
            return file.readlines()[place.line - 1].strip()
    except (OSError, AttributeError, IndexError):
        return ""


def named(value):
    """A pointer as its hexadecimal address, with <symbol> where there is one."""
    return value.format_string(symbols=True, max_depth=0)


def milliseconds(ns):
    """1234567 -> "1.234567 ms"; exact, and "-" for never."""
    return "-" if ns == TIME_NEVER else f"{ns // 1_000_000}.{ns % 1_000_000:06d} ms"
