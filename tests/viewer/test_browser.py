"""The page in Chromium: browser.mjs drives it, each of its tests is one here."""

import os
import re
import shutil
import subprocess

import pytest

from conftest import ROOT, STALL_S, must

SCRIPT = ROOT / "tests/viewer/browser.mjs"
NAMES = re.findall(r'^test\("([^"]+)"', SCRIPT.read_text(), re.M) + [
    f"{what}, {theme}" for theme in ("dark", "light")
    for what in ("no serious finding of axe", "the picture has every state it tells of")]
CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"

pytestmark = pytest.mark.xdist_group("viewer-browser")


def make_hostile(trace, folder):
    """The trace with names that would be markup if they were not text."""
    shutil.copytree(trace, folder)
    for file in folder.glob("channel*"):
        data = file.read_bytes()
        for name, evil in ((b"producer\0\0\0\0\0\0\0\0", b"<img src=x o=1/>"), (b"lidar\0\0\0\0\0\0\0\0\0\0\0", b"</script><b>x/b>")):
            data = data.replace(name, evil)
        file.write_bytes(data)
    meta = (folder / "metadata").read_text()
    (folder / "metadata").write_text(meta.replace('hostname = "sim"', 'hostname = "</script><script>owned=1</script>"'))


def without_a_packet(trace, folder):
    """The trace without the fourth packet of CPU 3."""
    shutil.copytree(trace, folder)
    data = (folder / "channel0_3").read_bytes()
    starts = [0]
    while starts[-1] < len(data):
        starts.append(starts[-1] + int.from_bytes(data[starts[-1] + 48:starts[-1] + 56], "little") // 8)
    (folder / "channel0_3").write_bytes(data[:starts[3]] + data[starts[4]:])
    return folder


@pytest.fixture(scope="module")
def results(page, demo, invented, kernels, tmp_path_factory):
    """What node's test runner said of each test: "" when it passed, else its output."""
    if not (ROOT / "viewer/node_modules/playwright-core").is_dir() or not os.access(CHROMIUM, os.X_OK):
        pytest.skip("chromium or playwright-core is not installed: tools/setup/setup all")
    folder = tmp_path_factory.mktemp("pages")
    trace = demo(1)
    kernels.elf("sim", app="tools/sim/recast.c")
    (folder / "shots").mkdir()
    shutil.copytree(trace, folder / "trace")
    shutil.copytree(demo(2), folder / "trace2")
    must(kernels.trace_tool(), "cut", "--to", "0.02", trace, folder / "trace-begin")
    shutil.copy(page, folder / "viewer.html")
    make_hostile(trace, folder / "hostile")
    must("viewer/pack", "embed", page, folder / "hostile", folder / "hostile.html", "name=<img src=x onerror=owned=1>")
    must("viewer/pack", "embed", page, invented(3, steps=400, bug="tail_on_preempt"), folder / "violated.html")
    must("viewer/pack", "embed", page, trace, folder / "demo.html", "name=sim seed 1")
    must("viewer/pack", "embed", page, trace, folder / "two.html", "name=sim seed 1", f"with={folder / 'trace2'}")
    must("viewer/pack", "embed", page, without_a_packet(invented(4, cpus=4, steps=3000, packets=400), folder / "lost"), folder / "lost.html")
    result = subprocess.run(["node", "--test", "--test-reporter=tap", str(SCRIPT)], cwd=ROOT, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=STALL_S,
                            env={**os.environ, "FERMATA_PAGES": str(folder), "FERMATA_CHROMIUM": CHROMIUM})
    shots = os.environ.get("FERMATA_SHOTS")
    if shots:
        for shot in (folder / "shots").iterdir():
            shutil.copy(shot, shots)
    told = {}
    for match in re.finditer(r"^(\s*)(not ok|ok) \d+ - (.*)\n((?:(?!\s*(?:not )?ok |# Sub).*\n)*)", result.stdout, re.M):
        told[match[3]] = "" if match[2] == "ok" else match[4]
    told[""] = result.stdout
    told["folder"] = folder
    return told


@pytest.mark.parametrize("name", NAMES)
def test_in_a_browser(results, name):
    assert name in results, results[""]
    assert results[name] == "", results[name]


def test_the_perfetto_export_is_that_of_fermata_trace(results, demo, tmp_path, kernels):
    """The same switches, wake-ups and decisions, as protoc decodes them."""
    here = results["folder"] / "trace.pftrace"
    must(kernels.trace_tool(), "perfetto", demo(1), tmp_path / "there.pftrace")
    told = []
    for file in (here, tmp_path / "there.pftrace"):
        out = subprocess.run(["protoc", "--proto_path=tests/trace", "--decode=Trace", "perfetto.proto"], cwd=ROOT,
                             input=file.read_bytes(), stdout=subprocess.PIPE, stderr=subprocess.PIPE).stdout.decode()
        assert not re.search(r"^\s*\d+(:| \{)", out, re.M), "a field that Perfetto does not have"
        events = re.findall(r"timestamp: (\d+)\s+pid: (-?\d+)\s+(?:common_flags: \d+\s+)?(sched_switch|sched_waking|irq_handler_entry|ipi_entry) \{([^}]*)\}", out)
        told.append(sorted((t, p, n, " ".join(body.split())) for t, p, n, body in events))
    assert told[0] and told[0] == told[1]
