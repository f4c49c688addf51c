"""Scenario files: TOML that describes tasks; scenario.c carries them out on any board.

  cpus = 2                 # 1 to 64
  duration_ms = 20         # jobs are released for so long
  strategy = "time"        # the simulator's; --strategy goes before it
  seed = 1                 # of the execution times; --seed goes before it
  faults = { hint-lost = 100, fail_alloc = 3 }
                           # the simulator's: a kind strikes one time in so many (--fault goes before it);
                           # and the third allocation of the boot fails

  [[task]]
  name = "control"         # up to 15 letters, digits, - and _
  policy = "edf"           # fifo, rr, edf, cedf, fair, mlfq, lottery, stride
  period_us = 1000         # between releases; without: one job
  phase_us = 0             # of the first release
  work_us = [200, 300]     # CPU time of a job: a number, or least and most, drawn for each
  deadline_us = 800        # edf, cedf: the default is the period. Others: what counts as late
  level = 3                # fifo, rr: 0 to 31
  share = 100              # fair, lottery, stride
  quantum_us = 1000        # rr, fair, mlfq, lottery, stride
  on = [0, 1]              # the CPUs that it may use; without: all. cedf: its cluster
  copies = 3               # makes control-1, control-2 and control-3
  admit = true             # edf: only if all will meet their deadlines
  server = { budget_us = 300, period_us = 1000, hard = true }
"""

import re
import tomllib
from pathlib import Path

from wrong import Wrong

APP = "tools/sim/scenario.c"
CMDLINE_MAX = 8000
POLICIES = ["fifo", "rr", "edf", "cedf", "fair", "mlfq", "lottery", "stride"]
QUANTUM = {"rr": 4000, "fair": 4000, "mlfq": 4000, "lottery": 4000, "stride": 4000}
SHARE = {"fair": 100, "lottery": 100, "stride": 100}
US_MAX = 10**12
TOP = {"cpus": (1, 64), "duration_ms": (1, 10**6), "seed": (0, 2**64 - 1), "strategy": None, "faults": None, "task": None}
FAULTS = ("hint-lost hint-doubled hint-late hint-spurious timer-late cpu-stall timer-doubled timer-spurious clock-step clock-skew "
          "bit-flip register-flip").split()  # sim/fault.c has them; those of devices are not for scenarios
STRATEGIES = "time random every pct bounded".split()
FAULT_MAX = 2**63 - 1
TASK = {"period_us": (1, US_MAX), "phase_us": (0, US_MAX), "deadline_us": (1, US_MAX), "level": (0, 31),
        "share": (1, 10000), "quantum_us": (50, 10**7), "copies": (1, 64)}
TASK_OTHER = ("name", "policy", "work_us", "on", "admit", "server")
SERVER = {"budget_us": (50, 10**9), "period_us": (50, 10**9), "hard": None}


