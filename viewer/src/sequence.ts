/** The same events as a chart of messages: lifelines of CPUs and tasks, time downwards. */
import {EV} from "events";
import {codeName} from "./decode.js";
import type {Query} from "./query.js";
import {duration} from "./time.js";

const NS = "http://www.w3.org/2000/svg";
const MESSAGES_MAX = 80;
const LINES_MAX = 18;

export interface Message {
	time: number;
	from: string;
	to: string;
	text: string;
	irq: boolean;
}

/** Wake-ups, hint interrupts and switches of [t0, t1), at most `max`. */
export function messages(q: Query, t0: number, t1: number, max: number): Message[] {
	const out: Message[] = [];
	const keep = new Set<number>([EV.SCHED_WAKEUP, EV.IPI_SEND, EV.SCHED_SWITCH]);
	for (const e of q.events(t0, t1, max, (x) => keep.has(x.id))) {
		const f = q.fields(e.word) as Record<string, number>;
		const cpu = `CPU ${e.cpu}`;
		if (e.id === EV.SCHED_WAKEUP) {
			const source = codeName("wake_source", f["source"]!);
			out.push({time: e.time, from: source === "task" && f["waker_tid"] ? q.label(q.taskOf(f["waker_tid"])) : cpu, to: q.label(q.taskOf(f["tid"]!)),
				text: f["result"] === 1 ? "wakes (noted)" : "wakes", irq: source !== "task"});
		} else if (e.id === EV.IPI_SEND) {
			out.push({time: e.time, from: cpu, to: `CPU ${f["target_cpu"]}`, text: "hint", irq: true});
		} else {
			if (f["next_tid"])
				out.push({time: e.time, from: cpu, to: q.label(q.taskOf(f["next_tid"])), text: "runs", irq: false});
			else
				out.push({time: e.time, from: q.label(q.taskOf(f["prev_tid"]!)), to: cpu, text: `${codeName("switch_why", f["why"]!)}, idle`, irq: false});
		}
	}
	return out;
}

function node(tag: string, attrs: Record<string, string | number>, text = ""): SVGElement {
	const out = document.createElementNS(NS, tag);
	for (const [k, v] of Object.entries(attrs))
		out.setAttribute(k, String(v));
	if (text)
		out.textContent = text;
	return out;
}

export function sequence(q: Query, t0: number, t1: number): {chart: SVGElement; note: string} {
	const all = messages(q, t0, t1, MESSAGES_MAX + 1);
	const list = all.slice(0, MESSAGES_MAX);
	const used = new Set(list.flatMap((m) => [m.from, m.to]));
	const lines = [...[...used].filter((n) => n.startsWith("CPU ")).sort(), ...[...used].filter((n) => !n.startsWith("CPU "))].slice(0, LINES_MAX);
	const gap = 104;
	const step = 24;
	const left = 92;
	const w = left + lines.length * gap;
	const h = 44 + list.length * step + 12;
	const svg = node("svg", {width: w, height: h, viewBox: `0 0 ${w} ${h}`, class: "msc", role: "img", "aria-label": `${list.length} messages among ${lines.length} lifelines`});
	const x = (name: string): number => left + lines.indexOf(name) * gap + gap / 2;
	for (const name of lines) {
		svg.append(node("line", {x1: x(name), x2: x(name), y1: 30, y2: h, stroke: "var(--line)"}), node("rect", {x: x(name) - 46, y: 4, width: 92, height: 24, rx: 5, fill: "var(--raised)", stroke: name.startsWith("CPU") ? "var(--dim)" : "var(--edf)"}),
			node("text", {x: x(name), y: 20, "text-anchor": "middle", fill: "var(--text)", "font-size": 12}, name.slice(0, 13)));
	}
	let y = 52;
	for (const m of list) {
		if (lines.includes(m.from) && lines.includes(m.to)) {
			const [a, b] = [x(m.from), x(m.to)];
			const dir = b >= a ? 1 : -1;
			const colour = m.text === "hint" ? "var(--irq)" : m.text === "runs" ? "var(--good)" : m.text.startsWith("wakes") ? "var(--accent)" : "var(--dim)";
			svg.append(node("text", {x: left - 10, y: y + 4, "text-anchor": "end", fill: "var(--dim)", "font-size": 12}, `+${duration(m.time - t0)}`));
			if (a === b)
				svg.append(node("path", {d: `M${a} ${y - 5}h26v10h-22`, fill: "none", stroke: colour, "stroke-width": 1.5}));
			else
				svg.append(node("line", {x1: a, y1: y, x2: b - 7 * dir, y2: y, stroke: colour, "stroke-width": 1.5, "stroke-dasharray": m.irq ? "5 3" : "none"}));
			svg.append(node("path", {d: a === b ? `M${a + 1} ${y + 5}l7 -4v8z` : `M${b} ${y}l${-8 * dir} -4v8z`, fill: colour}),
				node("text", {x: a === b ? a + 32 : (a + b) / 2, y: y - 5, "text-anchor": a === b ? "start" : "middle", fill: "var(--text)", "font-size": 12}, m.text));
		}
		y += step;
	}
	return {chart: svg, note: all.length > MESSAGES_MAX ? `The first ${MESSAGES_MAX} messages; zoom in or mark a range for others.` : `${list.length} messages: wake-ups, hints (dashed: from an interrupt) and what each CPU runs.`};
}
