/** The panel on the right: what the selection is, in words and tables. */
import {SETS} from "events";
import {el, table, type Child} from "./dom.js";
import {LAYOUTS, codeName} from "./decode.js";
import {explain, ranked, type Explained} from "./explain.js";
import {IDLE, OFFLINE, S, STATE_NAMES, UNKNOWN, detailOf, lineOf, stateOf} from "./model.js";
import type {Ev, Query} from "./query.js";
import type {Sel} from "./scene.js";
import {classes, debugAt, replayTo, rerun} from "./rerun.js";
import {percentile, taskStats} from "./stats.js";
import {duration, instant, seconds} from "./time.js";

export interface PanelHost {
	q: Query;
	go(sel: Sel): void;
	goTime(t: number): void;
	step(by: number): void;
	play(): void;
	playing: boolean;
	/** The decision that the student is to predict, -1 without. */
	quiz: {index: number; answered: number | undefined; score: string} | undefined;
	answer(task: number): void;
}

function section(title: string, ...children: Child[]): HTMLElement {
	return el("section", {}, el("h3", {}, title), ...children);
}

function link(text: string, f: () => void): HTMLElement {
	return el("button", {class: "link", click: f}, text);
}

function taskLink(host: PanelHost, i: number, t: number): HTMLElement {
	return i ? link(host.q.label(i), () => host.go({k: "state", task: i, i: Math.max(0, host.q.stateAt(i, t).i)})) : el("span", {}, "idle");
}

function stepper(host: PanelHost): HTMLElement {
	return section("Step", el("div", {class: "buttons"},
		el("button", {click: () => host.step(-1)}, "◀ previous ", el("kbd", {}, "[")),
		el("button", {click: () => host.step(1)}, "next ▶ ", el("kbd", {}, "]")),
		el("button", {click: () => host.play(), "aria-pressed": String(host.playing)}, host.playing ? "❚❚ pause" : "▶▶ play")));
}

function quizBody(host: PanelHost, x: Explained): HTMLElement[] {
	const quiz = host.quiz!;
	return [
		el("h2", {}, `Which task does CPU ${x.cpu} take?`),
		el("p", {class: "sub"}, `${instant(x.time)} · ${x.trigger}`),
		el("p", {}, "These may run here. Say which one the policies choose, then see why."),
		el("div", {class: "choices"}, ...[...x.candidates].sort((a, b) => a.tid - b.tid).map((c) =>
			el("button", {click: () => host.answer(c.task)}, el("strong", {}, host.q.label(c.task)),
				el("span", {}, `${codeName("sched_class", c.cls)} · ${c.keyText}${c.ranUntilNow ? " · ran until now" : ` · waits ${duration(c.waitedUs * 1e3)}`}`)))),
		el("p", {class: "sub"}, quiz.score),
	];
}

/** A command line, and a button that copies it. */
function copyable(text: string): HTMLElement {
	return el("span", {class: "command"}, el("code", {}, text), el("button", {class: "small", "aria-label": "copy the command", click: (e) => {
		void navigator.clipboard?.writeText(text);
		(e.target as HTMLElement).textContent = "copied";
	}}, "copy"));
}

let chosenClass = "";

/** What makes the trace again: for a simulator's, under another policy too, and up to this time. */
function again(q: Query, time: number): HTMLElement | false {
	const {about} = q.m;
	const list = classes(about);
	const to = replayTo(about, time);
	if (!to)
		return about.command !== "" && section("Again", el("p", {class: "sub"}, "To make a trace like this:"), copyable(about.command));
	const place = el("div");
	const show = (): void => place.replaceChildren(copyable(rerun(about, chosenClass)));
	if (!list.includes(chosenClass))
		chosenClass = list.find((c) => q.m.tasks.every((t) => codeName("sched_class", t.cls) !== c)) ?? list[0] ?? "";
	const choice = el("select", {"aria-label": "policy for the whole run", change: () => {
		chosenClass = (choice as HTMLSelectElement).value;
		show();
	}}, ...list.map((c) => el("option", {value: c, ...(c === chosenClass ? {selected: true} : {})}, c)));
	if (list.length)
		show();
	return section("The whole run again", list.length > 0 && el("p", {class: "sub"}, `The same seed with every task under `, choice, "; open its trace with Compare…"), list.length > 0 && place,
		el("p", {class: "sub"}, "The same run up to here:"), copyable(to),
		debugAt(about, time) !== "" && el("p", {class: "sub"}, "GDB here, forwards and backwards:"), debugAt(about, time) !== "" && copyable(debugAt(about, time)));
}

