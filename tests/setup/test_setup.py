"""tools/setup/setup on invented systems: what it installs, what it leaves alone, what it says."""

import os
import shutil
import subprocess

import pytest

pytestmark = pytest.mark.quick

UTILITIES = "sh sed awk grep tr dirname head cat tee env".split()
MIRROR = "http://mirror.invalid/debian"
DEB822 = f"""Types: deb
URIs: {MIRROR}
Suites: bookworm-security
Components: main

Types: deb deb-src
# where it all comes from
URIs: {MIRROR}
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /keys/archive.gpg
"""
DEB822_BACKPORTS = f"""Types: deb
URIs: {MIRROR}
Suites: bookworm-backports
Components: main
Signed-By: /keys/archive.gpg
"""


class System:
    """A PATH with only what is said to be installed, an /etc, and tools that note their calls."""

    def __init__(self, where, setup, release, packages):
        self.setup = setup
        self.bin = where / "bin"
        self.etc = where / "etc"
        self.log = where / "log"
        self.bin.mkdir()
        (self.etc / "apt/sources.list.d").mkdir(parents=True)
        (self.etc / "os-release").write_text(release)
        self.log.write_text("")
        for name in UTILITIES:
            (self.bin / name).symlink_to(shutil.which(name))
        self.program("id", "echo 0")
        self.proofs = dict(packages)
        self.program("apt-get", f'echo "apt-get $*" >>{self.log}\n'
                     'case $1 in install) ;; *) exit 0 ;; esac\n'
                     'for word; do case $word in\n' + "".join(
                         f"{package}) {self.installer(proof)} ;;\n" for package, proof in packages)
                     + "esac; done")

    def installer(self, proof):
        answer = "echo 'QEMU emulator version 10.0.2'" if proof.startswith("qemu") else ":"
        target = self.bin / proof
        return f'echo "#!/bin/sh" >{target}; echo "{answer}" >>{target}; /bin/chmod +x {target}'

    def program(self, name, text):
        path = self.bin / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)

    def has(self, *names, version="10.0.2"):
        for name in names:
            self.program(name, f"echo 'QEMU emulator version {version}'")

    def run(self):
        return subprocess.run([self.bin / "sh", self.setup, "run"], text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT,
                              env={"PATH": str(self.bin), "FERMATA_ETC": str(self.etc)})

    def installed(self):
        """The packages of the last apt-get install."""
        lines = [line for line in self.log.read_text().splitlines() if "apt-get install" in line]
        return {word for word in lines[-1].split() if word in self.proofs} if lines else set()


@pytest.fixture
def packages(root):
    rows = [line.split() for line in (root / "tools/setup/packages").read_text().splitlines()]
    return [(row[1], row[2]) for row in rows if row and row[0] == "run"]


@pytest.fixture
def system(tmp_path, root, packages):
    return lambda release: System(tmp_path, root / "tools/setup/setup", release, packages)


DEBIAN_12 = 'ID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\n'
DEBIAN_13 = 'ID=debian\nVERSION_ID="13"\nVERSION_CODENAME=trixie\n'
UBUNTU = 'ID=ubuntu\nVERSION_ID="24.04"\nVERSION_CODENAME=noble\n'


def test_does_nothing_when_all_is_there(system, packages):
    machine = system(UBUNTU)
    machine.has(*(proof for _, proof in packages))
    result = machine.run()
    assert (result.returncode, result.stdout, machine.log.read_text()) == (0, "", "")


def test_debian_13_installs_what_is_missing_and_says_so_first(system, packages):
    machine = system(DEBIAN_13)
    machine.has("make", "python3")
    result = machine.run()
    assert result.returncode == 0, result.stdout
    assert machine.installed() == {package for package, _ in packages} - {"make", "python3"}
    assert result.stdout.startswith("setup: about to install with apt-get: clang lld")
    assert not list((machine.etc / "apt/sources.list.d").iterdir())
    assert machine.run().stdout == ""


def test_debian_12_takes_qemu_from_backports_of_the_same_mirror(system):
    machine = system(DEBIAN_12)
    (machine.etc / "apt/sources.list.d/debian.sources").write_text(DEB822)
    result = machine.run()
    assert result.returncode == 0, result.stdout
    added = machine.etc / "apt/sources.list.d/fermata-backports.sources"
    assert added.read_text() == DEB822_BACKPORTS
    assert "preferences" in machine.log.read_text()

    added.unlink()
    (machine.etc / "apt/sources.list").write_text(f"deb {MIRROR} bookworm-backports main\n")
    (machine.bin / "qemu-system-x86_64").unlink()
    assert machine.run().returncode == 0
    assert not added.exists()


def test_debian_12_with_one_line_sources(system):
    machine = system(DEBIAN_12)
    (machine.etc / "apt/sources.list").write_text(
        f"deb [signed-by=/k] {MIRROR} bookworm main contrib\ndeb {MIRROR} bookworm-updates main\n")
    assert machine.run().returncode == 0
    added = machine.etc / "apt/sources.list.d/fermata-backports.list"
    assert added.read_text() == f"deb [signed-by=/k] {MIRROR} bookworm-backports main\n"


def test_an_old_qemu_is_replaced(system, packages):
    machine = system(DEBIAN_12)
    (machine.etc / "apt/sources.list").write_text(f"deb {MIRROR} bookworm main\n")
    machine.has(*(proof for _, proof in packages))
    machine.has("qemu-system-aarch64", "qemu-system-x86_64", version="7.2.17 (Debian 1:7.2)")
    assert machine.run().returncode == 0
    assert machine.installed() == {"qemu-system-x86", "qemu-system-arm"}


@pytest.mark.parametrize("release, user, reason", [
    (UBUNTU, 0, "this system is not Debian 12 or later"),
    ("", 0, "this system is not Debian 12 or later"),
    (DEBIAN_13, 1000, "installing needs root, and sudo is not there"),
    (DEBIAN_12, 0, "no source of bookworm was found"),
])
def test_elsewhere_it_says_what_to_do(system, release, user, reason):
    machine = system(release)
    machine.program("id", f"echo {user}")
    result = machine.run()
    assert result.returncode == 1
    assert reason in result.stdout
    assert "podman build" in result.stdout and "brew install" in result.stdout
    assert machine.installed() == set()


def test_a_user_with_sudo(system, packages):
    machine = system(DEBIAN_13)
    machine.program("id", "echo 1000")
    machine.program("sudo", f'echo "sudo $*" >>{machine.log}\nexec "$@"')
    assert machine.run().returncode == 0
    assert machine.installed() == {package for package, _ in packages}
    calls = machine.log.read_text().splitlines()
    assert [call.startswith("sudo") for call in calls] == [True, False] * (len(calls) // 2)


def test_without_a_network_one_clear_line(system):
    machine = system(DEBIAN_13)
    machine.program("apt-get", "exit 100")
    result = machine.run()
    assert result.returncode == 1
    assert "apt-get update failed; is there a network?" in result.stdout


def test_an_installation_that_did_not_help_is_reported(system):
    machine = system(DEBIAN_13)
    machine.program("apt-get", "exit 0")
    result = machine.run()
    assert result.returncode == 1
    assert "still missing after the installation: make clang" in result.stdout


def test_the_container_gets_all_that_setup_reads(root):
    copied = (root / "tools/setup/Containerfile").read_text().split("COPY ")[1].split(" /setup/")[0]
    assert set(copied.split()) == {"setup", "packages", "preferences"}
    assert os.access(root / "tools/setup/setup", os.X_OK)
