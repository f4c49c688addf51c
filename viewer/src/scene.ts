/**
 * The timeline. Lanes are painted into a picture of pixels, which costs their area whatever the
 * number of steps; text, marks and arrows are drawn over it.
 */
import {SETS} from "events";
import {urgency} from "./decode.js";
import {gallop, upper} from "./grow.js";
import {Sampled, columns, type Lod} from "./lod.js";
import {arrows, denseDecisions, lines, marks} from "./marks.js";
import {IDLE, OFFLINE, S, UNKNOWN, detailOf, lineOf, stateOf} from "./model.js";
import {Pix} from "./pix.js";
import {queued, type Query} from "./query.js";
import type {Row} from "./rows.js";
import {mix, pixel, textOn, type Theme} from "./theme.js";
import {duration, instant, ticks} from "./time.js";

export type Sel = {k: "slice"; cpu: number; i: number} | {k: "state"; task: number; i: number} | {k: "dec"; i: number} |
	{k: "lock"; lock: number; i: number} | {k: "stack"; stack: number; i: number} | {k: "flag"; i: number} | {k: "queue"; t: number; cpu?: number};

export interface Scene {
	q: Query;
	theme: Theme;
	rows: Row[];
	t0: number;
	t1: number;
	scroll: number;
	sel: Sel | undefined;
	/** The task that the selection is about, 0 for none. */
	task: number;
	range: [number, number] | undefined;
	hover: {x: number; y: number} | undefined;
	notes: {time: number; text: string}[];
	pins: Set<number>;
	closed: Set<string>;
	/** Steps that the filter wants; others are drawn faint. */
	wants: ((task: number, val: number, from: number, to: number, cpu: number) => boolean) | undefined;
	hideFuture: number;
}

export const GUTTER = 148;
export const AXIS = 26;
/** Lanes whose columns are kept. */
const SAMPLED_MAX = 600;
const FONT = "12px system-ui, 'DejaVu Sans', sans-serif";

interface Colours {
	key: string;
	bg: number;
	line: number;
	task: number[];
	faint: number[];
	/** Whether it stands on a real-time level, and the stripes on what such a task runs. */
	rt: boolean[];
	hatch: number[];
	text: string[];
	state: number[];
	stateFaint: number[];
	cls: number[];
}

export function classPart(cls: number): "edf" | "rt" | "share" {
	const u = urgency(cls);
	return u <= 1 ? "edf" : u <= 3 ? "rt" : "share";
}

/** The colour of a task on a CPU: hue for the class, lightness to tell neighbours apart. */
export function taskColour(theme: Theme, cls: number, index: number): string {
	const base = theme.cls[classPart(cls)];
	const step = (index * 5 % 7 - 3) / 3;
	return step < 0 ? mix(base, theme.bg, -step * 0.38) : mix(base, theme.name === "dark" ? "#ffffff" : "#000000", step * 0.22);
}

function stateHex(theme: Theme, s: S): string {
	const st = theme.state;
	return s === S.running ? st.running : s === S.ready ? st.ready : s === S.preempted || s === S.throttled ? st.preempted : s === S.unknown ? st.unknown : st.waiting;
}

export class Painter {
	private pix = new Pix(1, 1);
	private colours: Colours | undefined;
	readonly ctx: CanvasRenderingContext2D;
	private dpr = 1;
	/** Text to draw when the pixels are in place: x, y, text, colour, room. */
	private texts: [number, number, string, string, number][] = [];

	constructor(readonly canvas: HTMLCanvasElement) {
		this.ctx = canvas.getContext("2d", {alpha: false})!;
	}

	resize(cssW: number, cssH: number, dpr: number): void {
		this.dpr = Math.max(1, Math.min(3, Math.round(dpr * 4) / 4));
		const w = Math.max(1, Math.round(cssW * this.dpr));
		const h = Math.max(1, Math.round(cssH * this.dpr));
		if (this.canvas.width !== w || this.canvas.height !== h) {
			this.canvas.width = w;
			this.canvas.height = h;
			this.pix = new Pix(w, h);
		}
		this.width = w / this.dpr;
		this.height = h / this.dpr;
	}

