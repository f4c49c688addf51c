"""The tables of docs/performance.md, from the results of the last runs."""

import re
import tomllib

import counts
import suite

PAGE = "docs/performance.md"
PEERS = "tests/bench/peers.toml"
BOARDS = ["pc", "virt"]
ACCOUNT_ROWS = 16


def peers():
    with open(PEERS, "rb") as f:
        return tomllib.load(f)


def results(cc):
    """{board: metrics} of what has been measured."""
    found = {}
    for name in [*BOARDS, "sim"]:
        board = suite.Board(name, cc)
        try:
            found[name] = (board, suite.load(board))
        except FileNotFoundError:
            pass
    return found


def short(n):
    """10357714 as 10.4 M: for people; small numbers stay."""
    if not isinstance(n, (int, float)):
        return str(n)
    for unit, size in [("M", 1_000_000), ("k", 1_000)]:
        if n >= 10 * size or (unit == "M" and n >= size):
            return f"{n / size:.3g} {unit}"
    return f"{n:g}"


def verdict(value, row, more_is_better):
    """Which of the three marks a value reaches."""
    reached = "missed"
    for mark in ["gate", "target", "moonshot"]:
        if mark in row and (value >= row[mark] if more_is_better else value <= row[mark]):
            reached = mark
    return reached if "gate" in row else ""


def beside(name, metric, board, known):
    """What stands behind a metric on the console: the marks, the one that it reaches, and the peers."""
    words = []
    for target in known["target"]:
        row = target.get(board)
        if target["metric"] != name or not row:
            continue
        if "gate" in row:
            words.append(" ".join(f"{k} {short(row[k])}" for k in ["gate", "target", "moonshot"]) + ": "
                         + verdict(metric.value, row, target.get("more_is_better")))
        words += [f"{k} {row[k]}" for k in ["floor", "best", "model"] if k in row]
    words += [f"{peer} {value}" for peer, value in known["peers"].get(board, {}).get(name, {}).items()]
    return "; ".join(words)


def target_rows(found):
    """(target, board, columns, metric or None)"""
    for target in peers()["target"]:
        for name in [*BOARDS, "sim"]:
            if name in target and name in found:
                yield target, name, target[name], found[name][1].get(target["metric"])


def targets_table(found):
    lines = ["| | board | this kernel | reaches | floor | best peer | model | gate | target | moonshot |",
             "|---|---|---|---|---|---|---|---|---|---|"]
    for target, board, row, metric in target_rows(found):
        value = metric and metric.value
        reached = verdict(value, row, target.get("more_is_better")) if metric else "not measured"
        cells = [target["what"], board, f"**{short(value)}**" if metric else "", reached,
                 *(short(row.get(k, "")) for k in ["floor", "best", "model", "gate", "target", "moonshot"])]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def peers_table(found):
    data = peers()["peers"]
    out = []
    for board in BOARDS:
        names = sorted({p for row in data[board].values() for p in row})
        out.append(f"\n| {board}: metric | this kernel | " + " | ".join(names) + " |")
        out.append("|---" * (len(names) + 2) + "|")
        for metric, row in data[board].items():
            ours = found[board][1].get(metric) if board in found else None
            out.append(f"| `{metric}` | **{ours.value if ours else ''}** | "
                       + " | ".join(str(row.get(p, "")) for p in names) + " |")
    return "\n".join(out[1:] if out and not out[0] else out).strip()


def metric_cell(m):
    if m is None:
        return ""
    value = f"{m.value:g}" if isinstance(m.value, float) else str(m.value)
    spread = f" ({m.least} to {m.most})" if m.least is not None and m.least != m.most else ""
    return value + spread


def cost_cell(m):
    return f"{m.weighted} ({m.atomics:g}, {m.barriers:g})" if m and m.weighted is not None else ""


def metrics_table(found):
    names = list(dict.fromkeys(n for b in BOARDS if b in found for n in found[b][1]))
    lines = ["| metric | unit | pc | weighted | virt | weighted |", "|---|---|---|---|---|---|"]
    for name in names:
        both = [found[b][1].get(name) if b in found else None for b in BOARDS]
        unit = next(m.unit for m in both if m)
        cells = [f"`{name}`", unit]
        for m in both:
            cells += [metric_cell(m), cost_cell(m)]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def missed(found):
    """(what, board, metric's name, metric, target) of each target that is not reached."""
    for target, board, row, metric in target_rows(found):
        if metric and "target" in row and verdict(metric.value, row, target.get("more_is_better")) in ("missed", "gate"):
            yield target["what"], board, target["metric"], metric, row["target"]


