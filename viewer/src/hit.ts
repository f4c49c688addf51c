/** What is under the pointer. */
import {upper} from "./grow.js";
import type {Lod} from "./lod.js";
import type {Row} from "./rows.js";
import {AXIS, GUTTER, type Painter, type Scene, type Sel} from "./scene.js";

/** What is at a point of the canvas. */
export function hit(p: Painter, s: Scene, x: number, y: number): {row: Row | undefined; t: number; sel: Sel | undefined} {
	const t = p.t(s, x);
	const row = y < AXIS ? undefined : s.rows.find((r) => y - AXIS + s.scroll >= r.y && y - AXIS + s.scroll < r.y + r.h);
	if (!row || x < GUTTER)
		return {row, t, sel: undefined};
	const inRow = y - p.rowY(s, row);
	const m = s.q.m;
	const near = (s.t1 - s.t0) / (p.width - GUTTER) * 7;
	if (row.kind === "cpu") {
		const cpu = m.cpus[row.index]!;
		for (let i = 0; i < m.flags.length; i++)
			if (m.flags[i]!.cpu === cpu.cpu && m.flags[i]!.kind !== "mark" && Math.abs(m.flags[i]!.time - t) < near && inRow < 11)
				return {row, t, sel: {k: "flag", i}};
		if (inRow > 29 && inRow < 43) {
			let best = -1;
			for (let i = upper(m.decisions.time, t - near); i < m.decisions.time.length && m.decisions.time[i]! < t + near; i++)
				if (m.decisions.cpu[i] === cpu.cpu && (best < 0 || Math.abs(m.decisions.time[i]! - t) < Math.abs(m.decisions.time[best]! - t)))
					best = i;
			return {row, t, sel: best >= 0 ? {k: "dec", i: best} : undefined};
		}
		if (inRow >= 43)
			return {row, t, sel: {k: "queue", t, cpu: cpu.cpu}};
		const i = pickStep(s.q.lod(cpu.lane, "cpu"), t, near / 3);
		return {row, t, sel: i >= 0 ? {k: "slice", cpu: row.index, i} : undefined};
	}
	if (row.kind === "queue")
		return {row, t, sel: {k: "queue", t}};
	if (row.kind === "task" || row.kind === "async" || row.kind === "slack") {
		const i = pickStep(s.q.lod(m.tasks[row.index]!.lane, "task"), t, near / 3);
		return {row, t, sel: i >= 0 ? {k: "state", task: row.index, i} : undefined};
	}
	if (row.kind === "lock") {
		const i = upper(m.locks[row.index]!.lane.start, t) - 1;
		return {row, t, sel: i >= 0 ? {k: "lock", lock: row.index, i} : undefined};
	}
	if (row.kind === "stack") {
		const i = pickStep(s.q.lod(m.stacks[row.index]!.lane, "other"), t, near / 3);
		return {row, t, sel: i >= 0 ? {k: "stack", stack: row.index, i} : undefined};
	}
	return {row, t, sel: undefined};
}

/** The step under the pointer, or a busy one so narrow that it is hard to meet. */
function pickStep(lod: Lod, t: number, near: number): number {
	const i = lod.at(t);
	if (i < 0 || t > lod.t1)
		return -1;
	if (lod.busy(lod.lane.val[i]!) || lod.end(i) - lod.lane.start[i]! < near)
		return i;
	const from = Math.max(0, lod.at(t - near));
	const best = lod.longest(from, lod.at(t + near));
	return lod.busy(lod.lane.val[best]!) ? best : i;
}