	/** In CSS pixels. */
	width = 1;
	height = 1;

	private colour(s: Scene): Colours {
		const {theme, q} = s;
		const key = `${theme.name} ${q.m.tasks.length} ${q.m.raw.length}`;
		if (this.colours?.key === key)
			return this.colours;
		const hex = q.m.tasks.map((t, i) => taskColour(theme, t.cls, i));
		const states = [0, 1, 2, 3, 4, 5, 6, 7].map((i) => stateHex(theme, i));
		this.colours = {
			key, bg: pixel(theme.bg), line: pixel(theme.line), task: hex.map((h) => pixel(h)), faint: hex.map((h) => pixel(mix(h, theme.bg, 0.72))),
			rt: q.m.tasks.map((t) => classPart(t.cls) === "rt"), hatch: hex.map((h) => pixel(mix(h, "#000000", 0.16))),
			text: hex.map(textOn),
			state: states.map((h) => pixel(h)), stateFaint: states.map((h) => pixel(mix(h, theme.bg, 0.75))),
			cls: [theme.cls.edf, theme.cls.rt, theme.cls.share].map((h) => pixel(h)),
		};
		return this.colours;
	}

	x(s: Scene, t: number): number {
		return GUTTER + (t - s.t0) / (s.t1 - s.t0) * (this.width - GUTTER);
	}
	t(s: Scene, x: number): number {
		return s.t0 + (x - GUTTER) / (this.width - GUTTER) * (s.t1 - s.t0);
	}

	draw(s: Scene): void {
		const d = this.dpr;
		const c = this.colour(s);
		const {pix} = this;
		pix.buf.fill(c.bg);
		this.texts = [];
		const H = this.height;
		const axis = ticks(s.t0, s.t1, this.width - GUTTER);
		for (const t of axis.at) {
			const x = Math.round(this.x(s, t) * d);
			pix.fill(x, AXIS * d, x + 1, pix.h, c.line);
		}
		const visible = s.rows.filter((r) => r.y + r.h > s.scroll && r.y < s.scroll + H - AXIS);
		for (const r of visible)
			this.row(s, c, r, AXIS + r.y - s.scroll);
		const dense = denseDecisions(this, s, visible, pix, this.dpr);
		this.ctx.putImageData(pix.data, 0, 0);
		this.ctx.setTransform(d, 0, 0, d, 0, 0);
		this.ctx.font = FONT;
		this.ctx.textBaseline = "middle";
		this.ctx.textAlign = "left";
		this.clipped(() => {
			for (const [x, y, text, colour, room] of this.texts) {
				this.ctx.fillStyle = colour;
				const fitted = this.fit(text, room);
				if (fitted)
					this.ctx.fillText(fitted, x, y);
			}
			marks(this, s, visible, dense);
			arrows(this, s, visible);
			lines(this, s);
		});
		this.gutter(s, c, visible);
		this.axis(s, axis);
		this.ctx.setTransform(1, 0, 0, 1, 0, 0);
	}

	private widths = new Map<string, number>();
	private measure(text: string): number {
		let w = this.widths.get(text);
		if (w === undefined) {
			if (this.widths.size > 5000)
				this.widths.clear();
			this.widths.set(text, w = this.ctx.measureText(text).width);
		}
		return w;
	}
	private fit(text: string, room: number): string {
		if (this.measure(text) <= room)
			return text;
		if (room < 18)
			return "";
		const n = Math.floor(text.length * room / this.measure(text)) - 1;
		return n >= 2 ? text.slice(0, n) + "…" : "";
	}

	private clipped(f: () => void): void {
		const {ctx} = this;
		ctx.save();
		ctx.beginPath();
		ctx.rect(GUTTER, AXIS, this.width - GUTTER, this.height - AXIS);
		ctx.clip();
		f();
		ctx.restore();
	}

