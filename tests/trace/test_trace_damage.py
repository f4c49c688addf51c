"""Damaged traces: a clear message, an exit status of 0, 1 or 2, and what is intact is saved."""

import random
import re
import shutil
import subprocess
from collections import Counter

import pytest

from readers import by_babeltrace, by_fermata, by_trace_cmd
from rings import BASE, DESCRIPTOR_AT, HEADER

COMMANDS = [["check"], ["stats"], ["print"]]


def small(trace, **options):
    return trace(seed=9, cpus=2, tasks=2, steps=6, packet_bytes=1024, packets=8, **options)


def commands_survive(tool, folder, scratch):
    """Runs every reading command; the exit statuses."""
    statuses = [tool(*words, folder).returncode for words in COMMANDS]
    statuses.append(tool("perfetto", folder, scratch / "p").returncode)
    statuses.append(tool("tracedat", folder, scratch / "t").returncode)
    statuses.append(tool("repair", folder, scratch / "repaired").returncode)
    assert set(statuses) <= {0, 1, 2}, (statuses, folder)
    return statuses


def packets(data):
    """(offset, header) of the packets of an intact stream."""
    at = 0
    while at < len(data):
        head = HEADER.unpack_from(data, at)
        yield at, head
        at += head[6] // 8


def events_of(name_counts):
    return sum(name_counts.values())


def test_truncated_at_every_byte(tool, trace, tmp_path):
    folder = small(trace)
    data = (folder / "channel0_0").read_bytes()
    whole = by_fermata(tool, folder)
    seen = set()
    for size in range(len(data)):
        (folder / "channel0_0").write_bytes(data[:size])
        result = tool("check", folder)
        assert result.returncode in (0, 1), (size, result.stdout, result.stderr)
        boundary = size in {0} | {at for at, _ in packets(data)}
        assert boundary or "S1 at" in result.stdout, (size, result.stdout)
        # What is missing is unknown: it must not seem to break a rule of the scheduler.
        assert not re.search(r"^[RJ]\S* at", result.stdout, re.M), (size, result.stdout)
        seen.add(result.returncode)
    assert seen >= {1} and whole


def test_truncated_at_every_byte_with_sanitizers(sanitized, trace, tmp_path):
    folder = small(trace)
    data = (folder / "channel0_1").read_bytes()
    for size in range(0, len(data), 1 if len(data) < 1500 else 3):
        (folder / "channel0_1").write_bytes(data[:size])
        assert sanitized("check", folder).returncode in (0, 1), size
    for size in range(0, len(data), 97):
        (folder / "channel0_1").write_bytes(data[:size])
        commands_survive(sanitized, folder, tmp_path)


def test_metadata_truncated(sanitized, trace):
    folder = small(trace)
    text = (folder / "metadata").read_bytes()
    for size in range(0, len(text), 41):
        (folder / "metadata").write_bytes(text[:size])
        result = sanitized("check", folder)
        assert result.returncode in (0, 1) or (result.returncode == 2 and "metadata" in result.stderr)


@pytest.mark.parametrize("seed", range(60))
def test_flipped_bits_with_sanitizers(sanitized, trace, tmp_path, seed):
    rng = random.Random(seed)
    folder = trace(seed=seed, cpus=2, steps=40, packet_bytes=1024, packets=64)
    for file in ["channel0_0", "channel0_1", *(["metadata"] if seed % 10 == 0 else [])]:
        data = bytearray((folder / file).read_bytes())
        for _ in range(rng.choice([1, 2, 20])):
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        (folder / file).write_bytes(data)
    commands_survive(sanitized, folder, tmp_path)


