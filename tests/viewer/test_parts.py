"""The viewer's parts without a browser: level of detail, colours, damaged files, lost data."""

import re

import pytest

from conftest import ROOT, files_of, must, run
from viewer_reference import STATES, at


def test_pure_parts(bundle):
    result = run("node", "--test", "--test-reporter=tap", bundle("lod"))
    assert result.returncode == 0, result.stdout
    assert re.search(r"^# pass 29$", result.stdout, re.M), result.stdout[-400:]


@pytest.mark.parametrize("seed", [1, 2])
def test_damaged_files_never_stop_the_viewer(bundle, demo, seed):
    assert must("node", bundle("fuzz"), 400, *files_of(demo(seed))) == "400 rounds\n"


@pytest.mark.parametrize("length", range(2000, 2064, 8))
def test_a_cut_file_is_named_with_its_byte(dump, demo, tmp_path, length):
    for file in files_of(demo(1)):
        data = file.read_bytes()
        (tmp_path / file.name).write_bytes(data[:length] if file.name == "channel0_3" else data)
    seen = dump(*files_of(tmp_path))
    assert [(p["file"], p["byte"]) for p in seen["problems"]] == [("channel0_3", length)]
    assert re.search(r"cut inside a packet: \d+ bytes are missing", seen["problems"][0]["text"])


def test_lost_packets_are_unknown_never_idle(dump, tmp_path, invented):
    """A packet in the middle of one CPU's stream is taken away: from its begin to the next switch nothing is known."""
    folder = invented(4, cpus=4, steps=3000, packets=400)
    stream = (folder / "channel0_3").read_bytes()
    starts, position = [], 0
    while position < len(stream):
        starts.append(position)
        position += int.from_bytes(stream[position + 48:position + 56], "little") // 8
    assert len(starts) >= 6
    for file in files_of(folder):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "channel0_3").write_bytes(stream[:starts[3]] + stream[starts[4]:])
    number = lambda at: int.from_bytes(stream[at:at + 8], "little")
    gone = [number(starts[2] + 32), number(starts[4] + 24)]
    step = max(1, (gone[1] - gone[0]) // 97)
    whole, seen = dump(*files_of(folder)), dump(*files_of(tmp_path))
    assert [lost["cpu"] for lost in seen["lost"]] == [3]
    lane = next(c["steps"] for c in seen["cpus"] if c["cpu"] == 3)
    known = next(c["steps"] for c in whole["cpus"] if c["cpu"] == 3)
    for ns in range(gone[0] + 1, gone[1], step):
        assert at(lane, ns)[1] == 0xffffffff, f"CPU 3 at {ns} is {at(lane, ns)}"
    # Whatever is said of a task in that time is true; what is not sure is not said.
    true = {t["tid"]: t["steps"] for t in whole["tasks"]}
    for task in seen["tasks"][1:]:
        for ns in range(gone[0] + 1, gone[1], step):
            got = at(task["steps"], ns)[1]
            if got == STATES["running"]:
                assert at(true[task["tid"]], ns)[1] == got, f"{task['name']} at {ns}"
    assert any(at(known, ns)[1] for ns in range(gone[0] + 1, gone[1], step)), "nothing ran in the part that was taken"


def test_the_rings_oldest_events_are_missing(dump, invented):
    """Before the first event that a CPU still has, its lane is unknown."""
    seen = dump(*files_of(invented(4, cpus=4, steps=6000, packets=2)))
    first = {lost["cpu"]: lost["to"] for lost in seen["lost"]}
    assert first
    for cpu in seen["cpus"]:
        if cpu["cpu"] in first and first[cpu["cpu"]] > seen["t0"]:
            assert cpu["steps"][0][1] == 0xffffffff


def test_the_book_names_every_key_word_and_picture():
    """docs/viewer.md has each key of the help, each word of the filter, and exactly the pictures there are."""
    book = (ROOT / "docs/viewer.md").read_text()
    keys = re.findall(r'^\s*(?:\["[^"]+", "[^"]+"\],?\s*)+', (ROOT / "viewer/src/keys.ts").read_text(), re.M)
    named = {k for line in keys for pair in re.findall(r'\["([^"]+)", "', line) for k in pair.split()}
    assert len(named) > 20
    missing = {k for k in named if f"`{k}`" not in book and k not in ("←", "→", "↑", "↓", "Esc")}
    assert not missing, missing
    words = re.findall(r'case "(\w+)":', (ROOT / "viewer/src/filter.ts").read_text())
    assert len(words) >= 9
    assert all(re.search(rf"`{w}[=<>]", book) for w in words), words
    pictures = set(re.findall(r"images/viewer/(\w+\.png)", book))
    there = {p.name for p in (ROOT / "docs/images/viewer").iterdir()}
    assert pictures <= there and there - pictures <= {"light.png", "histogram.png", "violation.png"}