/** Tasks that wait and may not run on this CPU: they are no candidates. */
function barredLine(host: PanelHost, x: Explained): HTMLElement | false {
	const {q} = host;
	const barred = q.queueAt(x.time).filter((e) => !q.mayRun(e.task, x.cpu, x.time));
	return barred.length > 0 && el("p", {class: "sub"}, `No candidates, as they may not run on CPU ${x.cpu}: `, ...barred.flatMap((e, i) => [i ? ", " : "", taskLink(host, e.task, x.time)]));
}

function decisionPanel(host: PanelHost, index: number): HTMLElement[] {
	const {q} = host;
	const x = explain(q, index);
	if (host.quiz?.index === index && host.quiz.answered === undefined)
		return quizBody(host, x);
	const answered = host.quiz?.index === index ? host.quiz.answered : undefined;
	return [
		...(answered === undefined ? [] : [el("p", {class: answered === x.chosen ? "verdict right" : "verdict wrong"}, answered === x.chosen ? "✓ Right. " : `✗ You said ${q.label(answered)}. `, host.quiz!.score)]),
		...reasons(host, index, x),
		stepper(host),
	];
}

/** All that is to say of a decision, in the panel or beside the other's of two traces. */
export function reasons(host: PanelHost, index: number, x = explain(host.q, index)): HTMLElement[] {
	const {q} = host;
	return [
		el("h2", {}, x.headline),
		el("p", {class: "sub"}, `Decision #${index + 1} · ${instant(x.time)} · ${x.trigger}${Number.isNaN(x.delay) ? "" : ` · ${duration(x.delay)} before`}`),
		el("p", {class: "why"}, el("strong", {}, "Why: "), x.why),
		x.candidates.length > 0 && section(`Candidates (${x.waiting})`,
			table("Candidates of the decision", ["task", "class", "key", "waited", "lost because"], ranked(x).map((c) => [
				el("span", {}, c.chosen ? "✔ " : "", taskLink(host, c.task, x.time)), codeName("sched_class", c.cls), `${c.keyText}${c.prio && !c.keyText.startsWith("level") ? `, level ${c.prio}` : ""}${c.ranUntilNow ? ", ran until now" : `${c.wasPreempted ? ", preempted" : ""}, arrival ${c.order | 0}`}`,
				c.ranUntilNow ? "–" : duration(c.waitedUs * 1e3), c.lost]), (i): Record<string, string> => i ? {} : {class: "chosen"}),
			x.notRecorded > 0 && el("p", {class: "sub"}, `+${x.notRecorded} that wait and were not recorded: they are behind these, or in another queue`)),
		barredLine(host, x),
		el("p", {class: `verdict ${x.verdict}`}, x.verdict === "right" ? "✓ " : x.verdict === "wrong" ? "✗ " : "○ ", x.verdictText),
		x.others.length > 0 && section("What other policies would pick", el("div", {class: "cards"}, ...x.others.map((o) =>
			el("div", {class: o.same ? "card" : "card differs", title: o.note}, el("strong", {}, o.policy), el("span", {}, o.odds || (o.same ? "same choice" : `would pick ${q.label(o.pick)}`))))),
		el("p", {class: "sub"}, "This decision only: what they would have led to is not known from here. Fair, stride and MLFQ go by the CPU time that the trace has seen; a lottery's odds follow from shares.")),
		x.candidates.length === 1 && !x.notRecorded && section("What other policies would pick", el("p", {class: "sub"}, "The same: nobody else was there to take. This decision only: under another policy others might have been.")),
		section("What followed", el("ul", {}, ...x.after.map((t) => el("li", {}, t)))),
		again(q, x.time),
		section("Source", el("p", {}, el("code", {}, x.source), " says how its tasks are compared, ", el("code", {}, "kernel/task/runqueue.c"), " records (operation ", x.seq, ")")),
	].filter((e): e is HTMLElement => e !== false);
}

