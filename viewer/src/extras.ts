/** Tabs and exports beyond the first ones. */
import {DELTA_HEAD, compareBody, deltas} from "./compare.js";
import {csv, el, save} from "./dom.js";
import {perfetto} from "./perfetto.js";
import {png, svg} from "./picture.js";
import type {PanelHost} from "./panels.js";
import type {Query} from "./query.js";
import type {Scene, Sel} from "./scene.js";
import {sequence} from "./sequence.js";
import {percentile, taskStats} from "./stats.js";

export interface Extra extends PanelHost {
	other: Query | undefined;
	scene: Scene;
	painter: {width: number; height: number};
	span(): [number, number];
	/** The trace that a link compares with, while there is no other. */
	compares: string;
	swap(sel: Sel | undefined): void;
	pick(compare: boolean): void;
	saveNotes(): void;
}

export const EXTRA_TABS: {id: string; name: string; make: (app: Extra) => HTMLElement}[] = [
	{id: "sequence", name: "Sequence", make: (app) => {
		const {chart, note} = sequence(app.q, ...app.span());
		return el("div", {}, el("div", {class: "bar-line"}, note), chart);
	}},
	{id: "compare", name: "Compare", make: (app) => app.other
		? compareBody(app, app.other, el("button", {class: "small", click: () => save("compare.csv", csv(DELTA_HEAD, deltas(app.q, app.other!)), "text/csv")}, "CSV"))
		: el("div", {}, el("p", {class: "hint"}, app.compares ? `This link compares the trace with ${app.compares}: open that one with Compare… above.` : "Open a second trace with Compare… above, for example of the same seed under another policy. It is aligned by task and job; the first decision that differs is shown with both explanations."), el("button", {click: () => app.pick(true)}, "Choose its files…"))},
];

const NANO = ["task", "runs", "preempted", "migrations", "cpu_ns", "queued_ns", "jobs", "missed", "response_p50_ns", "response_p99_ns", "response_worst_ns", "latency_p50_ns", "latency_p99_ns", "latency_worst_ns"];

/** The numbers of the Range tab without units, for further work. */
export function rangeCsv(q: Query, a: number, b: number): string {
	return csv(NANO, q.m.tasks.slice(1).map((_, k) => {
		const s = taskStats(q, k + 1, a, b);
		const [r, l] = [s.response, s.latency].map((v) => v.slice().sort((x, y) => x - y)) as [number[], number[]];
		const ps = [r, l].flatMap((v) => [percentile(v, 50), percentile(v, 99), v[v.length - 1] ?? NaN]);
		return [q.label(k + 1), s.runs, s.preempted, s.migrations, s.cpuNs, s.readyNs, s.jobs, s.missed, ...ps.map((p) => Number.isNaN(p) ? "" : p)];
	}));
}

export const MENU: {name: string; run: (app: Extra) => void}[] = [
	{name: "Picture for a paper (SVG)", run: (app) => save("trace.svg", svg(app.scene, ...app.span()), "image/svg+xml")},
	{name: "The lanes in sight (PNG)", run: (app) => void png(app.scene, app.painter.width, app.painter.height).then((b) => save("trace.png", b, "image/png"))},
	{name: "Statistics of the range (CSV)", run: (app) => save("range.csv", rangeCsv(app.q, ...app.span()), "text/csv")},
	{name: "Range for Perfetto", run: (app) => save("trace.pftrace", perfetto(app.q, ...app.span()) as BlobPart, "application/octet-stream")},
	{name: "Notes (JSON)", run: (app) => app.saveNotes()},
];

