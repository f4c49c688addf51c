/** Two traces: tasks aligned by name and place among their namesakes, jobs by number, decisions by their order. */
import {el, table, type Child} from "./dom.js";
import type {Extra} from "./extras.js";
import {columns} from "./lod.js";
import {IDLE, OFFLINE, UNKNOWN} from "./model.js";
import {reasons, type PanelHost} from "./panels.js";
import {Pix} from "./pix.js";
import type {Query} from "./query.js";
import {classPart, type Scene} from "./scene.js";
import {percentile, taskStats} from "./stats.js";
import {mix, pixel} from "./theme.js";
import {duration} from "./time.js";

/** "name" or "name~2": the same for the same task of another run. */
export function keys(q: Query): string[] {
	const seen = new Map<string, number>();
	return q.m.tasks.map((t) => {
		const n = (seen.get(t.name) ?? 0) + 1;
		seen.set(t.name, n);
		return n > 1 ? `${t.name}~${n}` : t.name;
	});
}

export interface Divergence {
	/** How many dispatches the two have in common, from the start. */
	common: number;
	same: boolean;
	what: string;
	/** The decisions of the first dispatch that differs, -1 where a trace has ended. */
	a: number;
	b: number;
}

/** Decisions that gave a CPU to a task, in the scheduler's order, as "task, job". */
function dispatches(q: Query): {index: number; what: string}[] {
	const k = keys(q);
	const d = q.m.decisions;
	const order = [...d.word.keys()].sort((x, y) => (q.u32[d.word[x]! + 2]! - q.u32[d.word[y]! + 2]!) | 0);
	const out: {index: number; what: string}[] = [];
	for (const index of order) {
		const w = d.word[index]!;
		const c = q.m.raw[w * 4 + 14]!;
		if (c >= q.m.raw[w * 4 + 15]!)
			continue;
		const task = q.taskOf(q.u32[w + 6 + c * 6]! | 0);
		const job = q.jobAt(task, d.time[index]!);
		out.push({index, what: `${k[task]}${job >= 0 ? `, job ${q.m.jobs.number[job]}` : ""}`});
	}
	return out;
}

/** The first dispatch of another task or job. Which CPU takes it is no difference: scheduling is global. */
export function divergence(a: Query, b: Query): Divergence {
	const [x, y] = [dispatches(a), dispatches(b)];
	const n = Math.min(x.length, y.length);
	let i = 0;
	while (i < n && x[i]!.what === y[i]!.what)
		i++;
	if (i === x.length && i === y.length)
		return {common: i, same: true, what: "", a: -1, b: -1};
	const [p, r] = [x[i], y[i]];
	return {common: i, same: false, a: p?.index ?? -1, b: r?.index ?? -1,
		what: p && r ? `A runs ${p.what}; B runs ${r.what}` : `${p ? "B" : "A"} ends, ${p ? "A" : "B"} goes on with ${(p ?? r)!.what}`};
}

function column(title: string, host: PanelHost, index: number): HTMLElement {
	return el("section", {class: "side", "aria-label": `Decision of ${title}`}, el("h3", {}, title, " ", index >= 0 && el("button", {class: "small", click: () => host.go({k: "dec", i: index})}, `show it in ${title}`)),
		...(index >= 0 ? reasons(host, index) : [el("p", {}, "has ended.")]));
}

