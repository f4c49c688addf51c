/** The tabs at the bottom: events, statistics, histograms, matches, checks. */
import {LAYOUTS, codeName, eventText} from "./decode.js";
import {csv, el, save, table} from "./dom.js";
import {matches, type Filter} from "./filter.js";
import {STATE_NAMES, stateOf} from "./model.js";
import type {Query} from "./query.js";
import type {Sel} from "./scene.js";
import {cpuStats, histogram, percentile, taskStats, type TaskStats} from "./stats.js";
import {duration, instant} from "./time.js";
import {taskOrder} from "./rows.js";

export interface DockHost {
	q: Query;
	/** The range, or what is in view. */
	span(): [number, number];
	task: number;
	filter: Filter;
	go(sel: Sel): void;
	goTime(t: number): void;
}

const EVENTS_MAX = 400;
const us = (ns: number): string => Number.isNaN(ns) ? "–" : duration(ns);

function exportButton(name: string, head: string[], rows: () => (string | number)[][]): HTMLElement {
	return el("button", {class: "small", click: () => save(name, csv(head, rows()), "text/csv")}, "CSV");
}

export function eventsTab(h: DockHost): HTMLElement {
	const [a, b] = h.span();
	const list = h.q.events(a, b, EVENTS_MAX + 1, h.filter.event);
	const shown = list.slice(0, EVENTS_MAX);
	const text = (e: typeof list[number]): string => {
		const l = LAYOUTS[e.id];
		return l ? eventText(l, h.q.fields(e.word), (tid) => h.q.nameOf(tid)) : `event ${e.id}, which this viewer does not know`;
	};
	return el("div", {}, el("div", {class: "bar-line"}, `${list.length > EVENTS_MAX ? `the first ${EVENTS_MAX}` : list.length} events of ${instant(a)} to ${instant(b)} `,
		exportButton("events.csv", ["time_ns", "cpu", "event"], () => h.q.events(a, b, 1e6, h.filter.event).map((e) => [e.time, e.cpu, text(e)]))),
		table("Events", ["time", "CPU", "event"], shown.map((e) => {
			const line = text(e);
			const at = line.indexOf(":");
			return [el("button", {class: "link", click: () => h.goTime(e.time)}, instant(e.time)), e.cpu,
				el("span", {title: LAYOUTS[e.id]?.meaning ?? ""}, el("strong", {}, at < 0 ? line : line.slice(0, at)), at < 0 ? "" : line.slice(at + 1))];
		})));
}

function statsRow(h: DockHost, s: TaskStats): (string | number)[] {
	const r = s.response.slice().sort((x, y) => x - y);
	const l = s.latency.slice().sort((x, y) => x - y);
	const t = h.q.m.tasks[s.task]!;
	return [h.q.label(s.task), t.cls < 0 ? "?" : codeName("sched_class", t.cls), s.runs, s.preempted, s.migrations, duration(s.cpuNs), duration(s.readyNs), s.jobs, s.missed,
		us(percentile(r, 50)), us(percentile(r, 99)), us(r[r.length - 1] ?? NaN), us(percentile(l, 50)), us(percentile(l, 99)), us(l[l.length - 1] ?? NaN)];
}

export const STATS_HEAD = ["task", "class", "runs", "preempted", "migrations", "CPU time", "queued", "jobs", "missed", "response p50", "p99", "worst", "wake to run p50", "p99", "worst"];

export function statsTab(h: DockHost): HTMLElement {
	const [a, b] = h.span();
	const all = taskOrder(h.q).filter(h.filter.task).map((i) => taskStats(h.q, i, a, b)).filter((s) => s.cpuNs || s.readyNs || s.jobs);
	const cpus = h.q.m.cpus.map((_, i) => cpuStats(h.q, i, a, b));
	return el("div", {}, el("div", {class: "bar-line"}, `${duration(b - a)} from ${instant(a)} `,
		exportButton("tasks.csv", STATS_HEAD, () => all.map((s) => statsRow(h, s)))),
		el("div", {class: "two"}, table("Tasks in the range", STATS_HEAD, all.map((s) => {
			const row: (string | number | HTMLElement)[] = statsRow(h, s);
			row[0] = el("button", {class: "link", click: () => h.go({k: "state", task: s.task, i: Math.max(0, h.q.stateAt(s.task, a).i)})}, row[0]!);
			return row;
		})), table("CPUs in the range", ["CPU", "busy", "unknown", "switches", "interrupts"], cpus.map((c) => [c.cpu, `${(c.busyNs / (b - a) * 100).toFixed(1)} %`, `${(c.unknownNs / (b - a) * 100).toFixed(1)} %`, c.switches, c.irqs]))));
}

