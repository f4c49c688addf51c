/** The chosen lane as a grid: what a screen reader reads in place of the picture. */
import type {App} from "./main.js";
import {el} from "./dom.js";
import {upper} from "./grow.js";
import {OFFLINE, STATE_NAMES, UNKNOWN, stateOf} from "./model.js";
import {duration, instant} from "./time.js";

export function mirror(app: App): void {
	const row = app.scene.rows[app.row];
	if (!row || !app.q)
		return;
	const {m} = app.q;
	const lane = row.kind === "cpu" ? m.cpus[row.index]!.lane : row.kind === "lock" ? m.locks[row.index]!.lane : row.kind === "stack" ? m.stacks[row.index]!.lane : row.kind === "queue" ? m.queue : m.tasks[row.index]?.lane;
	if (!lane)
		return;
	const first = Math.max(0, upper(lane.start, app.scene.t0) - 1);
	const name = (v: number): string => row.kind === "cpu" || row.kind === "lock" ? v === UNKNOWN ? "unknown" : v === OFFLINE ? "not online" : app.q.label(v)
		: row.kind === "stack" ? !v ? "free" : v >= 0x80000000 ? `${app.q.label(v & 0x7fffffff)} frozen` : `CPU ${v - 1}` : row.kind === "queue" ? `${(v & 1023) + (v >>> 10 & 1023) + (v >>> 20)} waiting` : STATE_NAMES[stateOf(v)]!;
	const body: HTMLElement[] = [];
	for (let i = first; i < lane.start.length && i < first + 40 && lane.start[i]! < app.scene.t1; i++)
		body.push(el("tr", {role: "row"}, el("td", {role: "gridcell", tabindex: body.length ? "-1" : "0"}, instant(lane.start[i]!)), el("td", {role: "gridcell", tabindex: "-1"}, name(lane.val[i]!)),
			el("td", {role: "gridcell", tabindex: "-1"}, duration((lane.start[i + 1] ?? m.t1) - lane.start[i]!))));
	app.grid.replaceChildren(el("table", {role: "grid", "aria-label": `${row.label}, ${body.length} steps in view`, keydown: (e) => gridKey(app, e as KeyboardEvent)},
		el("thead", {}, el("tr", {role: "row"}, ...["from", "what", "for"].map((h) => el("th", {role: "columnheader", scope: "col"}, h)))), el("tbody", {}, ...body)));
	app.canvas.setAttribute("aria-label", `Timeline from ${instant(app.scene.t0)} to ${instant(app.scene.t1)}, lane ${row.label}`);
}

function gridKey(app: App, e: KeyboardEvent): void {
	const cell = e.target as HTMLElement;
	const tr = cell.parentElement;
	const to = e.key === "ArrowDown" ? tr?.nextElementSibling?.children[(cell as HTMLTableCellElement).cellIndex] : e.key === "ArrowUp" ? tr?.previousElementSibling?.children[(cell as HTMLTableCellElement).cellIndex]
		: e.key === "ArrowRight" ? cell.nextElementSibling : e.key === "ArrowLeft" ? cell.previousElementSibling : undefined;
	if (to instanceof HTMLElement) {
		to.focus();
		e.preventDefault();
		e.stopPropagation();
	} else if (e.key === "Escape") {
		app.canvas.focus();
	}
}