	/* ---- lanes ---- */

	private row(s: Scene, c: Colours, r: Row, y: number): void {
		const d = this.dpr;
		const base = Math.round((y + r.h) * d) - 1;
		if (r.kind !== "head" && base > AXIS * d)
			this.pix.fill(GUTTER * d, base, this.pix.w, base + 1, pixel(mix(s.theme.line, s.theme.bg, 0.55)));
		switch (r.kind) {
		case "cpu": this.cpuRow(s, c, r, y); break;
		case "queue": this.queueRow(s, c, y + 3, r.h - 6, -1); break;
		case "task": this.taskRow(s, c, r.index, y + 3, r.h - 6, false); break;
		case "async": this.taskRow(s, c, r.index, y + 3, r.h - 6, true); break;
		case "slack": this.slackRow(s, c, r, y); break;
		case "lock": this.lockRow(s, c, r, y); break;
		case "stack": this.stackRow(s, c, r, y); break;
		case "head": this.pix.fill(0, Math.round(y * d), this.pix.w, base + 1, pixel(s.theme.panel)); break;
		}
	}

	/** Calls `run` for what the lane shows, in device pixels. */
	private each(s: Scene, lod: Lod, run: (x0: number, x1: number, i: number, many: boolean, share: number) => void): void {
		const gx = Math.round(GUTTER * this.dpr);
		const lane = this.looked(s, lod, () => (t0, t1, px, put) => columns(lod, t0, t1, px, (x0, x1, i, many, share) => put(x0, x1, i, many ? share : -1)));
		lane.each((x0, x1, i, many, share) => run(x0 + gx, x1 + gx, i, many, share));
	}

	/** The columns of what is in view, by what they are columns of. */
	looked(s: Scene, of: object, search: () => ConstructorParameters<typeof Sampled>[0]): Sampled {
		if (this.sampledOf !== s.q || this.sampled.size > SAMPLED_MAX)
			this.sampled.clear();
		this.sampledOf = s.q;
		let out = this.sampled.get(of);
		if (!out)
			this.sampled.set(of, out = new Sampled(search()));
		out.look(s.t0, s.t1, this.pix.w - Math.round(GUTTER * this.dpr));
		return out;
	}
	readonly groups: object[] = [];
	private readonly sampled = new Map<object, Sampled>();
	private sampledOf: Query | undefined;

	/** Device pixels [y0, y1) below the axis. */
	private band(y: number, h: number): [number, number] {
		const top = AXIS * this.dpr;
		return [Math.max(top, Math.round(y * this.dpr)), Math.max(top, Math.round((y + h) * this.dpr))];
	}

	private cpuRow(s: Scene, c: Colours, r: Row, y: number): void {
		const cpu = s.q.m.cpus[r.index]!;
		const lod = s.q.lod(cpu.lane, "cpu");
		const [y0, y1] = this.band(y + 6, 24);
		const {pix} = this;
		const scale = Math.round(this.dpr);
		const faint = (i: number, v: number): boolean => (s.task > 0 && v !== s.task) || (s.wants ? !s.wants(v, S.running, lod.lane.start[i]!, lod.end(i), cpu.cpu) : false);
		this.each(s, lod, (x0, x1, i, many, share) => {
			const v = lod.lane.val[i]!;
			if (v === IDLE || v === OFFLINE)
				return;
			if (v === UNKNOWN) {
				pix.hatch(x0, y0, x1, y1, c.state[S.unknown]!, c.bg, 3, scale);
				return;
			}
			const weak = faint(i, v);
			const colour = (weak ? c.faint : c.task)[v]!;
			if (many)
				return pix.fill(x0, Math.max(y0, y1 - Math.max(2, Math.round((y1 - y0) * share))), x1, y1, colour);
			if (c.rt[v] && !weak)
				pix.hatch(x0, y0, x1, y1, c.hatch[v]!, colour, 1, scale);
			else
				pix.fill(x0, y0, x1, y1, colour);
			if (x1 - x0 > 3 * this.dpr) {
				pix.fill(x0, y0, x0 + 1, y1, c.bg);
				const w = (x1 - x0) / this.dpr;
				if (w > 22 && y + 18 > AXIS)
					this.texts.push([x0 / this.dpr + 5, y + 18.5, s.q.label(v), weak ? s.theme.dim : c.text[v]!, w - 8]);
			}
		});
		this.irqs(s, cpu, y);
		this.queueRow(s, c, y + 43, 7, cpu.cpu);
	}

