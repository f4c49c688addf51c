"""The rules of the house hold, and each of them can fail."""

import importlib.machinery
import importlib.util
import subprocess

import pytest

pytestmark = pytest.mark.quick


@pytest.fixture(scope="module")
def structure(root):
    loader = importlib.machinery.SourceFileLoader("structure", str(root / "tools/lint/structure"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("structure", loader))
    loader.exec_module(module)
    return module


def test_the_tree_keeps_the_rules(structure, root):
    assert structure.violations(root) == []


# A small tree that keeps every rule, and for each rule changes that break it.
GOOD = {
    "README.md": "# A tree\n",
    "kernel/base/list.h": "/*\n * list.h: lists.\n */\n#pragma once\n",
    "kernel/core/cpu.c": '#include "base/list.h"\n\nint f(void)\n{\n\treturn 1;\n}\n',
    "kernel/task/task.h": "/*\n * task.h: tasks.\n */\n#pragma once\n",
    "kernel/core/talk.c": '#include "a.session.h"\n\nstruct f {\n\tstruct a_client client;\n};\n\nint f(void)\n{\n'
                          "\tstruct a_client_start *start;\n\treturn 1;\n}\n",
    "kernel/arch/sim/entry.S": "ENTRY(a)\n\tnop\nEND(a)\n",
    "kernel/arch/sim/x.h": "/*\n * x.h: x.\n */\n#pragma once\n",
    "kernel/arch/sim/sim.c": '#include "sim/sim.h"\n#ifdef __x86_64__\n#endif\n',
}
LONG_FUNCTION = "int f(void)\n{\n" + "\tg();\n" * 59 + "}\n"
MUTANTS = [
    ("dependencies", "kernel/core/cpu.c", '#include "task/task.h"\n'),
    ("dependencies", "kernel/base/list.c", '#include "core/cpu.h"\n'),
    ("dependencies", "kernel/arch/arch.h", '/*\n * arch.h: x\n */\n#pragma once\n#include "core/irq.h"\n'),
    ("dependencies", "kernel/arch/x86_64/a.c", '#include "arch/sim/x.h"\n'),
    ("dependencies", "kernel/task/task.c", '#include "sim/sim.h"\n'),
    ("dependencies", "kernel/misc/a.c", "int x;\n"),
    ("conditionals", "kernel/core/cpu.c", "#ifdef __aarch64__\n#endif\n"),
    ("conditionals", "kernel/core/cpu.c", "#if defined(BOARD_PC)\n#endif\n"),
    ("function_lengths", "kernel/core/cpu.c", LONG_FUNCTION),
    ("function_lengths", "tests/unit/x.c", LONG_FUNCTION),
    ("function_lengths", "kernel/core/cpu.c", "int f(void)\n{\n\treturn 1;\n\t}\n"),
    ("assembly_routines", "kernel/arch/sim/entry.S", "ENTRY(a)\nENTRY(b)\nEND(b)\n"),
    ("assembly_routines", "kernel/arch/sim/entry.S", "ENTRY(a)\nEND(b)\n"),
    ("assembly_routines", "kernel/arch/sim/entry.S", "ENTRY(a)\n"),
    ("file_lengths", "kernel/core/cpu.c", "int x;\n" * 601),
    ("file_lengths", "tools/script", "x\n" * 601),
    ("kernel_size", None, None),
    ("policies", "kernel/sched/a.c", '#include "task/task.h"\n'),
    ("policies", "kernel/sched/a.c", "void f(struct task *t);\n"),
    ("policies", "kernel/sched/a.c", "const struct sched_policy sched_a = {\n\te->cpus = 1;\n};\n"),
    ("policies", "kernel/sched/a.c", "const struct sched_policy sched_a = {\n\te->cpus |= 1;\n};\n"),
    ("policies", "kernel/sched/a.c", "const struct sched_policy sched_a = {};\n" + "int x;\n" * 200),
    ("header_contracts", "kernel/base/list.h", "#pragma once\n"),
    ("header_contracts", "kernel/base/list.h", "/*\n * list.h: lists.\n */\n"),
    ("atomic_orders", "kernel/core/cpu.c", "int f(void)\n{\n\treturn atomic_load(&x);\n}\n"),
    ("session_tokens", "kernel/core/cpu.c", '#include "a.session.h"\nstruct f {\n\tstruct a_client_start *start;\n};\n'),
    ("session_tokens", "tests/x.c", '#include "a.session.h"\nint f(void)\n{\n\tstatic struct a_server_end *end;\n}\n'),
    ("private_paths", "README.md", "see " + "/work" + "/main\n"),
    ("private_paths", "tools/setup/setup", "deb.debian" + ".org\n"),
    ("layout", "stuff/x", "x\n"),
    ("white_space", "kernel/core/cpu.c", "int x; \n"),
    ("white_space", "kernel/core/cpu.c", "int x;"),
    ("white_space", "kernel/core/cpu.c", "    int x;\n"),
]


def plant(where, files):
    subprocess.run(["git", "init", "-q", where], check=True)
    for name, text in files.items():
        (where / name).parent.mkdir(parents=True, exist_ok=True)
        (where / name).write_text(text)


def test_a_good_tree_passes(structure, tmp_path):
    plant(tmp_path, GOOD)
    assert structure.violations(tmp_path) == []


@pytest.mark.parametrize("rule, file, text", MUTANTS, ids=[f"{m[0]}-{i}" for i, m in enumerate(MUTANTS)])
def test_a_planted_violation_is_found(structure, tmp_path, rule, file, text):
    files = {f"kernel/mm/f{i}.c": "int x;\n" * 500 for i in range(24)} if file is None else {file: text}
    plant(tmp_path, {**GOOD, **files})
    assert {found for found, _ in structure.violations(tmp_path)} == {rule}


def test_every_rule_has_a_planted_violation(structure):
    assert {rule.__name__ for rule in structure.RULES} == {mutant[0] for mutant in MUTANTS}