function facts(rows: [string, Child][]): HTMLElement {
	return el("dl", {}, ...rows.flatMap(([k, v]) => [el("dt", {}, k), el("dd", {}, v)]));
}

function blameSection(host: PanelHost, task: number, from: number, to: number): HTMLElement {
	const {q} = host;
	const all = q.blame(task, from, to);
	const by = new Map<number, number>();
	for (const b of all)
		by.set(b.task, (by.get(b.task) ?? 0) + b.to - b.from);
	const total = (to - from) * q.m.cpus.length;
	const rows = [...by].sort((a, b) => b[1] - a[1]);
	const name = (v: number): string => v === IDLE ? "idle CPUs" : v === UNKNOWN ? "unknown" : v === OFFLINE ? "not online" : q.label(v);
	return section("Who had the CPUs meanwhile",
		el("div", {class: "bar", role: "img", "aria-label": rows.map(([v, ns]) => `${name(v)} ${duration(ns)}`).join(", ")}, ...rows.map(([v, ns]) => {
			const t = q.m.tasks[v];
			return el("i", {class: v && t ? `c${t.cls <= 1 ? "edf" : t.cls <= 3 ? "rt" : "share"}` : "cidle", title: `${name(v)}: ${duration(ns)}`, "data-w": String(ns / total)});
		})),
		table("Blame for the wait", ["CPU", "task", "for", "by decision"], all.slice().sort((a, b) => b.to - b.from - a.to + a.from).slice(0, 12).map((b) => [
			b.cpu, name(b.task), duration(b.to - b.from), b.decision >= 0 && b.task !== IDLE ? link(`#${b.decision + 1}`, () => host.go({k: "dec", i: b.decision})) : "–"])));
}

