/** The view in the URL: everything that a mailed link must bring back. */
import {called} from "./compare.js";
import type {App} from "./main.js";
import {CLOSED_AT_FIRST} from "./rows.js";

export function readHash(): URLSearchParams {
	return new URLSearchParams(location.hash.slice(1));
}

export function link(app: App): string {
	const s = app.scene;
	const p = new URLSearchParams();
	p.set("t", `${Math.round(s.t0)}-${Math.round(s.t1)}`);
	if (s.sel)
		p.set("sel", s.sel.k + ":" + (s.sel.k === "slice" ? [s.sel.cpu, s.sel.i] : s.sel.k === "state" ? [s.sel.task, s.sel.i] : s.sel.k === "lock" ? [s.sel.lock, s.sel.i] : s.sel.k === "stack" ? [s.sel.stack, s.sel.i] : s.sel.k === "queue" ? [s.sel.t, ...(s.sel.cpu === undefined ? [] : [s.sel.cpu])] : [s.sel.i]).join(","));
	if (s.range)
		p.set("range", s.range.map(Math.round).join("-"));
	if (app.filter.text)
		p.set("q", app.filter.text);
	if (s.pins.size)
		p.set("pins", [...s.pins].join(","));
	const toggled = [...new Set([...s.closed, ...CLOSED_AT_FIRST])].filter((g) => s.closed.has(g) !== CLOSED_AT_FIRST.includes(g));
	if (toggled.length)
		p.set("groups", toggled.join(","));
	if (app.tab)
		p.set("tab", app.tab);
	if (app.other ?? app.compares)
		p.set("compare", app.other ? called(app.other) : app.compares);
	if (!app.side)
		p.set("side", "0");
	if (s.scroll)
		p.set("y", String(Math.round(s.scroll)));
	p.set("theme", s.theme.name);
	return p.toString();
}

export function fromHash(app: App): void {
	const p = readHash();
	const s = app.scene;
	const pair = (text: string | null): [number, number] | undefined => {
		const m = /^(-?\d+)-(-?\d+)$/.exec(text ?? "");
		return m && Number(m[2]) > Number(m[1]) ? [Number(m[1]), Number(m[2])] : undefined;
	};
	const t = pair(p.get("t"));
	if (t)
		app.setView(...t);
	s.range = pair(p.get("range"));
	const sel = /^(dec|slice|state|lock|stack|flag|queue):([\d.]+)(?:,(\d+))?$/.exec(p.get("sel") ?? "");
	if (sel) {
		const [a, b] = [Number(sel[2]), Number(sel[3])];
		s.sel = sel[1] === "slice" ? {k: "slice", cpu: a, i: b} : sel[1] === "state" ? {k: "state", task: a, i: b} : sel[1] === "lock" ? {k: "lock", lock: a, i: b} : sel[1] === "stack" ? {k: "stack", stack: a, i: b}
			: sel[1] === "queue" ? {k: "queue", t: a, ...(sel[3] ? {cpu: b} : {})} : {k: sel[1] as "dec" | "flag", i: a};
	}
	app.input.value = p.get("q") ?? "";
	s.pins = new Set((p.get("pins") ?? "").split(",").map(Number).filter((i) => i > 0 && i < app.q.m.tasks.length));
	for (const g of (p.get("groups") ?? "").split(",").filter(Boolean))
		if (!s.closed.delete(g))
			s.closed.add(g);
	app.tab = p.get("tab") ?? "";
	app.compares = p.get("compare") ?? "";
	app.setSide(p.get("side") !== "0");
	s.scroll = Number(p.get("y") ?? 0) || 0;
}