def path_account(board, m):
    """(what was counted, [(name, how many)]) of a path."""
    path = counts.read(board.profile(m.program, m.cpus)).paths[m.group, m.point]
    rows = counts.account(path, counts.Symbols(board.elf(m.program)))
    return "instructions", f"{m.atomics:g} atomics, {m.barriers:g} barriers", [row[:2] for row in rows]


def image_account(board, m):
    """The same of the image: functions by the folder that they are from, and the rest by section."""
    symbols, sizes = counts.Symbols(board.image()), {}
    for line in suite.run(["llvm-nm", "--print-size", "--defined-only", board.image()]).splitlines():
        words = line.split()
        if len(words) == 4 and words[2] in "tT":
            sizes[int(words[0], 16)] = int(words[1], 16)
    symbols.look_up(sizes)
    rows = {}
    for address, size in sizes.items():
        folder = re.search(r"kernel/(\w+)/", symbols.known[address][-1][1])
        rows[folder[1] if folder else "elsewhere"] = rows.get(folder[1] if folder else "elsewhere", 0) + size
    others = suite.sections(board.image())
    rows["alignment"] = others["text"] - sum(rows.values())
    rows["texts, tables, the names of functions"] = others["data"]
    return "bytes", "by folder of `kernel/`", sorted((row for row in rows.items() if row[1]), key=lambda row: -row[1])


ACCOUNTS = {"mem.image": image_account}


def accounts(found):
    """Where the instructions of each missed target go, on the board where it is furthest away."""
    worst = {}
    for what, board, name, metric, target in missed(found):
        explained = metric.group is not None or name in ACCOUNTS
        if explained and (name not in worst or metric.value / target > worst[name][0]):
            worst[name] = (metric.value / target, what, board, metric, target)
    out = []
    for name, (_, what, board_name, m, target) in worst.items():
        unit, more, rows = ACCOUNTS.get(name, path_account)(found[board_name][0], m)
        out.append(f"\n**{what}** (`{name}`, {board_name}): {m.value} {unit}, target {target}; {more}.\n")
        out.append(f"| {unit} | in |\n|---|---|")
        out += [f"| {short(n) if n >= 1e4 else f'{n:g}'} | `{function}` |" for function, n in rows[:ACCOUNT_ROWS]]
        rest = sum(row[1] for row in rows[ACCOUNT_ROWS:])
        if rest:
            out.append(f"| {short(rest) if rest >= 1e4 else f'{rest:g}'} | {len(rows) - ACCOUNT_ROWS} more |")
    return "\n".join(out).strip()


def growth_table(found):
    """How picking and waking grow with the number of tasks."""
    lines = []
    for board in [*BOARDS, "sim"]:
        if board not in found:
            continue
        rows = {}
        for name, m in found[board][1].items():
            match = re.fullmatch(r"sched\.(pick|pick_among|wake_among)\.(\w+)\.n(\d+)", name)
            if match:
                rows.setdefault((match[1], match[2]), {})[int(match[3])] = m.value
        if not rows:
            continue
        sizes = sorted({n for row in rows.values() for n in row})
        unit = "instructions" if board != "sim" else "events of the simulator"
        lines += [f"\n| {board}, {unit} | " + " | ".join(f"n = {short(n)}" for n in sizes) + " |",
                  "|---" * (len(sizes) + 1) + "|"]
        for (what, policy), row in sorted(rows.items()):
            lines.append(f"| {policy}: {what.replace('_', ' ')} | "
                         + " | ".join(str(row.get(n, "")) for n in sizes) + " |")
    return "\n".join(lines).strip()


def replace(path, name, text):
    """Puts text between the comments <!-- name --> and <!-- /name --> of a page."""
    with open(path) as f:
        page = f.read()
    pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.S)
    if not pattern.search(page):
        raise suite.Failure(f"{path} has no place <!-- {name} -->")
    with open(path, "w") as f:
        f.write(pattern.sub(lambda m: m[1] + text + "\n" + m[2], page))


def write(cc):
    found = results(cc)
    replace(PAGE, "targets", targets_table(found))
    replace(PAGE, "peers", peers_table(found))
    replace(PAGE, "metrics", metrics_table(found))
    replace(PAGE, "accounts", accounts(found))
    replace(PAGE, "growth", growth_table(found))
