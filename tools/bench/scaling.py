"""Operations per virtual second on the simulator, by number of CPUs, and their picture."""

import os
import re
import statistics

import suite

LOADS = {"yield": "yields", "block": "wake-ups and waits", "spawn": "spawns and joins", "channel": "messages"}
CPUS = [1, 2, 4, 8, 16, 32, 64]
# What is compared: name, words for the kernel.
MODES = {"one shard per CPU": "shards={cpus}", "one global lock": "shards=1"}
SEEDS = [1, 2, 3]


def rate(board, load, words, cpus, seed, us):
    """Operations per microsecond of virtual time."""
    text = board.run("scale", cpus, f"load={load} us={us} {words.format(cpus=cpus)}", seed)
    values = {name: int(value) for name, value, _ in suite.parse(text)[1]}
    return values["scale.operations"] * 1000 / values["scale.time"]


def measure(board, loads=LOADS, cpus=CPUS, modes=MODES, seeds=SEEDS, us=400, tell=lambda *_: None):
    """{(load, mode): [rate by CPUs]}, the median over the seeds."""
    board.build("scale")
    table = {}
    for load in loads:
        for mode, words in modes.items():
            row = []
            for n in cpus:
                row.append(statistics.median(rate(board, load, words, n, seed, us) for seed in seeds))
            table[load, mode] = row
            tell(load, mode, row)
    return table


def as_text(table, cpus=CPUS):
    head = "| operations per µs | " + " | ".join(f"{n} CPU{'s' * (n > 1)}" for n in cpus) + " |"
    lines = [head, "|---" * (len(cpus) + 1) + "|"]
    for (load, mode), row in table.items():
        lines.append(f"| {LOADS[load]}, {mode} | " + " | ".join(f"{v:.2f}" for v in row) + " |")
    return "\n".join(lines)


WIDTH, HEIGHT, LEFT, TOP, PLOT_W, PLOT_H = 860, 620, 52, 44, 340, 210
COLOURS = {"one shard per CPU": "#1f6feb", "one global lock": "#d1242f"}
STYLE = """
text { font: 13px sans-serif; fill: #57606a; } .title { font-weight: bold; fill: #24292f; }
.grid { stroke: #d0d7de; stroke-width: 1; } .curve { fill: none; stroke-width: 2.5; }
@media (prefers-color-scheme: dark) { text { fill: #9ea7b3; } .title { fill: #e6edf3; } .grid { stroke: #30363d; } }
"""


def plot(load, rows, x0, y0, cpus):
    """One diagram: CPUs to the right, by powers of two, and operations upwards."""
    top = max(max(row) for row in rows.values()) * 1.08
    step = 10 ** (len(str(int(top))) - 1)
    step = next(s for s in (step / 5, step / 2, step, 2 * step) if top / s <= 6)
    x = lambda i: x0 + i * PLOT_W / (len(cpus) - 1)
    y = lambda v: y0 + PLOT_H - v * PLOT_H / top
    yield f'<text class="title" x="{x0}" y="{y0 - 12}">{LOADS[load]} per µs of virtual time</text>'
    value = 0
    while value <= top:
        yield f'<line class="grid" x1="{x0}" x2="{x0 + PLOT_W}" y1="{y(value):.1f}" y2="{y(value):.1f}"/>'
        yield f'<text text-anchor="end" x="{x0 - 6}" y="{y(value) + 4:.1f}">{value:g}</text>'
        value = round(value + step, 6)
    for i, n in enumerate(cpus):
        yield f'<text text-anchor="middle" x="{x(i):.1f}" y="{y0 + PLOT_H + 18}">{n}</text>'
    for mode, row in rows.items():
        points = " ".join(f"{x(i):.1f},{y(v):.1f}" for i, v in enumerate(row))
        yield f'<polyline class="curve" stroke="{COLOURS[mode]}" points="{points}"/>'
        for i, v in enumerate(row):
            yield f'<circle cx="{x(i):.1f}" cy="{y(v):.1f}" r="3" fill="{COLOURS[mode]}"/>'


def as_picture(table, cpus=CPUS):
    """The same as SVG; the text depends on nothing but the table."""
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
           f'height="{HEIGHT}">', f"<style>{STYLE}</style>"]
    for k, load in enumerate(dict.fromkeys(load for load, _ in table)):
        rows = {mode: row for (l, mode), row in table.items() if l == load}
        out += plot(load, rows, LEFT + k % 2 * (WIDTH / 2), TOP + k // 2 * (HEIGHT - 60) / 2, cpus)
    for i, (mode, colour) in enumerate(COLOURS.items()):
        x = LEFT + i * 200
        out.append(f'<line x1="{x}" x2="{x + 24}" y1="{HEIGHT - 18}" y2="{HEIGHT - 18}" stroke="{colour}" '
                   f'stroke-width="2.5"/><text x="{x + 32}" y="{HEIGHT - 14}">{mode}</text>')
    out.append(f'<text x="{WIDTH - 12}" y="{HEIGHT - 14}" text-anchor="end">CPUs</text>')
    return "\n".join([*out, "</svg>"]) + "\n"


