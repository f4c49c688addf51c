"""Each line of the kernel that allocates was denied by failures.c."""

import re
import subprocess

import pytest

APP = "tests/unit/mm/failures.c"
CALL = re.compile(r"\b(kmalloc|kzalloc|task_alloc|task_zalloc|arena_alloc)\(")
ALLOCATORS = ("kernel/mm/", "kernel/task/memory.", "kernel/services/crash.")  # the last one wants to fail


def allocating_lines(root):
    """{(file, line)} of the calls in the kernel, without the allocators themselves."""
    found = set()
    for file in sorted((root / "kernel").rglob("*.c")):
        name = str(file.relative_to(root))
        if name.startswith(ALLOCATORS):
            continue
        for number, line in enumerate(file.read_text().splitlines(), 1):
            if CALL.search(line.split("//")[0]) and not line.lstrip().startswith("*"):
                found.add((name, number))
    return found


def denied_lines(root, elf, said):
    """{(file, line)} of the return addresses that the program printed; of inlined calls all levels."""
    addresses = [hex(int(a, 16) - 1) for a in re.findall(r"^denied (0x[0-9a-f]+)", said, re.M)]
    out = subprocess.run(["addr2line", "-i", "-e", str(elf), *addresses], cwd=root, capture_output=True, text=True,
                         check=True).stdout
    return {(m[1], int(m[2])) for m in re.finditer(r"(kernel/\S+):(\d+)", out)}


@pytest.mark.quick
@pytest.mark.parametrize("cc", ["clang", "gcc"])
def test_every_allocation_was_denied(kernels, root, cc):
    elf = kernels.elf("sim", cc, APP)
    result = kernels.sim(elf, cpus=1)
    assert result.returncode == 0, result.stdout
    denied = denied_lines(root, elf, result.stdout)
    # A call may begin some lines before what the compiler names.
    missing = [f"{file}:{line}" for file, line in sorted(allocating_lines(root))
               if not any((file, line + n) in denied for n in range(4))]
    assert not missing, f"never failed in {APP}; add a scene that makes them allocate: {missing}"