@pytest.mark.parametrize("seed", range(20))
def test_garbage_with_sanitizers(sanitized, trace, tmp_path, seed):
    """Whole records of random bytes behind intact headers, and random memory for extract."""
    rng = random.Random(seed)
    folder = small(trace)
    data = bytearray((folder / "channel0_0").read_bytes())
    for at, head in packets(bytes(data)):
        for i in range(at + 80, at + head[6] // 8):
            if rng.random() < 0.2:
                data[i] = rng.randrange(256)
    (folder / "channel0_0").write_bytes(data)
    commands_survive(sanitized, folder, tmp_path)
    image = bytearray(trace.memory.image())
    for _ in range(200):
        image[rng.randrange(0x1000, len(image))] = rng.randrange(256)
    (tmp_path / "ram").write_bytes(image)
    result = sanitized("extract", "--ram", tmp_path / "ram", "--base", hex(BASE), "--descriptor",
                       hex(DESCRIPTOR_AT), tmp_path / "out")
    assert result.returncode in (0, 1, 2)
    if result.returncode < 2:
        commands_survive(sanitized, tmp_path / "out", tmp_path)
    log = bytearray(trace.memory.uart_log())
    for _ in range(50):
        log[rng.randrange(len(log))] = rng.randrange(256)
    (tmp_path / "log").write_bytes(log)
    assert sanitized("from-uart", tmp_path / "log", tmp_path / "uart").returncode in (0, 1, 2)


@pytest.mark.quick
@pytest.mark.parametrize("packet", [0, 3, 5])
def test_repair_saves_the_intact_packets(tool, trace, tmp_path, packet):
    folder = trace(seed=5, cpus=2, steps=300, packet_bytes=1024, packets=64)
    data = bytearray((folder / "channel0_1").read_bytes())
    rows = list(packets(bytes(data)))
    at = rows[packet][0]
    data[at : at + 4] = b"\0\0\0\0"
    (folder / "channel0_1").write_bytes(data)
    lost = events_in(bytes(data), at)
    whole = Counter(name for _, _, name, _ in trace.machine.events)
    out = tool("check", folder, status=1).stdout
    assert re.search(r"^S1 at", out, re.M) and not re.search(r"^[RJ]\S* at", out, re.M), out
    tool("repair", folder, tmp_path / "repaired", status=0)
    repaired = by_fermata(tool, tmp_path / "repaired", gaps=packet > 0)
    assert events_of(repaired) == events_of(whole) - lost
    out = tool("check", tmp_path / "repaired").stdout
    assert ("S4 at" in out) == (packet > 0) and not re.search(r"^([RJ]|S1|S2)\S* at", out, re.M), out
    report = by_trace_cmd(tool, tmp_path / "repaired", tmp_path / "t", gaps=packet > 0)
    report.pop("sched_waking")
    assert report == repaired


def events_in(data, at):
    end, n = at + HEADER.unpack_from(data, at)[6] // 8, 0
    at += 80
    while at < end:
        at += 8 * int.from_bytes(data[at + 6 : at + 8], "little")
        n += 1
    return n


@pytest.mark.quick
def test_repair_of_a_cut_off_file_is_read_by_others(tool, trace, tmp_path):
    folder = trace(seed=5, cpus=2, steps=300, packet_bytes=1024, packets=64)
    data = (folder / "channel0_0").read_bytes()
    (folder / "channel0_0").write_bytes(data[: len(data) * 2 // 3 + 5])
    result = tool("repair", folder, tmp_path / "repaired", status=0)
    assert "is cut off" in result.stdout
    ours = by_fermata(tool, tmp_path / "repaired", gaps=True)
    other = subprocess.run(["babeltrace2", "--no-delta", tmp_path / "repaired"], capture_output=True, text=True)
    assert other.returncode == 0
    assert Counter(re.findall(r"^\[[\d:.]+\] \S+ (\w+): \{", other.stdout, re.M)) == ours
    assert set(re.findall(r"WARNING: (.*?) between", other.stderr)) <= {"Tracer discarded 1 packet"}, other.stderr


@pytest.mark.quick
def test_record_of_unknown_event_is_S2(tool, trace):
    folder = small(trace)
    data = bytearray((folder / "channel0_0").read_bytes())
    data[80 + 4] = 200
    (folder / "channel0_0").write_bytes(data)
    assert "S2 at" in tool("check", folder, status=1).stdout


@pytest.mark.quick
def test_missing_packet_is_S4(tool, trace):
    folder = trace(seed=5, cpus=2, steps=300, packet_bytes=1024, packets=64)
    data = (folder / "channel0_1").read_bytes()
    rows = [at for at, _ in packets(data)]
    (folder / "channel0_1").write_bytes(data[: rows[2]] + data[rows[3] :])
    out = tool("check", folder, status=1).stdout
    assert "S4 at" in out and "packets 2 to 2 are missing" in out
    assert not re.search(r"^[RJ]\S* at", out, re.M), out


@pytest.mark.quick
def test_unusable_input_is_2_with_a_sentence(tool, trace, tmp_path):
    folder = small(trace)
    for file, content in [("metadata", b""), ("metadata", b"/* CTF 1.8 */")]:
        broken = tmp_path / f"broken{len(content)}"
        shutil.copytree(folder, broken)
        (broken / file).write_bytes(content)
        assert "not the metadata of a Fermata trace" in tool("check", broken, status=2).stderr
    (tmp_path / "empty").mkdir()
    assert "No such file" in tool("check", tmp_path / "empty", status=2).stderr
    shutil.copy(folder / "metadata", tmp_path / "empty")
    assert "no intact packet" in tool("check", tmp_path / "empty", status=2).stderr
    assert "usage:" in tool("check", status=2).stderr
    assert "no command" in tool("explode", status=2).stderr
    image = tmp_path / "ram"
    image.write_bytes(bytes(65536))
    err = tool("extract", "--ram", image, "--base", hex(BASE), "--descriptor", hex(DESCRIPTOR_AT), tmp_path / "o",
               status=2).stderr
    assert "no trace descriptor" in err
    assert "no memory at" in tool("extract", "--ram", image, "--base", hex(BASE), "--descriptor", "0x10",
                                  tmp_path / "o", status=2).stderr


@pytest.mark.quick
def test_output_that_cannot_be_written_is_2(tool, trace, tmp_path):
    folder = small(trace)
    for words in [["perfetto", folder, tmp_path / "no" / "x"], ["tracedat", folder, tmp_path / "no" / "x"],
                  ["cut", folder, tmp_path / "no" / "x"], ["repair", folder, folder]]:
        assert tool(*words, status=2).stderr.startswith("fermata-trace: ")


def test_extract_closes_open_packets_of_a_stopped_machine(tool, trace, tmp_path):
    """Memory as it is at any moment: all whole records are there, and nothing else."""
    folder = trace(seed=3, cpus=2, steps=60, packets=64)
    whole = by_fermata(tool, folder)
    assert events_of(whole) == len(trace.machine.events)
    assert by_babeltrace(folder) == whole