function statePanel(host: PanelHost, task: number, i: number): HTMLElement[] {
	const {q} = host;
	const t = q.m.tasks[task]!;
	const {start, val} = t.lane;
	const from = start[i]!;
	const to = i + 1 < start.length ? start[i + 1]! : q.m.t1;
	const v = val[i]!;
	const state = stateOf(v);
	const job = q.jobAt(task, from);
	const j = q.m.jobs;
	const kind = state === S.waiting ? q.awaitedName(v, SETS["await_kind"]!) : "";
	const lines: [string, Child][] = [
		["from", link(instant(from), () => host.goTime(from))], ["to", instant(to)], ["for", duration(to - from)],
	];
	if (state === S.running)
		lines.push(["on", `CPU ${detailOf(v)}`], ["decision", link("why it was chosen", () => {
			const d = q.decisionBefore(from, detailOf(v));
			if (d >= 0)
				host.go({k: "dec", i: d});
		})]);
	if (kind)
		lines.push(["awaits", `${kind.replace(/_/g, " ")}${lineOf(v) ? `, at line ${lineOf(v)} of its source` : ""}`]);
	if (job >= 0) {
		lines.push(["job", `${j.number[job]}, released ${instant(j.release[job]!)}`]);
		if (Number.isFinite(j.deadline[job]!))
			lines.push(["deadline", instant(j.deadline[job]!)]);
		if (!Number.isNaN(j.done[job]!))
			lines.push(["done", `${instant(j.done[job]!)}, after ${duration(j.done[job]! - j.release[job]!)}`]);
	}
	const s = taskStats(q, task, q.m.t0, q.m.t1);
	const response = s.response.slice().sort((a, b) => a - b);
	const params: [string, Child][] = [["class", t.cls < 0 ? "not recorded" : codeName("sched_class", t.cls)], ["level", t.prio], ["task", t.tid]];
	if (t.deadlineNs)
		params.push(["relative deadline", duration(t.deadlineNs)]);
	if (t.quantumNs)
		params.push(["quantum", duration(t.quantumNs)]);
	if (t.budgetNs)
		params.push(["budget", `${duration(t.budgetNs)} in ${duration(t.periodNs)}`]);
	if (t.share)
		params.push(["share", t.share]);
	if (t.places.length)
		params.push(["may run on", q.m.cpus.filter((c) => q.mayRun(task, c.cpu, from)).map((c) => `CPU ${c.cpu}`).join(", ") || "no CPU of this trace"]);
	const wakes = q.m.wakes;
	let waker: HTMLElement | undefined;
	if (state === S.ready)
		for (let w = 0; w < wakes.time.length && wakes.time[w]! <= from + 2e5; w++)
			if (wakes.task[w] === task && wakes.time[w]! >= from - 2e5) {
				const who = q.taskOf(q.u32[wakes.word[w]! + 4]! | 0);
				const source = codeName("wake_source", q.u32[wakes.word[w]! + 3]! >>> 16 & 255);
				waker = el("p", {}, "Woken by ", who ? taskLink(host, who, from) : `CPU ${wakes.cpu[w]}`, source === "task" ? "" : ` from its ${source}`, `, ${instant(wakes.time[w]!)}.`);
			}
	return [
		el("h2", {}, `${q.label(task)} is ${state === S.running ? `running on CPU ${detailOf(v)}` : STATE_NAMES[state]}`),
		el("p", {class: "sub"}, `for ${duration(to - from)}`),
		facts(lines),
		...(state === S.running ? q.m.flags.filter((f) => f.cpu === detailOf(v) && f.time >= from && f.time <= to).map((f) => el("p", {class: f.kind === "mark" ? "why" : "verdict wrong"}, f.text)) : []),
		waker,
		(state === S.ready || state === S.preempted) && blameSection(host, task, from, to),
		section("Parameters", facts(params)),
		section("In the whole trace", facts([["runs", s.runs], ["CPU time", duration(s.cpuNs)], ["preempted", s.preempted], ["migrations", s.migrations],
			["jobs", `${s.jobs}, ${s.missed} missed`], ["response", response.length ? `median ${duration(percentile(response, 50))}, p99 ${duration(percentile(response, 99))}, worst ${duration(response[response.length - 1]!)}` : "–"]])),
		section("As a command", el("code", {class: "copy"}, `build/tools/fermata-trace print --task ${t.tid} --from ${seconds(from)} --to ${seconds(to)} DIR`)),
	].filter((e): e is HTMLElement => e !== false && e !== undefined);
}

function slicePanel(host: PanelHost, cpu: number, i: number): HTMLElement[] {
	const {q} = host;
	const c = q.m.cpus[cpu]!;
	const v = c.lane.val[i]!;
	const from = c.lane.start[i]!;
	const to = i + 1 < c.lane.start.length ? c.lane.start[i + 1]! : q.m.t1;
	if (v && v !== UNKNOWN && v !== OFFLINE) {
		const s = q.stateAt(v, from);
		return statePanel(host, v, s.i);
	}
	const d = q.decisionBefore(from, c.cpu);
	return [
		el("h2", {}, `CPU ${c.cpu} ${v === UNKNOWN ? "is unknown" : v === OFFLINE ? "is not online yet" : "is idle"}`),
		el("p", {class: "sub"}, `for ${duration(to - from)}`),
		facts([["from", instant(from)], ["to", instant(to)]]),
		v === UNKNOWN ? el("p", {}, "Events of this CPU are missing here: they were overwritten by newer ones or not recorded. Nothing is known of what it did.") :
			d >= 0 ? el("p", {}, link(`Decision #${d + 1}`, () => host.go({k: "dec", i: d})), " sent it there.") : el("p", {}, "No decision is recorded for it."),
	];
}

