/** What is drawn over the lanes: decisions, jobs, flags, arrows, the selection. */
import {gallop, upper} from "./grow.js";
import type {Lane} from "./model.js";
import {links} from "./links.js";
import {AXIS, GUTTER, type Painter, type Scene} from "./scene.js";
import type {Row} from "./rows.js";
import type {Pix} from "./pix.js";
import {mix, pixel} from "./theme.js";

/** Room for a diamond, and its middle below the lane's top. */
const DIAMOND_PX = 9;
const DIAMOND_Y = 36;
/** Decisions that are looked at for one column, and CPUs that share a number. */
const SAMPLES = 8;
const GROUP = 31;

function cpuRows(s: Scene, visible: Row[]): (Row | undefined)[] {
	const out: (Row | undefined)[] = [];
	for (const r of visible)
		if (r.kind === "cpu")
			out[s.q.m.cpus[r.index]!.cpu] = r;
	return out;
}

/** Where diamonds would cover each other, a line shows where there are decisions at all. True: it is so. */
export function denseDecisions(p: Painter, s: Scene, visible: Row[], pix: Pix, dpr: number): boolean {
	const {time, cpu} = s.q.m.decisions;
	const from = upper(time, s.t0 - 1);
	const to = upper(time, Math.min(s.t1, s.hideFuture));
	if (to - from < (p.width - GUTTER) / DIAMOND_PX * s.q.m.cpus.length)
		return false;
	const colour = pixel(mix(s.theme.text, s.theme.bg, 0.35));
	const gx = Math.round(GUTTER * dpr);
	const end = Math.round(p.x(s, Math.min(s.t1, s.hideFuture)) * dpr);
	cpuRows(s, visible).forEach((r, c) => {
		const y = Math.round((p.rowY(s, r!) + DIAMOND_Y) * dpr);
		if (y - dpr < AXIS * dpr)
			return;
		/* By column of the picture the CPUs that decide there, GROUP of them a bit each. */
		const group = Math.floor(c / GROUP);
		const seen = p.looked(s, (p.groups[group] ??= {}), () => (t0, t1, px, put) => {
			for (let x = 0, i = upper(time, t0); x < px && i < time.length; x++) {
				const next = gallop(time, t0 + (x + 1) / px * (t1 - t0), i, time.length);
				let bits = 0;
				for (const step = Math.ceil((next - i) / SAMPLES); i < next; i += step)
					if (Math.floor(cpu[i]! / GROUP) === group)
						bits |= 1 << cpu[i]! % GROUP;
				i = next;
				if (bits)
					put(x, x + 1, bits, -1);
			}
		});
		seen.each((x0, x1, bits) => {
			if (bits >> c % GROUP & 1)
				pix.fill(x0 + gx, y - Math.round(dpr), Math.min(end, x1 + gx), y + Math.round(dpr), colour);
		});
	});
	return true;
}

export function marks(p: Painter, s: Scene, visible: Row[], dense: boolean): void {
	const {ctx} = p;
	const {decisions} = s.q.m;
	const rows = cpuRows(s, visible);
	const chosen = s.sel?.k === "dec" ? s.sel.i : -1;
	const last = new Float64Array(rows.length).fill(-99);
	const diamond = (i: number, radius: number, colour: string, fill: boolean): void => {
		const r = rows[decisions.cpu[i]!];
		const x = p.x(s, decisions.time[i]!);
		if (!r || x < GUTTER || x > p.width || decisions.time[i]! > s.hideFuture)
			return;
		const y = p.rowY(s, r) + DIAMOND_Y;
		ctx.beginPath();
		ctx.moveTo(x, y - radius);
		ctx.lineTo(x + radius, y);
		ctx.lineTo(x, y + radius);
		ctx.lineTo(x - radius, y);
		ctx.closePath();
		ctx.fillStyle = ctx.strokeStyle = colour;
		if (fill)
			ctx.fill();
		else
			ctx.stroke();
	};
	ctx.lineWidth = 1.25;
	if (!dense) {
		const to = upper(decisions.time, s.t1);
		for (let i = upper(decisions.time, s.t0 - 1); i < to; i++) {
			const cpu = decisions.cpu[i]!;
			const x = p.x(s, decisions.time[i]!);
			if (!rows[cpu] || x - last[cpu]! < 4)
				continue;
			last[cpu] = x;
			diamond(i, 4, s.theme.text, (decisions.flags[i]! & 1) !== 0);
		}
	}
	for (const i of decisions.wrong)
		diamond(i, 6, s.theme.danger, true);
	if (chosen >= 0)
		diamond(chosen, decisions.flags[chosen]! & 2 ? 6 : 5.5, decisions.flags[chosen]! & 2 ? s.theme.danger : s.theme.accent, true);
	for (const r of visible)
		if (r.kind === "task")
			jobMarks(p, s, r);
	flagMarks(p, s, visible);
}

