"""RD-Gen's files: what is imported is what runs, and what is wrong is said with its line."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

HERE = Path(__file__).resolve().parent
FILES = HERE / "files"
GOOD = """\
directed: true
graph: {}
links:
- source: 0
  target: 1
- source: 1
  target: 2
multigraph: false
nodes:
- execution_time: 10
  id: 0
  period: 50
- execution_time: 20
  id: 1
- end_to_end_deadline: 40
  execution_time: 5
  id: 2
"""

# What is changed in GOOD, and what rdgen says then.
WRONG = {
    "no yaml": ("links:\n", "links: [\n", r":\d+: is no YAML: .*; generate it again"),
    "two documents": ("multigraph: false\n", "multigraph: false\n---\n", r": has 2 documents, not one"),
    "a list": (GOOD, "- 1\n", r": is no mapping with `nodes` and `links`"),
    "empty": (GOOD, "", r": has 0 documents, not one"),
    "undirected": ("directed: true", "directed: false", r":1: is not a directed graph"),
    "multigraph": ("multigraph: false", "multigraph: true", r":1: is not a directed graph without parallel"),
    "no nodes": ("nodes:", "vertices:", r":1: has no list of mappings `nodes`"),
    "nodes are numbers": (GOOD[GOOD.index("nodes:"):], "nodes: [0, 1]\n", r":1: has no list of mappings `nodes`"),
    "no links": ("links:", "arcs:", r":1: has no list of mappings `links`"),
    "empty links": (GOOD[GOOD.index("links:"):GOOD.index("multi")], "links: []\n", r":1: `links` is empty"),
    "key twice": ("  id: 1\n", "  id: 1\n  id: 3\n", r":13: id stands here twice"),
    "no id": ("  id: 1\n", "", r":13: has no id; expected a whole number"),
    "id is text": ("  id: 1\n", "  id: one\n", r":13: id is 'one'; expected a whole number"),
    "id twice": ("  id: 1\n", "  id: 0\n", r":13: node 0 is there twice"),
    "no time": ("- execution_time: 20\n  id: 1\n", "- id: 1\n", r":13: node 1 has no execution_time; let RD-Gen"),
    "time is text": ("execution_time: 20", "execution_time: soon", r":13: execution_time is 'soon'"),
    "time is 0": ("execution_time: 20", "execution_time: 0", r":13: execution_time is 0; expected .* greater"),
    "time is negative": ("execution_time: 20", "execution_time: -1", r":13: execution_time is -1"),
    "time is no number": ("execution_time: 20", "execution_time: .nan", r":13: execution_time is nan"),
    "time is infinite": ("execution_time: 20", "execution_time: .inf", r":13: execution_time is inf"),
    "time is endless": ("execution_time: 20", "execution_time: 1e300", r":13: execution_time is 1e300 ms|:13: execution_time is '1e300'"),
    "time too long": ("execution_time: 20", "execution_time: 10000000000", r":13: .* more than 1000000 s; choose"),
    "time is true": ("execution_time: 20", "execution_time: true", r":13: execution_time is True"),
    "link to nowhere": ("  target: 2", "  target: 9", r":6: links node 9, which is not there"),
    "link from nowhere": ("source: 1", "source: 9", r":6: links node 9, which is not there"),
    "link without target": ("  target: 2\n", "", r":6: has no target"),
    "link twice": ("- source: 1\n  target: 2\n", "- source: 1\n  target: 2\n- source: 1\n  target: 2\n",
                   r":8: links node 1 to node 2 a second time"),
    "two sources": ("- source: 0\n  target: 1\n", "- source: 0\n  target: 2\n",
                    r": a DAG has one source, but nodes 0, 1 have no incoming links; generate it with "
                    r"`Number of source nodes` fixed at 1"),
    "two sinks": ("- source: 1\n  target: 2\n", "- source: 0\n  target: 2\n",
                  r": a DAG has one sink, but nodes 1, 2 have no outgoing"),
    "all in a circle": ("multigraph", "- source: 2\n  target: 0\nmultigraph",
                        r": a DAG has one source, but no node has no incoming links; the links go in a circle"),
    "circle": ("multigraph", "- source: 1\n  target: 1\nmultigraph", r": nodes 1, 2 wait for each other in a circle"),
    "no period": ("  period: 50\n", "", r":10: node 0 has no period; generate it with one, or give --period"),
    "no deadline": ("end_to_end_deadline: 40\n  ", "", r":15: node 2 has no end_to_end_deadline; .* --deadline"),
    "another period": ("  id: 1\n", "  id: 1\n  period: 7\n",
                       r":13: node 1 has a period, but is not the source; .*`Periodic type: Entry`"),
    "another deadline": ("  id: 1\n", "  id: 1\n  end_to_end_deadline: 7\n",
                         r":13: node 1 has a end_to_end_deadline, but is not the sink"),
}


def rdgen(root, *words):
    return subprocess.run([sys.executable, "tools/rdgen/rdgen", *map(str, words)], cwd=root, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


@pytest.mark.quick
@pytest.mark.parametrize("what", WRONG)
def test_wrong_files(root, tmp_path, what):
    old, new, says = WRONG[what]
    assert old in GOOD
    file = tmp_path / "dag.yaml"
    file.write_text(GOOD.replace(old, new, 1))
    result = rdgen(root, "-o", tmp_path / "dag.c", file)
    assert result.returncode == 1 and re.match(f"rdgen: {re.escape(str(file))}({says})", result.stdout), result.stdout
    assert result.stdout.count("\n") == 1 and "Traceback" not in result.stdout
    assert not (tmp_path / "dag.c").exists()


@pytest.mark.quick
def test_wrong_usage(root, tmp_path):
    missing = rdgen(root, "-o", tmp_path / "dag.c", tmp_path / "none.yaml")
    assert missing.returncode == 1 and "none.yaml: cannot be read: No such file" in missing.stdout
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"\xff\xfe\x00")
    assert "binary.yaml: " in rdgen(root, "-o", tmp_path / "dag.c", binary).stdout
    many = rdgen(root, "-o", tmp_path / "dag.c", *[FILES / "diamond.yaml"] * 17)
    assert many.returncode == 1 and "17 files, but at most 16" in many.stdout
    assert rdgen(root, "-o", tmp_path / "dag.c", "--policy", "best", FILES / "diamond.yaml").returncode == 2
    assert rdgen(root, "--help").returncode == 0


@pytest.mark.quick
def test_make_says_what_is_wrong(root, tmp_path):
    def make(*words):
        return subprocess.run(["make", "kernel", "BOARD=sim", *words], cwd=root, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)

    assert "there is no such file as none.yaml" in make("RDGEN=none.yaml").stdout
    both = make(f"RDGEN={FILES.relative_to(root)}/diamond.yaml", "APP=kernel/apps/main.c")
    assert both.returncode and "RDGEN= and APP= both replace" in both.stdout
    bad = tmp_path / "bad.yaml"
    bad.write_text(GOOD.replace("target: 2", "target: 9"))
    result = make(f"RDGEN={bad}")
    assert result.returncode and "bad.yaml:6: links node 9" in result.stdout


def test_what_is_not_simulated_is_said(root, tmp_path):
    said = rdgen(root, "-o", tmp_path / "dag.c", FILES / "diamond.yaml").stdout
    assert re.search(r"diamond.yaml: note: not simulated: communication_time$", said.strip())


def graph_of(file):
    data = yaml.safe_load(file.read_text())
    links = data.get("links", data.get("edges"))
    return data["nodes"], {(link["source"], link["target"]) for link in links}


def graphs_in(said):
    """{dag: ({number: (name, part, time, budget)}, {(from, to)})} of a trace's text."""
    graphs = {}
    for line in said.splitlines():
        values = dict(re.findall(r"(\w+) ?= ?\"?([^,\"}]*?)\"?(?=[, }]|$)", line))
        if " dag_node" in line:
            nodes, _ = graphs.setdefault(int(values["dag"]), ({}, set()))
            nodes[int(values["node"])] = (values["name"], values["part"], int(values["time_ns"]), int(values["budget_ns"]))
        elif " dag_edge" in line:
            graphs.setdefault(int(values["dag"]), ({}, set()))[1].add((int(values["from"]), int(values["to"])))
    return graphs


