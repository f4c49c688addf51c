"""The page in Chromium: browser.mjs drives it, each of its tests is one here."""

import os
import re
import shutil
import subprocess

import pytest

from conftest import ROOT, STALL_S, must

SCRIPT = ROOT / "tests/viewer/browser.mjs"
NAMES = re.findall(r'^test\("([^"]+)"', SCRIPT.read_text(), re.M) + [
    f"no serious finding of axe, {theme}" for theme in ("dark", "light")]
CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"

pytestmark = pytest.mark.xdist_group("viewer-browser")


@pytest.fixture(scope="module")
def results(page, demo, tmp_path_factory):
    """What node's test runner said of each test: "" when it passed, else its output."""
    if not (ROOT / "viewer/node_modules/playwright-core").is_dir() or not os.access(CHROMIUM, os.X_OK):
        pytest.skip("chromium or playwright-core is not installed: tools/setup/setup all")
    folder = tmp_path_factory.mktemp("pages")
    trace = demo(1)
    (folder / "shots").mkdir()
    shutil.copytree(trace, folder / "trace")
    shutil.copy(page, folder / "viewer.html")
    must("viewer/pack", "embed", page, trace, folder / "demo.html", "name=sim seed 1")
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
    return told


@pytest.mark.parametrize("name", NAMES)
def test_in_a_browser(results, name):
    assert name in results, results[""]
    assert results[name] == "", results[name]