function jobMarks(p: Painter, s: Scene, r: Row): void {
	const {ctx} = p;
	const {jobs} = s.q.m;
	const task = s.q.m.tasks[r.index]!;
	const list = s.q.jobsOf(r.index, s.t0 - (task.deadlineNs || 0), s.t1, Math.floor(p.width / 8));
	const y = p.rowY(s, r);
	for (const j of list) {
		const x = p.x(s, jobs.release[j]!);
		ctx.fillStyle = s.theme.cls.edf;
		ctx.beginPath();
		ctx.moveTo(x, y + r.h - 8);
		ctx.lineTo(x + 4, y + r.h - 2);
		ctx.lineTo(x - 4, y + r.h - 2);
		ctx.fill();
		const deadline = jobs.deadline[j]!;
		if (!Number.isFinite(deadline))
			continue;
		const dx = p.x(s, deadline);
		const missed = jobs.done[j]! > deadline || (Number.isNaN(jobs.done[j]!) && deadline < s.q.m.t1);
		ctx.strokeStyle = ctx.fillStyle = missed ? s.theme.danger : s.theme.text;
		ctx.lineWidth = 1;
		ctx.beginPath();
		ctx.moveTo(dx, y + 6);
		ctx.lineTo(dx, y + r.h - 8);
		ctx.stroke();
		ctx.beginPath();
		ctx.moveTo(dx - 4, y + 1);
		ctx.lineTo(dx + 4, y + 1);
		ctx.lineTo(dx, y + 7);
		ctx.closePath();
		if (missed)
			ctx.fill();
		else
			ctx.stroke();
		if (missed) {
			ctx.beginPath();
			ctx.arc(dx, y + 4, 7, 0, 7);
			ctx.stroke();
		}
	}
}

function flagMarks(p: Painter, s: Scene, visible: Row[]): void {
	const {ctx} = p;
	for (const f of s.q.m.flags) {
		if (f.time < s.t0 || f.time > s.t1 || f.kind === "mark")
			continue;
		const x = p.x(s, f.time);
		const r = visible.find((v) => v.kind === "cpu" && s.q.m.cpus[v.index]!.cpu === f.cpu);
		if (f.kind === "violation" || f.kind === "found" || f.kind === "panic") {
			ctx.fillStyle = s.theme.danger;
			ctx.fillRect(x - 0.75, AXIS, 1.5, p.height);
		}
		if (r) {
			const y = p.rowY(s, r);
			ctx.strokeStyle = s.theme.danger;
			ctx.lineWidth = 2;
			ctx.beginPath();
			ctx.moveTo(x - 4, y + 1);
			ctx.lineTo(x + 4, y + 9);
			ctx.moveTo(x + 4, y + 1);
			ctx.lineTo(x - 4, y + 9);
			ctx.stroke();
		}
	}
}

/** The y of the middle of what shows the task, or of a CPU; NaN when it is out of sight. */
function laneY(p: Painter, s: Scene, visible: Row[], kind: "cpu" | "task", index: number): number {
	const r = visible.find((v) => v.index === index && v.kind === kind) ?? visible.find((v) => kind === "task" && v.kind === "async" && v.index === index);
	return r ? p.rowY(s, r) + (kind === "cpu" ? 18 : r.h / 2) : NaN;
}

const SOLID: number[] = [];
const DASHED = [4, 3];
const DOTTED = [1, 3];

function arrow(p: Painter, x0: number, y0: number, x1: number, y1: number, dash: number[]): void {
	const {ctx} = p;
	const bend = Math.max(12, Math.min(60, Math.abs(x1 - x0) / 2));
	ctx.setLineDash(dash);
	ctx.beginPath();
	ctx.moveTo(x0, y0);
	ctx.bezierCurveTo(x0 + bend, y0, x1 - bend, y1, x1, y1);
	ctx.stroke();
	ctx.setLineDash([]);
	ctx.beginPath();
	ctx.arc(x0, y0, 2.5, 0, 7);
	ctx.fill();
	ctx.beginPath();
	ctx.moveTo(x1, y1);
	ctx.lineTo(x1 - 7, y1 - 3.5);
	ctx.lineTo(x1 - 7, y1 + 3.5);
	ctx.fill();
}

/** The task that the selection is about; of a decision the one that it chose. */
export function focus(s: Scene): number {
	if (s.sel?.k !== "dec")
		return s.task;
	const w = s.q.m.decisions.word[s.sel.i]!;
	const chosen = s.q.m.raw[w * 4 + 14]!;
	return chosen < s.q.m.raw[w * 4 + 15]! ? s.q.taskOf(s.q.u32[w + 6 + chosen * 6]! | 0) : 0;
}

