"""Runs what somebody else wrote. Where the system has user namespaces, in a root of its own: no network,
no other process, no file but the compiler's and its own tree, which it may write only while it is
built. Everywhere: limits on CPU time, memory, files, processes and output, and whatever it started is
killed in the end."""

import itertools
import os
import resource
import selectors
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path

MIB = 1 << 20
NOBODY = 65534
OUTPUT_MAX = MIB
WRITTEN_MAX = 512 * MIB
PROCESSES_MAX = 64  # and threads, of one user; compilers and QEMU need a dozen
STATUS_LIMIT = 124
LIMIT_SIGNALS = {signal.SIGKILL, signal.SIGXCPU, signal.SIGXFSZ}

# $1: the folder that becomes the root, $2: the tree, $3: rw or ro, $4: what may be written, or "-", $5: who.
INSIDE = r"""
set -e
cd "$1"; tree=$2; mode=$3; out=$4; who=$5; shift 5
mount -t tmpfs -o size=64m,mode=755 none .
cd "$PWD"
mkdir -p usr proc dev tmp etc/alternatives
mount --rbind /usr usr
for d in bin sbin lib lib32 lib64; do
	if [ -L "/$d" ]; then cp -P "/$d" .; elif [ -d "/$d" ]; then mkdir "$d"; mount --rbind "/$d" "$d"; fi
done
if [ -d /etc/alternatives ]; then mount --bind /etc/alternatives etc/alternatives; fi
mount -t proc none proc
for d in null zero urandom; do : >"dev/$d"; mount --bind "/dev/$d" "dev/$d"; done
ln -s /proc/self/fd dev/fd
mount -t tmpfs -o size=256m none tmp
mkdir dev/shm; mount --bind tmp dev/shm
mkdir -p ".$tree"
mount --bind "$tree" ".$tree"
if [ "$mode" = ro ]; then
	mount -o remount,bind,ro ".$tree"
	if [ "$out" != - ]; then mount --bind "$out" ".$out"; fi
fi
set +e
user=
if [ "$who" != - ]; then user="--reuid=$who --regid=$who --clear-groups"; fi
chroot . /usr/bin/setpriv $user --bounding-set=-all --inh-caps=-all --securebits=+noroot,+noroot_locked --no-new-privs \
	/bin/sh -c 'cd "$0"; exec "$@"' "$tree" "$@"
exit $?
"""


def bytes_in(folder):
    """What the files below @folder take of the disk; they may come and go meanwhile."""
    total = 0
    for path, _, files in os.walk(folder):
        for name in files:
            try:
                total += os.lstat(os.path.join(path, name)).st_blocks * 512
            except OSError:
                pass
    return total


class Stopped(Exception):
    """What ran was ended because nobody wants to know any more."""


class Sandbox:
    """@folder is for empty roots. @strict: None finds out whether there are namespaces."""

    def __init__(self, folder, strict=None):
        self.folder = Path(folder).resolve()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.here, self.numbers = threading.local(), itertools.count()
        self.running, self.stopped = set(), False
        self.strict = strict
        if strict is None:
            self.strict = self.works()

    @property
    def user(self):
        """Who runs what was handed in: nobody's account, another one for each thread, since processes are counted by it;
        None: we are not root, and cannot choose."""
        if os.geteuid() != 0:
            return None
        if not hasattr(self.here, "user"):
            self.here.user = NOBODY - next(self.numbers)
        return self.here.user

    def works(self):
        self.strict = True
        probe = self.folder / "probe"
        probe.mkdir(exist_ok=True)
        self.give(probe)
        status, _ = self.run(["/bin/sh", "-c", "! touch x 2>/dev/null"], probe, stall_s=20, writes=False)
        return status == 0

    def give(self, folder):
        """The folder and what is in it become those of whoever runs inside."""
        if self.user is not None:
            for path, names, files in os.walk(folder):
                os.chown(path, self.user, self.user)
                for name in names + files:
                    os.chown(os.path.join(path, name), self.user, self.user, follow_symlinks=False)

    def limits(self, cpu_s, memory):
        def apply():
            os.setsid()
            for what, amount in ((resource.RLIMIT_CPU, cpu_s), (resource.RLIMIT_AS, memory), (resource.RLIMIT_CORE, 0),
                                 (resource.RLIMIT_FSIZE, 256 * MIB), (resource.RLIMIT_NOFILE, 256),
                                 (resource.RLIMIT_NPROC, PROCESSES_MAX)):
                hard = resource.getrlimit(what)[1]
                resource.setrlimit(what, (amount, amount if hard == resource.RLIM_INFINITY else min(hard, amount)))
        return apply

    def run(self, command, tree, stall_s, writes, out=None, cpu_s=20, memory=2048 * MIB):
        """(status, what it said). Killed by a limit, the status is STATUS_LIMIT."""
        command = [str(w) for w in command]
        if self.strict:
            root = Path(tempfile.mkdtemp(prefix="root-", dir=self.folder))
            rooted = [] if self.user is not None else ["--user", "--map-root-user"]
            command = ["unshare", *rooted, "--net", "--pid", "--mount", "--ipc", "--uts", "--fork",
                       "--kill-child", "--propagation", "private", "/bin/sh", "-c", INSIDE, "sandbox", str(root),
                       str(tree), "rw" if writes else "ro", str(out or "-"),
                       "-" if self.user is None else str(self.user), *command]
        environment = {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "HOME": "/tmp", "LC_ALL": "C.UTF-8", "TMPDIR": "/tmp"}
        try:
            process = subprocess.Popen(command, cwd="/" if self.strict else tree, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                       stderr=subprocess.STDOUT, env=environment, preexec_fn=self.limits(cpu_s, memory),
                                       **({"user": self.user, "group": self.user, "extra_groups": []} 
                                          if self.user is not None and not self.strict else {}))
            self.running.add(process)
            if self.stopped:
                self.kill(process)
            result = self.watch(process, stall_s, out)
            self.running.discard(process)
            if self.stopped:
                raise Stopped
            return result
        finally:
            if self.strict:
                root.rmdir()

    def stop(self):
        """Ends what runs, in all threads, and what is begun from now on."""
        self.stopped = True
        for process in list(self.running):
            self.kill(process)

    def watch(self, process, stall_s, out=None):
        """Reads until the end, a limit, or too much, said or written to the folder @out."""
        said, end, over = bytearray(), time.monotonic() + stall_s, False
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            while time.monotonic() < end and len(said) <= OUTPUT_MAX and not (out and bytes_in(out) > WRITTEN_MAX):
                if selector.select(timeout=min(1.0, max(0.0, end - time.monotonic()))):
                    data = os.read(process.stdout.fileno(), 65536)
                    if not data:
                        break
                    said += data
            else:
                over = True
        if not over:
            try:
                process.wait(timeout=max(0.1, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                over = True
        self.kill(process)
        status = process.wait()
        process.stdout.close()
        if len(said) > OUTPUT_MAX:
            said = said[:OUTPUT_MAX] + b"\nit said too much, and was stopped\n"
        limited = over or -status in LIMIT_SIGNALS or status - 128 in LIMIT_SIGNALS
        return (STATUS_LIMIT if limited else status), said.decode(errors="replace")

    @staticmethod
    def kill(process):
        """It and its process group; in a namespace of its own nothing of it outlives its first process."""
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            process.kill()