function queuePanel(host: PanelHost, t: number, cpu: number): HTMLElement[] {
	const {q} = host;
	const all = q.queueAt(t);
	const list = q.queueAt(t, cpu).sort((a, b) => a.since - b.since);
	const elsewhere = all.filter((e) => !list.some((l) => l.task === e.task));
	return [
		el("h2", {}, `${list.length} task${list.length === 1 ? "" : "s"} in the run queue${cpu >= 0 && elsewhere.length ? ` for CPU ${cpu}` : ""}`),
		el("p", {class: "sub"}, instant(t)),
		table("Run queue", ["task", "class", "level", "state", "waits for"], list.map((e) => [taskLink(host, e.task, t), codeName("sched_class", q.m.tasks[e.task]!.cls),
			q.m.tasks[e.task]!.prio, STATE_NAMES[e.state]!, duration(t - e.since)])),
		...(elsewhere.length ? [el("p", {class: "sub"}, "May not run here: ", ...elsewhere.flatMap((e, i) => [i ? ", " : "", taskLink(host, e.task, t)]))] : []),
		section("Running meanwhile", table("Running", ["CPU", "task"], q.m.cpus.map((c) => {
			const lod = q.lod(c.lane, "cpu");
			const i = lod.at(t);
			const v = i < 0 ? OFFLINE : c.lane.val[i]!;
			return [c.cpu, v === UNKNOWN ? "unknown" : v === OFFLINE ? "not online" : taskLink(host, v, t)];
		}))),
		stepper(host),
	];
}

function flagPanel(host: PanelHost, i: number): HTMLElement[] {
	const f = host.q.m.flags[i]!;
	const near = (a: number, b: number): Ev[] => host.q.events(a, b, 1000, (e) => e.cpu === f.cpu);
	return [
		el("h2", {}, f.kind === "violation" ? `Invariant ${f.rule} is violated` : f.kind === "found" ? "The simulator found this" : f.kind === "miss" ? "A deadline is missed" : f.kind === "panic" ? "The kernel panicked" : f.kind === "fault" ? "A task is ended in the middle" : f.kind === "exhausted" ? "No stack is free" : "A mark"),
		el("p", {class: "sub"}, `${instant(f.time)} · CPU ${f.cpu}`),
		el("p", {class: "verdict wrong"}, f.text),
		f.task > 0 && el("p", {}, taskLink(host, f.task, f.time)),
		el("p", {}, link("the decision before it", () => {
			const d = host.q.decisionBefore(f.time, f.cpu);
			if (d >= 0)
				host.go({k: "dec", i: d});
		})),
		section("Events around it", el("ul", {}, ...[...near(f.time - 5000, f.time + 1).slice(-5), ...near(f.time + 1, f.time + 5000).slice(0, 3)].map((e) =>
			el("li", {}, link(`${instant(e.time)} ${LAYOUTS[e.id]?.name ?? e.id}`, () => host.goTime(e.time)))))),
		again(host.q, f.time),
	].filter((e): e is HTMLElement => e !== false);
}

function welcome(host: PanelHost): HTMLElement[] {
	const {m} = host.q;
	const weight = ["found", "violation", "panic", "fault", "miss", "exhausted"];
	const bad = weight.flatMap((kind) => m.flags.filter((f) => f.kind === kind));
	const wrong = m.decisions.wrong.length;
	return [
		el("h2", {}, `${m.events.toLocaleString("en")} events of ${m.cpus.length} CPU${m.cpus.length === 1 ? "" : "s"}`),
		el("p", {class: "sub"}, `${[m.about.board, m.about.seed && `seed ${m.about.seed}`, m.about.build].filter(Boolean).join(" · ")}`),
		facts([["length", duration(m.t1 - m.t0)], ["tasks", m.tasks.length - 1], ["decisions", m.decisions.time.length.toLocaleString("en")], ["jobs", m.jobs.task.length.toLocaleString("en")]]),
		m.decisions.time.length > 0 && el("p", {class: wrong ? "verdict wrong" : "verdict right"}, wrong ? `✗ ${wrong} decision${wrong === 1 ? " is" : "s are"} not what the candidates say.` : "✓ Every recorded decision is what its candidates say."),
		m.lost.length > 0 && el("p", {class: "verdict wrong"}, `✗ Events are missing in ${m.lost.length} place${m.lost.length === 1 ? "" : "s"}; what they may have changed is drawn as unknown.`),
		bad.length > 0 && section("Look here first", el("ul", {}, ...bad.slice(0, 8).map((f) => el("li", {}, link(`${instant(f.time)}: ${f.text}`, () => host.go({k: "flag", i: m.flags.indexOf(f)})))))),
		section("Begin", el("ul", {}, el("li", {}, "A diamond under a CPU is a decision: click it, or press ", el("kbd", {}, "]"), " for the next one."),
			el("li", {}, "Click a ready or preempted stretch of a task to see who kept it waiting."),
			el("li", {}, el("kbd", {}, "W"), " ", el("kbd", {}, "S"), " zoom, ", el("kbd", {}, "A"), " ", el("kbd", {}, "D"), " pan, ", el("kbd", {}, "?"), " all keys."))),
	].filter((e): e is HTMLElement => e !== false);
}