export function arrows(p: Painter, s: Scene, visible: Row[]): void {
	const {ctx} = p;
	const mine = focus(s);
	const poll = mix(s.theme.state.poll, s.theme.text, 0.25);
	const hint = mix(s.theme.state.irq, s.theme.text, 0.35);
	for (const l of links(s.q, s.t0, s.t1, mine, s.sel?.k === "state" ? s.sel.i : -1)) {
		if (Math.max(l.from.time, l.to.time) > s.hideFuture)
			continue;
		const own = mine > 0 && l.tasks.includes(mine);
		let y0 = laneY(p, s, visible, l.from.lane, l.from.index);
		let y1 = laneY(p, s, visible, l.to.lane, l.to.index);
		/* Where the other end is out of sight, the await's arrow stays on its own lane. */
		if (l.what === "await" && Number.isNaN(y1))
			y1 = y0;
		if (l.what === "hint")
			y1 -= 15;
		if (Number.isNaN(y0) || Number.isNaN(y1) || (l.what === "wake" && y0 === y1))
			continue;
		if (l.what === "await" && y0 === y1)
			y0 = y1 -= 3;
		ctx.globalAlpha = own ? 1 : mine ? 0.15 : l.what === "hint" ? 0.6 : l.what === "await" ? 0.5 : 0.45;
		ctx.strokeStyle = ctx.fillStyle = l.what === "await" ? poll : own ? s.theme.accent : l.what === "hint" ? hint : s.theme.dim;
		ctx.lineWidth = own ? 1.5 : 1;
		const [x0, x1] = [p.x(s, l.from.time), p.x(s, l.to.time)];
		if (l.what === "wake")
			arrow(p, x0 - 4, y0, x1 + 4, y1, l.interrupt ? DASHED : SOLID);
		else
			arrow(p, x0, y0, x1, y1, l.what === "await" ? DOTTED : DASHED);
	}
	ctx.globalAlpha = 1;
}

export function lines(p: Painter, s: Scene): void {
	const {ctx} = p;
	if (s.range) {
		const x0 = p.x(s, s.range[0]);
		const x1 = p.x(s, s.range[1]);
		ctx.globalAlpha = 0.16;
		ctx.fillStyle = s.theme.accent;
		ctx.fillRect(x0, AXIS, x1 - x0, p.height);
		ctx.globalAlpha = 1;
		ctx.fillRect(x0, AXIS, 1, p.height);
		ctx.fillRect(x1, AXIS, 1, p.height);
	}
	if (s.hideFuture < s.t1) {
		const x = p.x(s, s.hideFuture) + 1;
		ctx.fillStyle = s.theme.panel;
		ctx.fillRect(x, AXIS, p.width - x, p.height);
		ctx.fillStyle = s.theme.dim;
		ctx.fillText("what comes next is covered", x + 12, AXIS + 42);
	}
	if (s.sel?.k === "dec" || s.sel?.k === "flag" || s.sel?.k === "queue") {
		const t = s.sel.k === "dec" ? s.q.m.decisions.time[s.sel.i]! : s.sel.k === "flag" ? s.q.m.flags[s.sel.i]!.time : s.sel.t;
		ctx.fillStyle = s.theme.accent;
		ctx.fillRect(p.x(s, t) - 0.75, AXIS, 1.5, p.height);
	}
	outline(p, s);
	if (s.hover && s.hover.x > GUTTER) {
		ctx.globalAlpha = 0.5;
		ctx.fillStyle = s.theme.dim;
		ctx.fillRect(s.hover.x, AXIS, 1, p.height);
		ctx.globalAlpha = 1;
	}
}

/** A frame around the selected step. */
function outline(p: Painter, s: Scene): void {
	const sel = s.sel;
	if (!sel || (sel.k !== "slice" && sel.k !== "state" && sel.k !== "lock" && sel.k !== "stack"))
		return;
	const {m} = s.q;
	const [kind, index, lane]: [Row["kind"], number, Lane] = sel.k === "slice" ? ["cpu", sel.cpu, m.cpus[sel.cpu]!.lane] : sel.k === "state" ? ["task", sel.task, m.tasks[sel.task]!.lane]
		: sel.k === "lock" ? ["lock", sel.lock, m.locks[sel.lock]!.lane] : ["stack", sel.stack, m.stacks[sel.stack]!.lane];
	const r = s.rows.find((v) => v.kind === kind && v.index === index);
	if (!r || sel.i >= lane.start.length)
		return;
	const x0 = p.x(s, lane.start[sel.i]!);
	const x1 = p.x(s, sel.i + 1 < lane.start.length ? lane.start[sel.i + 1]! : s.q.m.t1);
	const y = p.rowY(s, r) + (kind === "cpu" ? 6 : 3);
	p.ctx.strokeStyle = s.theme.accent;
	p.ctx.lineWidth = 2;
	p.ctx.strokeRect(x0, y, Math.max(2, x1 - x0), kind === "cpu" ? 24 : r.h - 6);
}