	private irqs(s: Scene, cpu: Query["m"]["cpus"][number], y: number): void {
		const {irqStart, irqEnd} = cpu;
		const n = irqStart.length;
		const [y0, y1] = this.band(y + 1, 4);
		const colour = pixel(s.theme.state.irq);
		const gx = Math.round(GUTTER * this.dpr);
		const caps = this.looked(s, irqStart, () => (t0, t1, px, put) => {
			const dt = (t1 - t0) / px;
			for (let i = Math.max(0, upper(irqStart, t0) - 1); i < n && irqStart[i]! < t1;) {
				const x = Math.max(0, Math.floor((irqStart[i]! - t0) / dt));
				const end = Math.min(px, Math.max(x + 1, Math.ceil((irqEnd[i]! - t0) / dt)));
				if (irqEnd[i]! >= t0)
					put(x, end, 0, -1);
				/* Many in one column are one cap. */
				const next = gallop(irqStart, t0 + end * dt, i, n);
				i = next - 1 > i && irqEnd[next - 1]! > t0 + end * dt ? next - 1 : next;
			}
		});
		const least = Math.round(2 * this.dpr);
		caps.each((x0, x1) => this.pix.fill(x0 + gx, y0, Math.max(x1, x0 + least) + gx, y1, colour));
	}

	/** The strip under a CPU shows who may run there; the lane of its own all, by class. */
	private queueRow(s: Scene, c: Colours, y: number, h: number, cpu: number): void {
		const {queue} = s.q.m;
		const lane = cpu < 0 ? queue : s.q.queueOf(cpu);
		const lod = s.q.lod(lane, "other");
		const max = s.q.m.queueMax;
		const [y0, y1] = this.band(y, h);
		const full = y1 - y0;
		const ready = c.state[S.ready]!;
		this.each(s, lod, (x0, x1, i) => {
			const v = lane.val[i]!;
			if (!v)
				return;
			if (cpu >= 0) {
				this.pix.fill(x0, y1 - Math.max(Math.round(2 * this.dpr), Math.round(full * queued(v) / max)), x1, y1, ready);
				return;
			}
			let top = y1;
			[v & 1023, v >>> 10 & 1023, v >>> 20].forEach((n, part) => {
				const bottom = top;
				top -= Math.round(full * n / max);
				this.pix.fill(x0, Math.max(y0, top), x1, bottom, c.cls[part]!);
			});
			const above = top / this.dpr - 7;
			if (x1 - x0 > 26 * this.dpr && above > AXIS)
				this.texts.push([x0 / this.dpr + 4, Math.max(above, y + 5), String(queued(v)), above < y + 5 ? s.theme.bg : s.theme.dim, (x1 - x0) / this.dpr - 6]);
		});
		let last = -1;
		for (const l of s.q.m.lost) {
			const x1 = Math.ceil(this.x(s, l.to));
			if (x1 > last && l.to > s.t0 && l.from < s.t1)
				this.lost(s, l.from, l.to, y, h);
			last = Math.max(last, x1);
		}
	}

	/** What nobody knows is crossed, over whatever is there. */
	private lost(s: Scene, from: number, to: number, y: number, h: number): void {
		const [y0, y1] = this.band(y, h);
		const x0 = Math.max(GUTTER, this.x(s, from));
		const x1 = Math.max(x0 + 1, this.x(s, to));
		if (x0 < this.width && x1 > GUTTER)
			this.pix.hatch(Math.round(x0 * this.dpr), y0, Math.round(x1 * this.dpr), y1, pixel(s.theme.state.unknown), pixel(s.theme.bg), 3, Math.round(this.dpr));
	}