def build_and_run(kernels, root, board, files, flags, periods, folder):
    words = [f"BOARD={board}", "CC=clang", "RDGEN=" + " ".join(str(f.relative_to(root)) for f in files),
             f"RDGEN_FLAGS={flags}"]
    kernels.make("kernel", *words)
    kernels.trace_tool()
    image = "raspi" if board.startswith("raspi") else board
    elf = root / f"build/{image}-clang/app-{files[0].stem}/kernel.elf"
    return kernels.run(board, elf, "--append", f"periods={periods}", "--trace", folder)


@pytest.mark.quick
@pytest.mark.parametrize("policy", ["edf", "fifo:7", "rr:3"])
def test_what_runs_is_what_the_files_say(kernels, root, tmp_path, policy):
    files = [FILES / "diamond.yaml", FILES / "chain.yaml"]
    result = build_and_run(kernels, root, "sim", files, f"--unit us --period 150 --deadline 100 --policy {policy}", 8,
                           tmp_path / "trace")
    assert result.returncode == 0 and "dags: ok" in result.stdout, result.stdout
    for name in ("diamond_0", "chain_1"):
        assert re.search(rf"^{name} +8 +0 +0 ", result.stdout, re.M), result.stdout
    tool = kernels.trace_tool()
    subprocess.run([tool, "check", "--complete", tmp_path / "trace"], check=True, stdout=subprocess.PIPE)
    said = subprocess.run([tool, "print", tmp_path / "trace"], check=True, text=True, stdout=subprocess.PIPE).stdout
    graphs = graphs_in(said)
    assert len(graphs) == 2
    for file, (made, links) in zip(files, (graphs[number] for number in sorted(graphs))):
        nodes, wanted = graph_of(file)
        ids = {number: int(name[1:]) for number, (name, *_) in made.items()}
        assert {(ids[a], ids[b]) for a, b in links} == wanted
        assert sorted(ids.values()) == sorted(node["id"] for node in nodes)
        for number, (_, part, time_ns, budget_ns) in made.items():
            node = next(n for n in nodes if n["id"] == ids[number])
            assert budget_ns == round(node["execution_time"] * 1000)
            if part == "source":
                assert time_ns == node.get("period", 150) * 1000
            if part == "sink":
                assert time_ns == node.get("end_to_end_deadline", 100) * 1000
    for dag in graphs:
        assert len(re.findall(rf" dag_done.*\bdag ?= ?{dag}\b", said)) == 8