/** Worker stacks: who is on it, or frozen there. */
export function stackText(q: Query, v: number): string {
	return !v ? "free" : v >= FROZEN ? `${q.label(v & 0x7fffffff)} is frozen on it` : `CPU ${v - 1} is on it`;
}

function stackPanel(host: PanelHost, stack: number, i: number): HTMLElement[] {
	const {q} = host;
	const {name, lane} = q.m.stacks[stack]!;
	const {start, val} = lane;
	const v = val[i]!;
	const from = start[i]!;
	const to = start[i + 1] ?? q.m.t1;
	const held = new Map<string, number>();
	for (let k = 0; k < start.length; k++) {
		const what = !val[k] ? "free" : val[k]! >= FROZEN ? `${q.label(val[k]! & 0x7fffffff)}, frozen` : `CPU ${val[k]! - 1}`;
		held.set(what, (held.get(what) ?? 0) + (start[k + 1] ?? q.m.t1) - start[k]!);
	}
	const runs = v && v < FROZEN ? q.cpu(v - 1) : undefined;
	const on = runs ? [...new Set([from, (from + to) / 2].map((t) => runs.lane.val[q.lod(runs.lane, "cpu").at(t)] ?? OFFLINE))].filter((x) => x !== OFFLINE && x !== UNKNOWN) : [];
	return [
		el("h2", {}, `${name[0]!.toUpperCase()}${name.slice(1)}: ${stackText(q, v)}`),
		el("p", {class: "sub"}, `for ${duration(to - from)}`),
		facts([["from", link(instant(from), () => host.goTime(from))], ["to", instant(to)]]),
		v >= FROZEN && el("p", {}, taskLink(host, v & 0x7fffffff, from), " was preempted in the middle of a poll: its frames stay here until some CPU comes back to them."),
		on.length > 0 && el("p", {}, "It runs ", ...on.flatMap((x, k) => [k ? ", " : "", taskLink(host, x, from)]), "."),
		section("All stacks at this time", table("Stacks", ["stack", "owner"], q.m.stacks.map((s, k) => [
			link(s.name, () => host.go({k: "stack", stack: k, i: Math.max(0, q.lod(s.lane, "other").at(from))})), stackText(q, s.lane.val[q.lod(s.lane, "other").at(from)] ?? 0)]))),
		section("In the whole trace", facts([...held].sort((a, b) => b[1] - a[1]).slice(0, 12).map(([what, ns]) => [what, duration(ns)]))),
	].filter((e): e is HTMLElement => e !== false);
}

const FROZEN = 0x80000000;

export function panel(host: PanelHost, sel: Sel | undefined): HTMLElement[] {
	if (!sel)
		return welcome(host);
	switch (sel.k) {
	case "dec": return decisionPanel(host, sel.i);
	case "state": return statePanel(host, sel.task, sel.i);
	case "slice": return slicePanel(host, sel.cpu, sel.i);
	case "queue": return queuePanel(host, sel.t, sel.cpu ?? -1);
	case "flag": return flagPanel(host, sel.i);
	case "stack": return stackPanel(host, sel.stack, sel.i);
	case "lock": {
		const l = host.q.m.locks[sel.lock]!;
		const v = l.lane.val[sel.i]!;
		return [el("h2", {}, v ? `Lock ${l.name} is held by ${host.q.label(v)}` : `Lock ${l.name} is free`),
			facts([["from", instant(l.lane.start[sel.i]!)], ["for", duration((l.lane.start[sel.i + 1] ?? host.q.m.t1) - l.lane.start[sel.i]!)]])];
	}
	}
}