	private taskRow(s: Scene, c: Colours, task: number, y: number, h: number, isAsync: boolean): void {
		const lane = s.q.m.tasks[task]!.lane;
		const lod = s.q.lod(lane, "task");
		const [y0, y1] = this.band(y, h);
		const full = y1 - y0;
		const low = y1 - Math.round(full * 0.6);
		const mid = y0 + Math.round(full / 2);
		const {pix} = this;
		const thin = Math.max(1, Math.round(2 * this.dpr));
		const scale = Math.round(this.dpr);
		const poll = pixel(s.theme.state.poll);
		const dimmed = s.task > 0 && s.task !== task;
		this.each(s, lod, (x0, x1, i, many, share) => {
			const v = lane.val[i]!;
			const state = stateOf(v);
			const weak = s.wants ? !s.wants(task, v, lane.start[i]!, lod.end(i), detailOf(v)) : false;
			const colour = (weak ? c.stateFaint : c.state)[state]!;
			switch (state) {
			case S.running:
				if (!many)
					pix.fill(x0, y0, x1, y1, isAsync ? poll : colour);
				if (!many && isAsync)
					pix.fill(x0, y0, x1, y0 + thin, c.bg);
				break;
			case S.ready:
				pix.hatch(x0, low, x1, y1, colour, c.bg, 1, scale);
				if (isAsync)
					pix.fill(x0, low, x1, low + 1, colour);
				break;
			case S.preempted: pix.hatch(x0, low, x1, y1, colour, weak ? c.bg : pixel(mix(s.theme.state.preempted, s.theme.bg, 0.55)), 2, scale); break;
			case S.throttled: pix.hatch(x0, low, x1, y1, colour, c.bg, 3, scale); break;
			case S.waiting: pix.fill(x0, mid - (thin >> 1), x1, mid - (thin >> 1) + thin, dimmed || weak ? c.stateFaint[S.waiting]! : pixel(mix(s.theme.state.waiting, s.theme.bg, 0.35))); break;
			case S.unknown: pix.hatch(x0, y0, x1, y1, c.state[S.unknown]!, c.bg, 3, scale); break;
			default: break;
			}
			if (many && share > 0)
				pix.fill(x0, y1 - Math.max(3 * scale, Math.round(full * Math.min(1, share))), x1, y1, isAsync ? poll : (weak ? c.stateFaint : c.state)[S.running]!);
			const w = (x1 - x0) / this.dpr;
			if (many || w < 40 || y + h / 2 <= AXIS)
				return;
			if (isAsync) {
				const kind = s.q.awaitedName(v, SETS["await_kind"]!);
				const text = state === S.waiting ? kind ? `${kind.replace(/_/g, " ")}${lineOf(v) ? ` :${lineOf(v)}` : ""}` : "idle" : state === S.running ? "polling" : state === S.ready ? "scheduled" : state === S.preempted ? "frozen in its poll" : "";
				if (text && state === S.waiting)
					this.chip(s, x0 / this.dpr, y + h / 2, text, w);
				else if (text && state === S.running)
					this.texts.push([x0 / this.dpr + 5, y + h / 2 + 1, text, textOn(s.theme.state.poll), w - 8]);
			}
		});
	}

	private chip(s: Scene, x: number, y: number, text: string, room: number): void {
		this.ctx.font = FONT;
		const w = this.measure(text) + 8;
		if (w > room)
			return;
		const [y0, y1] = this.band(y - 8, 16);
		this.pix.fill(Math.round((x + 6) * this.dpr), y0, Math.round((x + 6 + w) * this.dpr), y1, pixel(s.theme.bg));
		this.texts.push([x + 10, y + 0.5, text, s.theme.dim, room]);
	}