class Scenario:
    def __init__(self, path):
        self.path = path
        try:
            self.text = Path(path).read_text()
            self.data = tomllib.loads(self.text)
        except OSError as error:
            raise Wrong(f"{path}: {error.strerror}") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            line = re.search(r"at line (\d+)", str(error))
            raise Wrong(f"{path}:{line[1] if line else 1}: {error}") from None
        self.tasks = []  # (number of its [[task]], word for the command line)
        self.check()

    def line(self, task, key):
        """Where key stands, or its task begins."""
        number, at = -1, 1
        for n, line in enumerate(self.text.splitlines(), 1):
            if re.match(r"\s*\[\[\s*task\s*\]\]", line):
                number += 1
                at = n if number == task else at
            if key and number == task and re.match(rf"\s*{re.escape(key)}\s*=", line):
                return n
        return at

    def wrong(self, task, key, what):
        raise Wrong(f"{self.path}:{self.line(-1 if task is None else task, key)}: {what}")

    def number(self, task, table, key, limits):
        value = table[key]
        if type(value) is not int or not limits[0] <= value <= limits[1]:
            self.wrong(task, key, f"{key} is {value!r}, not a number from {limits[0]} to {limits[1]}")
        return value

    def known(self, task, table, names, where):
        for key in table:
            if key not in names:
                self.wrong(task, key, f"{where} has no {key}; it may have {', '.join(names)}")

    def check(self):
        self.known(None, self.data, TOP, "a scenario")
        for key in ("cpus", "duration_ms"):
            if key not in self.data:
                self.wrong(None, None, f"there is no {key}")
        for key, limits in TOP.items():
            if limits and key in self.data:
                self.number(None, self.data, key, limits)
        if self.data.get("strategy", "time") not in STRATEGIES:
            self.wrong(None, "strategy", f"strategy is {self.data['strategy']!r}, not one of {', '.join(STRATEGIES)}")
        self.faults = [f"{kind}={n}" for kind, n in self.check_faults()]
        if not isinstance(self.data.get("task"), list) or not self.data["task"]:
            self.wrong(None, None, "there is no [[task]]")
        names = {}
        for number, task in enumerate(self.data["task"]):
            for name, word in self.task_words(number, task):
                if name in names:
                    self.wrong(number, "name", f"there are two tasks {name}")
                names[name] = number
                self.tasks.append((number, word))
        if len(self.cmdline(0)) > CMDLINE_MAX or len(self.tasks) > 64:
            self.wrong(None, None, f"{len(self.tasks)} tasks are too many; 64 at most, and {CMDLINE_MAX} characters of them")

    def check_faults(self):
        """(kind, one in how many); what the kernel does itself is in its command line."""
        faults = self.data.get("faults", {})
        if not isinstance(faults, dict):
            self.wrong(None, "faults", "faults is not { KIND = N, ... }")
        for kind in faults:
            if kind not in (*FAULTS, "fail_alloc"):
                self.wrong(None, self.key_of(kind), f"faults have no {kind}; there are {', '.join(FAULTS)}, and fail_alloc")
            if type(faults[kind]) is not int or not 1 <= faults[kind] <= FAULT_MAX:
                self.wrong(None, self.key_of(kind), f"{kind} is {faults[kind]!r}, not a number from 1 on")
            if kind != "fail_alloc":
                yield kind, faults[kind]

    def key_of(self, kind):
        """Of a table on lines of its own the key, else the table's."""
        return kind if re.search(rf"^\s*{re.escape(kind)}\s*=", self.text, re.M) else "faults"

    def task_words(self, n, task):
        self.known(n, task, [*TASK, *TASK_OTHER], "a task")
        name, policy = task.get("name", f"task{n + 1}"), task.get("policy")
        if not isinstance(name, str) or not re.fullmatch(r"[\w-]{1,15}", name):
            self.wrong(n, "name", f"name is {name!r}, not 1 to 15 letters, digits, - and _")
        if policy not in POLICIES:
            self.wrong(n, "policy", f"policy is {policy!r}, not one of {', '.join(POLICIES)}")
        values = {key: self.number(n, task, key, limits) for key, limits in TASK.items() if key in task}
        copies = values.pop("copies", 1)
        values.update(self.work(n, task))
        if policy in ("edf", "cedf") and "deadline_us" not in values:
            if "period_us" not in values:
                self.wrong(n, None, f"{policy} wants deadline_us or period_us")
            values["deadline_us"] = values["period_us"]
        for key, defaults in (("quantum_us", QUANTUM), ("share", SHARE)):
            if policy in defaults:
                values.setdefault(key, defaults[policy])
        values.update(self.place(n, task))
        values.update(self.server(n, task))
        fields = ",".join(f"{key}={value}" for key, value in values.items())
        for copy in range(copies):
            own = name if copies == 1 else f"{name}-{copy + 1}"
            yield own, f"task={own},{policy},{fields}"

    def work(self, n, task):
        work = task.get("work_us")
        pair = [work, work] if type(work) is int else work
        if not isinstance(pair, list) or len(pair) != 2 or any(type(x) is not int or not 0 <= x <= US_MAX for x in pair) \
                or pair[0] > pair[1]:
            self.wrong(n, "work_us", f"work_us is {work!r}, not a number, or two of which the first is not more")
        return {"work_us": pair[0], **({"work_max_us": pair[1]} if pair[1] > pair[0] else {})}

    def place(self, n, task):
        result = {}
        if "on" in task:
            on = task["on"]
            if not isinstance(on, list) or not on or any(type(c) is not int or not 0 <= c < self.data["cpus"] for c in on):
                self.wrong(n, "on", f"on is {on!r}, not a list of CPUs from 0 to {self.data['cpus'] - 1}")
            result["cpus"] = sum(1 << c for c in set(on))
        if "admit" in task:
            if type(task["admit"]) is not bool:
                self.wrong(n, "admit", f"admit is {task['admit']!r}, not true or false")
            result["admit"] = int(task["admit"])
        return result

    def server(self, n, task):
        server = task.get("server")
        if server is None:
            return {}
        if not isinstance(server, dict):
            self.wrong(n, "server", "server is not { budget_us = ..., period_us = ... }")
        self.known(n, server, SERVER, "a server")
        for key in ("budget_us", "period_us"):
            if key not in server:
                self.wrong(n, "server", f"the server has no {key}")
        hard = server.get("hard", False)
        if type(hard) is not bool:
            self.wrong(n, "server", f"hard is {hard!r}, not true or false")
        return {"budget_us": self.number(n, server, "budget_us", SERVER["budget_us"]),
                "server_period_us": self.number(n, server, "period_us", SERVER["period_us"]), "hard": int(hard)}

    def cmdline(self, seed):
        fails = self.data.get("faults", {}).get("fail_alloc")
        words = [f"scene={self.data['duration_ms'] * 1000},{seed}", *(word for _, word in self.tasks)]
        return " ".join([*words, *([f"fail_alloc={fails}"] if fails else [])])

    def refusal(self, output):
        """What the kernel refused, as file, line and its words; None when it did not."""
        found = re.search(r"(?:^task_spawn: (.*)\n)?^scenario: task (\d+): (.*)$", output, re.M)
        if not found:
            return None
        number = self.tasks[int(found[2]) - 1][0]
        return f"{self.path}:{self.line(number, None)}: the kernel refuses it: {found[1] or found[3]}"


ROW = re.compile(r"^task (\S+) jobs (\d+) late (\d+) response_ns (\d+) (\d+) (\d+) preemptions (\d+) cpu_ns (\d+)$", re.M)


def results(output):
    """What the runner says of each task."""
    names = ["jobs", "late", "response_min_ns", "response_mean_ns", "response_max_ns", "preemptions", "cpu_ns"]
    return [{"name": row[0], **dict(zip(names, map(int, row[1:])))} for row in ROW.findall(output)]
