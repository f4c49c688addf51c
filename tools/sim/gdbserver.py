"""GDB's remote protocol (GDB manual, appendix E) over a connected socket: what it asks of a run (debug.py).
CPUs and tasks (tasks.py) are its threads: CPU i is i + 1, task i is FIRST + i. One that runs is also its CPU."""

import select
from xml.sax.saxutils import escape, quoteattr

from tasks import FIRST

GDB_REGISTERS = "rax rbx rcx rdx rsi rdi rbp rsp r8 r9 r10 r11 r12 r13 r14 r15 rip".split()
GDB_REGISTERS_SHORT = "eflags cs ss ds es fs gs".split()


def told(known):
    """Registers for GDB, which shows as unavailable what is not known."""
    sizes = [*((r, 8) for r in GDB_REGISTERS), *((r, 4) for r in GDB_REGISTERS_SHORT)]
    return "".join((known[r] % 256**n).to_bytes(n, "little").hex() if r in known else 2 * n * "x" for r, n in sizes)


class Server:

    def __init__(self, machine, connection, tasks):
        self.m, self.s, self.tasks = machine, connection, tasks
        self.pending = b""
        self.ack = True
        self.selected = self.stepped = 0  # threads

    def send(self, text):
        data = text.encode("latin1")
        self.s.sendall(b"$" + data + b"#%02x" % (sum(data) & 255))

    def packet(self):
        while True:
            start = self.pending.find(b"$")
            end = self.pending.find(b"#", start)
            if start >= 0 and 0 <= end <= len(self.pending) - 3:
                data, self.pending = self.pending[start + 1:end], self.pending[end + 3:]
                if self.ack:
                    self.s.sendall(b"+")
                return data.decode("latin1")
            more = self.s.recv(65536)
            if not more:
                return None
            self.pending += more

    def interrupted(self):
        if select.select([self.s], [], [], 0)[0]:
            self.pending += self.s.recv(65536)
        stop = b"\x03" in self.pending
        self.pending = self.pending.replace(b"\x03", b"")
        return stop

    def stopped(self, why):
        m = self.m
        if why == "exit":
            return f"W{m.exited & 255:02x}"
        extra = {"begin": "replaylog:begin;", "end": "replaylog:end;"}.get(why, "")
        if why == "watch":
            extra = f"watch:{m.watched:x};"
        self.selected = self.stepped if self.stepped >= FIRST and self.is_here(self.stepped) else m.cpu() + 1
        return f"T{2 if why == 'interrupt' else 5:02x}{extra}thread:{self.selected:x};"

    def is_here(self, thread):
        """Whether it is what the machine executes."""
        task = self.tasks.all().get(thread)
        return task.cpu == self.m.cpu() if task else thread == self.m.cpu() + 1

    def threads(self):
        return [*(i + 1 for i in self.m.threads()), *self.tasks.all()]

    def described(self, thread):
        task = self.tasks.all().get(thread)
        if task:
            return self.tasks.describe(task)
        on = self.tasks.on_cpu(thread - 1)
        return f"CPU {thread - 1}" + (f": {on.name}" if on else "")

    def thread_list(self, text):
        """qXfer: a part of the list as XML."""
        rows = []
        for thread in self.threads():
            task = self.tasks.all().get(thread)
            name = f" name={quoteattr(task.name)}" if task else ""
            core = task.cpu if task else thread - 1
            core = f' core="{core}"' if core is not None else ""
            rows.append(f'<thread id="{thread:x}"{core}{name}>{escape(self.described(thread))}</thread>')
        offset, length = (int(n, 16) for n in text.split(":")[-1].split(","))
        data = f'<?xml version="1.0"?><threads>{"".join(rows)}</threads>'
        return ("m" if offset + length < len(data) else "l") + data[offset:offset + length]

    def known(self, thread):
        return self.tasks.registers(thread) if thread >= FIRST else self.m.registers_of(thread - 1)

    def serve(self):
        while (text := self.packet()) is not None:
            if text == "k" or text.startswith(("vKill", "D")):
                if not text.startswith("k"):
                    self.send("OK")
                return
            self.send(self.answer(text))
            if text == "QStartNoAckMode":
                self.ack = False

    def answer(self, text):
        if text.startswith(("c", "s", "vCont;", "bs", "bc", "qRcmd")):
            self.tasks.forget()
        m = self.m
        for prefix, handler in (("qSupported", lambda t: "PacketSize=4000;ReverseStep+;ReverseContinue+;QStartNoAckMode+;vContSupported+;qXfer:threads:read+"),
                                ("QStartNoAckMode", lambda t: "OK"), ("qAttached", lambda t: "1"),
                                ("qC", lambda t: f"QC{m.cpu() + 1:x}"), ("qfThreadInfo", lambda t: "m" + ",".join(f"{i:x}" for i in self.threads())),
                                ("qsThreadInfo", lambda t: "l"), ("qThreadExtraInfo", lambda t: self.described(int(t.split(",")[1], 16)).encode().hex()),
                                ("qXfer:threads:read::", self.thread_list),
                                ("qRcmd,", self.monitor), ("vCont?", lambda t: "vCont;c;C;s;S"), ("vCont;", lambda t: self.resume(t[6:])),
                                ("?", lambda t: self.stopped("break")), ("H", self.select),
                                ("T", lambda t: "OK" if int(t[1:], 16) in self.threads() else "E01"),
                                ("g", lambda t: told(self.known(self.selected))), ("m", self.memory), ("Z", self.stop_at), ("z", self.stop_at),
                                ("bs", lambda t: self.back()), ("bc", lambda t: self.stopped(m.backward())),
                                ("c", self.resume), ("s", self.resume)):
            if text.startswith(prefix):
                return handler(text)
        return "E01" if text[0] in "GPMX" else ""

    def resume(self, how):
        """c, s, or what vCont has, of which the first action counts: s:3eb;c"""
        if self.m.exited is not None:
            return f"W{self.m.exited & 255:02x}"
        action, _, thread = how.split(";")[0].partition(":")
        if action[0] not in "sS":
            self.stepped = 0
            return self.stopped(self.m.forward(self.interrupted))
        self.stepped = int(thread, 16) if thread else self.stepped
        why = None if self.is_here(self.stepped) or self.stepped not in self.threads() else self.come_to(self.stepped)
        return self.stopped(why or self.m.step_forward())

    def come_to(self, thread):
        """Lets the others run until this thread goes on from where it is. None: it does; else what came before."""
        m, goal, between = self.m, self.known(thread), self.tasks.is_between(thread)
        own = goal["rip"] not in m.breakpoints
        m.breakpoints.add(goal["rip"])
        try:
            while True:
                self.tasks.forget()
                why = m.forward(self.interrupted)
                if why != "break":
                    return why
                pc, sp = m.place()[1:]
                self.tasks.forget()
                if pc == goal["rip"] and self.is_here(thread) and (between or sp == goal["rsp"]):
                    return None if m.to_kernel() else "end"
                if pc != goal["rip"] or not own:
                    return why
        finally:
            if own:
                m.breakpoints.discard(goal["rip"])

    def back(self):
        return self.stopped("break" if self.m.step_back() else "begin")

    def select(self, text):
        thread = int(text[2:], 16) if text[2:] not in ("-1", "0", "") else 0
        if thread and thread not in self.threads():
            return "E01"
        if text[1] == "g":
            self.selected = thread or self.m.cpu() + 1
        else:
            self.stepped = thread
        return "OK"

    def memory(self, text):
        at, n = (int(x, 16) for x in text[1:].split(","))
        return self.tasks.process(self.selected).read(at, n).hex() or "E14"

    def stop_at(self, text):
        kind, at, size = text[1:].split(",")[:3]
        at, size = int(at, 16), int(size.split(";")[0], 16)
        if kind in "01":
            (self.m.breakpoints.add if text[0] == "Z" else self.m.breakpoints.discard)(at)
            return "OK"
        if size not in (1, 2, 4, 8) or (text[0] == "Z" and len(self.m.watches) == 4):
            return "E22"
        if text[0] == "Z":
            self.m.watches[at, size] = 1 if kind == "2" else 3
        else:
            self.m.watches.pop((at, size), None)
        return "OK"

    def monitor(self, text):
        words = bytes.fromhex(text.split(",")[1]).decode().split()
        if words[:1] == ["event"] and len(words) == 2 and words[1].isdecimal():
            self.m.land(max(int(words[1]), self.m.first[0] + 1))
            words = ["event"]
        said = f"event {self.m.events()}\n" if words == ["event"] else "monitor event [NUMBER]: where the run is, or go there\n"
        return said.encode().hex()
