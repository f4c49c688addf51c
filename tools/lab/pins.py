"""Questions that a trace answers. The set of tasks follows from the name of who asks, so that each
student has other answers; they are found again by running the same program."""

import collections
import hashlib
import json
import os
import re
import subprocess
import tomllib
from pathlib import Path

import checks
from spec import Check, Wrong


def path(root, lab):
    return Path(root) / lab.folder / "answers.toml"


def name_here(root):
    said = subprocess.run(["git", "config", "user.name"], cwd=root, capture_output=True, text=True).stdout.strip()
    return said or os.environ.get("USER", "") or "nobody"


def read(root, lab):
    """{"name": who, "pins": {"1": answer}}."""
    file = path(root, lab)
    if not file.exists():
        return {"name": name_here(root), "pins": {}}
    try:
        data = tomllib.loads(file.read_text())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Wrong(f"{lab.folder}/answers.toml: {error}") from None
    given = data.get("pins", {})
    return {"name": str(data.get("name", "nobody")),
            "pins": {str(k): str(v) for k, v in given.items()} if isinstance(given, dict) else {}}


def write(root, lab, data):
    lines = ["# Who hands in, and what the viewer told. The name decides which set of tasks is yours.",
             f"name = {json.dumps(data['name'])}", "", "[pins]"]
    lines += [f"{n} = {json.dumps(a)}" for n, a in sorted(data.get("pins", {}).items())]
    path(root, lab).write_text("\n".join(lines) + "\n")


def seed_of(name):
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big") % 9000 + 1000


def as_check(pin):
    return Check(f"pin-{pin.answer}", 2, 0, "", 0, pin.program, cpus=(pin.cpus,), words=pin.words, judged=False)


def trace_of(bench, pin, name):
    """The trace of the program that @pin asks about, for @name."""
    check = as_check(pin)
    built, said = bench.build(check)
    if not built:
        raise Wrong("the pins' program does not build:\n" + "\n".join(checks.compiler_errors(said)))
    run = bench.once(check, built, pin.cpus, seed_of(name))
    if not run.trace or not (run.trace / "metadata").exists() or run.status == checks.TODO_STATUS:
        missing = re.search(r"^lab \d\d: \w+ is yours", run.said, re.M)
        raise Wrong("the pins ask about a run to its end, and there is none yet: " + (
            missing[0] if missing else f"the program says:\n{run.said}"))
    return run


def events(bench, trace):
    """(seconds, name, {field: text}) of each event; a task's field has its name as well."""
    said = subprocess.run([str(bench.tools_in / checks.TRACE_TOOL), "print", str(trace)], text=True, errors="replace",
                          stdout=subprocess.PIPE).stdout
    for line in said.splitlines():
        if head := re.match(r"\[([\d.]+)\] CPU \d+ (\w+): \{ (.*) \}", line):
            fields = dict(re.findall(r'(\w+) = ("[^"]*"|[^,\[]+)', head[3]))
            yield float(head[1]), head[2], fields


def task(text):
    """The name in a field such as 7 (worker)."""
    found = re.search(r"\((.*)\)", text)
    return found[1] if found else text


def first_miss(found):
    for _, name, fields in found:
        if name == "sched_miss":
            return f"{task(fields['tid'])} {fields['job'].strip()}"
    return "none"


def times_preempted(found):
    return str(sum(name == "sched_switch" and fields["why"].strip() == "preempted" and task(fields["prev_tid"]) == "b"
                   for _, name, fields in found))


def latest(found):
    late = [(int(fields["late_ns"]), f"{task(fields['tid'])} {fields['job'].strip()}") for _, name, fields in found
            if name == "sched_miss"]
    return max(late, default=(0, "none"))[1]


def noted_first(found):
    for _, name, fields in found:
        if name == "sched_wakeup" and fields["result"].strip() == "noted":
            return task(fields["tid"])
    return "none"


def most_polled(found):
    count = collections.Counter(task(fields["tid"]) for _, name, fields in found if name == "async_poll_begin")
    count = {n: c for n, c in count.items() if n not in ("init", "tests")}
    return min(count, key=lambda n: (-count[n], n)) if count else "none"


def ends_first(found):
    for _, name, fields in found:
        if name == "sched_process_exit" and task(fields["tid"]) not in ("init", "tests"):
            return task(fields["tid"])
    return "none"


def ends_last(found):
    ends = [task(fields["tid"]) for _, name, fields in found if name == "sched_process_exit"]
    return ([n for n in ends if n not in ("init", "tests")] or ["none"])[-1]


def frozen_stacks(found):
    return str(len({fields["from_worker"].strip() for _, name, fields in found
                    if name == "worker_switch" and task(fields["frozen_tid"]) not in ("idle", "init", "tests")}))


def struck_task(found):
    """Timer interrupts from a burn's begin to its end: those that struck a task."""
    return str(sum(name == "irq_handler_entry" and fields["irq"].strip() == "-1" and fields["from"].strip() == "task"
                   for _, name, fields in found))


def timers_fired(found):
    return str(sum(name == "timer_expire" for _, name, fields in found))


def quanta_of_bert(found):
    return str(sum(name == "sched_switch" and fields["why"].strip() == "quantum" and task(fields["prev_tid"]) == "bert"
                   for _, name, fields in found))


def polls_of_reader(found):
    return str(sum(name == "async_poll_begin" and task(fields["tid"]) == "reader" for _, name, fields in found))


ANSWERS = {answer.__name__.replace("_", "-"): answer for answer in (
    ends_first, ends_last, first_miss, frozen_stacks, latest, most_polled, noted_first, polls_of_reader,
    quanta_of_bert, struck_task, timers_fired, times_preempted)}


def answers(bench, lab, name):
    """The right answers for @name, by the kernel that @bench builds."""
    right = []
    for pin in lab.pins:
        run = trace_of(bench, pin, name)
        right.append(ANSWERS[pin.answer](list(events(bench, run.trace))))
    return right


def same(a, b):
    return a.lower().split() == b.lower().split()


def show(root, lab, data):
    """The questions, with the pages on which to look."""
    import commands
    bench = checks.Bench(root, lab)
    print(f"For {data['name']}: the tasks follow from the name, which `name =` in {lab.folder}/answers.toml changes.\n"
          "Answer when the checks pass: it is the right kernel's run that counts.\n")
    if (Path(root) / ".lab/base").exists():  # who changes git's name later keeps his tasks
        write(root, lab, data)
    for number, pin in enumerate(lab.pins, 1):
        print(f"{number}. {pin.question}\n   Answer: tools/lab/lab pin {lab.id} {number} {pin.form}")
        given = data["pins"].get(str(number))
        if given:
            print(f"   Yours: {given}")
        run = trace_of(bench, pin, data["name"])
        page = bench.folder / f"pin{number}.html"
        commands.show(bench, run.trace, page, f"lab {lab.id}, pin {number}, {data['name']}", checks.quoted(run.command))
        print(f"   Look:  file://{page}\n")
    return 0