	private slackRow(s: Scene, c: Colours, r: Row, y: number): void {
		const q = s.q;
		const {jobs} = q.m;
		const relative = q.m.tasks[r.index]!.deadlineNs;
		const [y0, y1] = this.band(y + 2, r.h - 4);
		const d = this.dpr;
		const good = pixel(mix(s.theme.cls.edf, s.theme.bg, 0.35));
		const bad = pixel(s.theme.danger);
		for (const j of q.jobsOf(r.index, s.t0 - relative * 4, s.t1)) {
			const release = jobs.release[j]!;
			const end = Number.isNaN(jobs.done[j]!) ? q.m.t1 : jobs.done[j]!;
			if (!Number.isFinite(jobs.deadline[j]!))
				continue;
			/* Laxity: the time to the deadline less what the job still has to run. */
			const x0 = Math.max(Math.round(GUTTER * d), Math.round(this.x(s, release) * d));
			const x1 = Math.max(x0 + 1, Math.min(this.pix.w, Math.round(this.x(s, end) * d)));
			const step = Math.max(1, Math.round((x1 - x0) / 400));
			for (let x = x0; x < x1; x += step) {
				const t = Math.min(end, Math.max(release, this.t(s, x / d)));
				const slack = jobs.deadline[j]! - t - q.ranIn(r.index, t, end);
				const share = Math.max(-0.25, Math.min(1, slack / relative));
				const h = Math.max(1, Math.round((y1 - y0) * Math.abs(share)));
				this.pix.fill(x, y1 - h, Math.min(x + step, x1), y1, slack < 0 ? bad : good);
			}
		}
		void c;
	}

	private lockRow(s: Scene, c: Colours, r: Row, y: number): void {
		const lane = s.q.m.locks[r.index]!.lane;
		const [y0, y1] = this.band(y + 3, 14);
		const lod = s.q.lod(lane, "other");
		this.each(s, lod, (x0, x1, i) => {
			const v = lane.val[i]!;
			if (!v)
				return;
			this.pix.fill(x0, y0, x1, y1, (s.task > 0 && s.task !== v ? c.faint : c.task)[v]!);
			const w = (x1 - x0) / this.dpr;
			if (w > 22 && y + 10 > AXIS)
				this.texts.push([x0 / this.dpr + 5, y + 10.5, s.q.label(v), c.text[v]!, w - 8]);
		});
		const waiters = s.q.m.lockWaiters[r.index]!;
		const [w0, w1] = this.band(y + 18, 6);
		const unit = Math.max(1, Math.round(2 * this.dpr));
		this.each(s, s.q.lod(waiters, "other"), (x0, x1, i) => {
			const n = waiters.val[i]!;
			if (n)
				this.pix.hatch(x0, Math.max(w0, w1 - n * unit), x1, w1, c.state[S.ready]!, c.bg, 1, Math.round(this.dpr));
		});
	}

	private stackRow(s: Scene, c: Colours, r: Row, y: number): void {
		const lane = s.q.m.stacks[r.index]!.lane;
		const [y0, y1] = this.band(y + 3, 14);
		const used = pixel(mix(s.theme.accent, s.theme.bg, 0.45));
		this.each(s, s.q.lod(lane, "other"), (x0, x1, i) => {
			const v = lane.val[i]!;
			if (!v)
				return;
			const frozen = v >= 0x80000000;
			const task = v & 0x7fffffff;
			if (frozen)
				this.pix.hatch(x0, y0, x1, y1, c.state[S.preempted]!, c.bg, 2, Math.round(this.dpr));
			else
				this.pix.fill(x0, y0, x1, y1, used);
			const w = (x1 - x0) / this.dpr;
			if (w > 34 && y + 10 > AXIS) {
				const text = frozen ? `${s.q.label(task)} frozen` : `CPU ${v - 1}`;
				if (frozen)
					this.chip(s, x0 / this.dpr, y + 10, text, w);
				else
					this.texts.push([x0 / this.dpr + 5, y + 10.5, text, s.theme.text, w - 8]);
			}
		});
	}