/** How a trace is called beside another one. */
export function called({m: {about}}: Query): string {
	return [about.name || about.board + (about.seed && ` seed ${about.seed}`), /--cmdline[ =]('[^']*'|\S+)/.exec(about.run)?.[1]].filter(Boolean).join(", ");
}

/** A above B for each CPU; what is the same is faint. */
export function paintPairs(canvas: HTMLCanvasElement, s: Scene, b: Query, w: number, dpr: number): void {
	const a = s.q;
	const cpus = Math.max(a.m.cpus.length, b.m.cpus.length);
	const W = Math.round(w * dpr);
	const lane = Math.round(9 * dpr);
	const H = cpus * (lane * 2 + Math.round(6 * dpr));
	canvas.width = W;
	canvas.height = H;
	canvas.style.height = `${H / dpr}px`;
	const pix = new Pix(W, H);
	pix.buf.fill(pixel(s.theme.bg));
	const [ka, kb] = [keys(a), keys(b)];
	const names = (q: Query, k: string[], cpu: number): (string | undefined)[] => {
		const out: (string | undefined)[] = new Array<string | undefined>(W);
		const c = q.m.cpus[cpu];
		if (c)
			columns(q.lod(c.lane, "cpu"), s.t0, s.t1, W, (x0, x1, i) => {
				const v = c.lane.val[i]!;
				out.fill(v === IDLE || v === OFFLINE ? undefined : v === UNKNOWN ? "?" : k[v], x0, x1);
			});
		return out;
	};
	for (let cpu = 0; cpu < cpus; cpu++) {
		const both = [names(a, ka, cpu), names(b, kb, cpu)];
		const y = cpu * (lane * 2 + Math.round(6 * dpr));
		[a, b].forEach((q, side) => {
			const k = side ? kb : ka;
			for (let x = 0; x < W; x++) {
				const name = both[side]![x];
				if (!name)
					continue;
				const t = q.m.tasks[k.indexOf(name)];
				const colour = t ? s.theme.cls[classPart(t.cls)] : s.theme.state.unknown;
				pix.fill(x, y + side * lane, x + 1, y + side * lane + lane - 1, pixel(both[0]![x] === both[1]![x] ? mix(colour, s.theme.bg, 0.75) : colour));
			}
		});
	}
	canvas.getContext("2d")!.putImageData(pix.data, 0, 0);
}

export const DELTA_HEAD = ["task", "jobs A", "B", "missed A", "B", "runs A", "B", "preempted A", "B", "response p50 A", "B", "p99 A", "B", "worst A", "B", "difference"];

export function deltas(a: Query, b: Query): (string | number)[][] {
	const [ka, kb] = [keys(a), keys(b)];
	return ka.flatMap((k, i) => {
		const j = kb.indexOf(k);
		if (!i || j < 0)
			return [];
		const x = taskStats(a, i, a.m.t0, a.m.t1);
		const y = taskStats(b, j, b.m.t0, b.m.t1);
		const [p, r] = [x, y].map((s) => s.response.slice().sort((u, v) => u - v)) as [number[], number[]];
		const show = (v: number): string => Number.isNaN(v) ? "–" : duration(v);
		const worst = [p[p.length - 1] ?? NaN, r[r.length - 1] ?? NaN] as const;
		return [[k, x.jobs, y.jobs, x.missed, y.missed, x.runs, y.runs, x.preempted, y.preempted, show(percentile(p, 50)), show(percentile(r, 50)), show(percentile(p, 99)), show(percentile(r, 99)),
			show(worst[0]), show(worst[1]), Number.isNaN(worst[0] + worst[1]) ? "–" : `${worst[1] > worst[0] ? "+" : ""}${duration(worst[1] - worst[0])}`]];
	});
}

/* Of the two that were compared last: a change of the view does not change it. */
let known: {a: Query; b: Query; d: Divergence; rows: (string | number)[][]} | undefined;

export function compareBody(app: Extra, b: Query, more: Child): HTMLElement {
	const a = app.q;
	if (known?.a !== a || known.b !== b)
		known = {a, b, d: divergence(a, b), rows: deltas(a, b)};
	const {d, rows} = known;
	const canvas = el("canvas", {role: "img", class: "pairs", "aria-label": "Each CPU in A above the same in B; what differs is bright"}) as HTMLCanvasElement;
	requestAnimationFrame(() => canvas.isConnected && paintPairs(canvas, app.scene, b, canvas.getBoundingClientRect().width, Math.min(2, devicePixelRatio)));
	const none = (): void => undefined;
	return el("div", {}, el("p", {class: d.same ? "verdict right" : "verdict wrong", id: "divergence"}, d.same ? `✓ All ${d.common} dispatches are the same.` : `First divergence after ${d.common} dispatches: ${d.what}.`),
		el("p", {class: "sub"}, `A is ${called(a)}, B is ${called(b)}. CPUs in view, A above B; what is the same is faint. `, el("button", {class: "small", click: () => app.swap(undefined)}, "swap A and B")), canvas,
		!d.same && el("div", {class: "two"}, column("A", app, d.a), column("B", {q: b, go: (sel) => app.swap(sel), goTime: (t) => app.goTime(t), step: none, play: none, playing: false, quiz: undefined, answer: none}, d.b)),
		el("h3", {}, "Tasks"), table("Differences by task", DELTA_HEAD, rows), more);
}