@pytest.mark.parametrize("board", ["pc", "virt", "raspi3", "raspi4"])
def test_it_runs_on_every_board(kernels, root, tmp_path, board):
    result = build_and_run(kernels, root, board, [FILES / "diamond.yaml"], "--unit us --skip", 5, tmp_path / "trace")
    assert result.returncode == 0 and "dags: ok" in result.stdout, result.stdout
    subprocess.run([kernels.trace_tool(), "check", tmp_path / "trace"], check=True, stdout=subprocess.PIPE)


def test_a_set_that_cannot_be_met_is_refused_or_run_all_the_same(kernels, root, tmp_path):
    """The longest way of the file takes longer than its deadline: each period must miss."""
    file = root / "build/rdgen/too_long.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(GOOD.replace("end_to_end_deadline: 40", "end_to_end_deadline: 30"))
    refused = build_and_run(kernels, root, "sim", [file], "--unit us", 5, tmp_path / "refused")
    assert refused.returncode == 1, refused.stdout
    assert "too_long_0: reactor n2: the budgets on the longest way to it exceed the deadline" in refused.stdout
    taken = build_and_run(kernels, root, "sim", [file], "--unit us --overload", 5, tmp_path / "taken")
    assert taken.returncode == 0 and re.search(r"^too_long_0 +5 +5 +0 ", taken.stdout, re.M), taken.stdout
