"""Under -icount a run is the same each time, on four CPUs too: the console and the trace, to the last byte."""

import pytest

RUNS = 3


@pytest.mark.parametrize("board, variant", [("pc", "xapic"), ("virt", "max")])
def test_runs_are_identical(kernels, tmp_path, board, variant):
    elf = kernels.elf(board)
    seen = []
    for _ in range(RUNS):
        trace = tmp_path / "trace"
        result = kernels.run(board, elf, "--variant", variant, "--icount", "--append", "demo=10", "--trace", trace)
        assert result.returncode == 0, result.stdout
        seen.append((result.stdout, {f.name: f.read_bytes() for f in trace.iterdir()}))
        for f in trace.iterdir():
            f.unlink()
    assert all(run == seen[0] for run in seen[1:])