	rowY(s: Scene, r: Row): number {
		return AXIS + r.y - s.scroll;
	}

	private gutter(s: Scene, c: Colours, visible: Row[]): void {
		const {ctx} = this;
		ctx.fillStyle = s.theme.bg;
		ctx.fillRect(0, AXIS, GUTTER - 1, this.height - AXIS);
		ctx.fillStyle = s.theme.line;
		ctx.fillRect(GUTTER - 1, AXIS, 1, this.height);
		for (const r of visible) {
			const y = this.rowY(s, r);
			if (r.kind === "head") {
				ctx.fillStyle = s.theme.panel;
				ctx.fillRect(0, y, this.width, r.h - 1);
				ctx.fillStyle = s.theme.dim;
				ctx.fillText(`${s.closed.has(r.group) ? "▸" : "▾"}  ${r.label}`, 10, y + r.h / 2);
				continue;
			}
			const own = r.kind === "task" || r.kind === "async" || r.kind === "slack";
			if (own && r.index === s.task) {
				ctx.fillStyle = s.theme.raised;
				ctx.fillRect(0, y, GUTTER - 1, r.h);
			}
			if (own) {
				ctx.fillStyle = s.theme.cls[classPart(s.q.m.tasks[r.index]!.cls)];
				ctx.fillRect(10, y + r.h / 2 - 6, 8, 12);
				if (s.pins.has(r.index))
					ctx.fillText("•", 3, y + r.h / 2);
			}
			ctx.fillStyle = own && r.index === s.task ? s.theme.accent : s.theme.text;
			ctx.fillText(this.fit(r.label, GUTTER - (own ? 32 : 18)), own ? 26 : 10, y + (r.kind === "cpu" ? 18 : r.h / 2 + 0.5));
			if (r.kind === "cpu") {
				ctx.fillStyle = s.theme.dim;
				ctx.textAlign = "right";
				ctx.fillText("ready", GUTTER - 8, y + 45);
				ctx.textAlign = "left";
			}
		}
		void c;
	}

	private axis(s: Scene, axis: ReturnType<typeof ticks>): void {
		const {ctx} = this;
		ctx.fillStyle = s.theme.panel;
		ctx.fillRect(0, 0, this.width, AXIS - 1);
		ctx.fillStyle = s.theme.line;
		ctx.fillRect(0, AXIS - 1, this.width, 1);
		for (const t of axis.at) {
			const x = this.x(s, t);
			if (x < GUTTER - 1 || x > this.width)
				continue;
			ctx.fillStyle = s.theme.dim;
			ctx.fillRect(x, AXIS - 7, 1, 6);
			if (x < this.width - 30)
				ctx.fillText(axis.label(t), x + 4, AXIS / 2);
		}
		ctx.fillStyle = s.theme.text;
		ctx.fillText(duration(s.t1 - s.t0), 10, AXIS / 2);
		for (const n of s.notes) {
			const x = this.x(s, n.time);
			if (x < GUTTER || x > this.width)
				continue;
			ctx.fillStyle = s.theme.accent;
			ctx.fillRect(x, 2, 1.5, this.height);
			const text = this.fit(n.text, 160);
			ctx.fillRect(x, 2, this.measure(text) + 10, AXIS - 6);
			ctx.fillStyle = s.theme.name === "dark" ? "#0b0f14" : "#ffffff";
			ctx.fillText(text, x + 5, AXIS / 2 - 1);
		}
		if (s.hover && s.hover.x > GUTTER) {
			const text = instant(this.t(s, s.hover.x));
			const w = this.measure(text) + 12;
			const x = Math.min(this.width - w, s.hover.x + 1);
			ctx.fillStyle = s.theme.raised;
			ctx.fillRect(x, 1, w, AXIS - 3);
			ctx.fillStyle = s.theme.text;
			ctx.fillText(text, x + 6, AXIS / 2);
		}
	}
}