function bars(title: string, values: number[], name: string): HTMLElement {
	const sorted = values.slice().sort((a, b) => a - b);
	const buckets = histogram(values);
	const max = Math.max(1, ...buckets.map((b) => b.n));
	return el("figure", {class: "hist"}, el("figcaption", {}, el("strong", {}, title), ` ${values.length} · median ${us(percentile(sorted, 50))} · p95 ${us(percentile(sorted, 95))} · p99 ${us(percentile(sorted, 99))} · worst ${us(sorted[sorted.length - 1] ?? NaN)} `,
		exportButton(`${name}.csv`, ["from_ns", "to_ns", "count"], () => buckets.map((b) => [b.from, b.to, b.n]))),
		el("div", {class: buckets.length > 9 ? "bars many" : "bars", role: "img", "aria-label": `${title}: ${buckets.map((b) => `${b.n} from ${duration(b.from)} to ${duration(b.to)}`).join(", ")}`},
			...buckets.map((b) => el("div", {class: "bin", title: `${duration(b.from)} to ${duration(b.to)}: ${b.n}`}, el("span", {}, b.n), el("i", {"data-h": String(b.n / max)}), el("span", {}, duration(b.from))))));
}

export function histogramTab(h: DockHost): HTMLElement {
	const [a, b] = h.span();
	const which = h.task ? [h.task] : taskOrder(h.q).filter(h.filter.task);
	const all = which.map((i) => taskStats(h.q, i, a, b));
	const name = h.task ? h.q.label(h.task) : `${which.length} tasks`;
	return el("div", {class: "two"}, bars(`Response time of ${name}`, all.flatMap((s) => s.response), "response"),
		bars(`Wake-up to run of ${name}`, all.flatMap((s) => s.latency), "latency"));
}

export function matchesTab(h: DockHost): HTMLElement {
	const f = h.filter;
	if (f.hasDecision) {
		const d = h.q.m.decisions;
		const found: number[] = [];
		for (let i = 0; i < d.time.length && found.length < EVENTS_MAX; i++)
			if (f.decision(i))
				found.push(i);
		return el("div", {}, el("div", {class: "bar-line"}, `${found.length}${found.length === EVENTS_MAX ? " or more" : ""} decisions`),
			table("Decisions that match", ["time", "CPU", "rule", "candidates"], found.map((i) => [el("button", {class: "link", click: () => h.go({k: "dec", i})}, instant(d.time[i]!)), d.cpu[i]!,
				codeName("rule", h.q.u32[d.word[i]! + 3]! & 255).replace(/_/g, " "), h.q.u32[d.word[i]! + 3]! >>> 24])));
	}
	if (f.hasEvent)
		return eventsTab(h);
	if (!f.text)
		return el("p", {class: "hint"}, "Type a filter above: a name, state=ready dur>500us, class=edf missed, rule=first_come cands>=3, event=sched_miss. ! in front of a term negates it. Terms with commas list alternatives.");
	const list = matches(h.q, f, EVENTS_MAX);
	return el("div", {}, el("div", {class: "bar-line"}, `${list.length}${list.length === EVENTS_MAX ? " or more" : ""} stretches`),
		table("States that match", ["from", "task", "state", "for"], list.map((m) => [el("button", {class: "link", click: () => h.go({k: "state", task: m.task, i: m.i})}, instant(m.from)), h.q.label(m.task), STATE_NAMES[stateOf(m.val)]!, duration(m.to - m.from)])));
}

export function checksTab(h: DockHost): HTMLElement {
	const {m} = h.q;
	const d = m.decisions;
	const wrong = [...m.decisions.wrong.subarray(0, EVENTS_MAX)];
	const text = m.texts.get("check.txt");
	const summary = text?.split("\n").filter((l) => /^\d+ (events|jobs|violations)|^(judged|never judged|note):/.test(l)) ?? [];
	return el("div", {},
		m.problems.length > 0 && table("Problems of the files", ["file", "byte", "problem"], m.problems.map((p) => [p.file, p.byte, p.text]), () => ({class: "bad"})),
		el("p", {class: "hint"}, wrong.length ? `${m.decisions.wrong.length} decisions are not what their candidates say:` : `All ${d.time.length} decisions were recomputed from their candidates; none is wrong.`),
		wrong.length > 0 && table("Wrong decisions", ["time", "CPU"], wrong.map((i) => [el("button", {class: "link", click: () => h.go({k: "dec", i})}, instant(d.time[i]!)), d.cpu[i]!])),
		m.lost.length > 0 && table("Lost events", ["CPU", "from", "to"], m.lost.slice(0, EVENTS_MAX).map((l) => [l.cpu, instant(l.from), instant(l.to)])),
		m.flags.length > 0 && table("Marks, misses and violations", ["time", "CPU", "kind", "what"], m.flags.slice(0, EVENTS_MAX).map((f, i) => [el("button", {class: "link", click: () => h.go({k: "flag", i})}, instant(f.time)), f.cpu, f.kind, f.text])),
		summary.length > 0 && el("pre", {tabindex: "0", "aria-label": "What fermata-trace check said"}, summary.join("\n")),
		!text && el("p", {class: "hint"}, "The invariants over the whole trace were not judged with it: make trace does, or put the output of fermata-trace check beside the trace as check.txt."));
}
