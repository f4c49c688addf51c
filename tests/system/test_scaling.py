"""The ablation of the run queues' locks can be repeated, and says what docs/performance.md says of it. It counts in virtual time."""

import re
import subprocess
import sys

LOADS = ["yields", "wake-ups and waits", "spawns and joins", "messages"]


def test_one_lock_is_faster_and_grows(root):
    result = subprocess.run([sys.executable, "tools/bench/scale", "--quick"], cwd=root, text=True, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE)
    assert result.returncode == 0, result.stderr
    rows = {(load, mode): [float(n) for n in cells.split(" | ")]
            for load, mode, cells in re.findall(r"^\| ([\w -]+), (one [\w ]+?|one shard per CPU) \| (.*) \|$", result.stdout, re.M)}
    assert sorted(rows) == sorted((load, mode) for load in LOADS for mode in ("one global lock", "one shard per CPU"))
    for load in LOADS:
        alone, four, sixteen, sixty_four = rows[load, "one global lock"]
        assert alone < four < sixteen and sixteen > 1.7 * alone, (load, rows)
        assert sixty_four > 1.5 * alone, (load, rows)  # it does not collapse
        assert all(a >= b for a, b in zip(rows[load, "one global lock"], rows[load, "one shard per CPU"])), (load, rows)
