/** A decision in words: what led to it, why the chosen task won, why each other lost, what followed. */
import {EV, SETS} from "events";
import {POLICIES} from "sources";
import {check, keysDecide, ruleOf, type Verdict} from "./check.js";
import {codeName, urgency, type Fields} from "./decode.js";
import {upper} from "./grow.js";
import type {Query} from "./query.js";
import {duration, instant} from "./time.js";

export interface Candidate {
	task: number;
	tid: number;
	cls: number;
	prio: number;
	key: number | bigint;
	ranUntilNow: boolean;
	wasPreempted: boolean;
	waitedUs: number;
	order: number;
	chosen: boolean;
	keyText: string;
	lost: string;
}

export interface Explained {
	index: number;
	time: number;
	cpu: number;
	seq: number;
	rule: string;
	cls: string;
	waiting: number;
	notRecorded: number;
	candidates: Candidate[];
	/** Task index, 0 when the CPU goes idle. */
	chosen: number;
	headline: string;
	trigger: string;
	/** From the hint, or the end of what ran, to the decision; NaN when not known. */
	delay: number;
	why: string;
	verdict: Verdict;
	verdictText: string;
	/** `odds` where it is drawn. */
	others: {policy: string; pick: number; same: boolean; note: string; odds: string}[];
	after: string[];
	source: string;
}

const DEADLINE = new Set(["edf", "cedf"]);
/* Of MLFQ, as kernel/sched/sched.h has them; and a usual quantum. */
const BOOST_NS = 2e8;
const LEVELS = 8;
const QUANTUM_NS = 1e6;
const LEVEL = new Set(["fifo", "rr"]);
const TRIGGERS: Record<string, string> = {
	blocked: "the task before it began to wait", exited: "the task before it ended", yielded: "the task before it yielded",
	preempted: "preemption", quantum: "the quantum of the task before it ended", from_idle: "the CPU was idle",
	throttled: "the budget of the task before it was used up",
	unfit: "the task before it may no longer run here", none: "not recorded",
};
function big(v: number | bigint): bigint {
	return BigInt(v);
}

function keyText(cls: string, key: number | bigint, prio: number, now: number): string {
	if (DEADLINE.has(cls))
		return `deadline ${instant(Number(key))} (${Number(key) >= now ? "in " : ""}${duration(Number(key) - now)}${Number(key) < now ? ": past" : ""})`;
	if (LEVEL.has(cls))
		return `level ${prio}`;
	if (cls === "mlfq")
		return `level ${Number(big(key) % 8n)} of 8, boost ${big(key) / 8n}`;
	if (cls === "panicked")
		return "fallen";
	return `${cls === "lottery" ? "finish" : "virtual time"} ${key}`;
}

/** By how much key b is behind key a, in the words of the class. */
function margin(cls: string, a: number | bigint, b: number | bigint): string {
	const d = Number(big(b) - big(a));
	if (DEADLINE.has(cls))
		return `${duration(d)} later`;
	if (LEVEL.has(cls))
		return `${d} level${d === 1 ? "" : "s"} lower`;
	return `${d} more`;
}

function lostBecause(c: Candidate, w: Candidate): string {
	const cls = codeName("sched_class", c.cls);
	const mine = codeName("sched_class", w.cls);
	if (urgency(c.cls) !== urgency(w.cls))
		return urgency(c.cls) > urgency(w.cls) ? `class ${cls} is below ${mine}` : `nothing: class ${cls} is above ${mine}`;
	const d = big(c.key) - big(w.key);
	if (d > 0n)
		return `${DEADLINE.has(cls) ? "deadline" : LEVEL.has(cls) || cls === "mlfq" ? "level" : "virtual time"}: ${margin(cls, w.key, c.key)}`;
	if (d < 0n)
		return cls === "fair" ? "not eligible: it is ahead of its share" : cls === "lottery" ? "the draw: keys do not tell" : `nothing: its key is ${margin(cls, c.key, w.key).replace("later", "earlier").replace("lower", "higher").replace("more", "less")}`;
	if (c.ranUntilNow)
		return "equal key; its turn was over";
	return (c.order - w.order | 0) > 0 ? "equal key; it arrived later" : w.ranUntilNow ? "equal key; the other ran already" : "nothing: equal key, and it arrived first";
}

function whySentence(q: Query, x: Explained): string {
	const w = x.candidates.find((c) => c.chosen);
	if (!x.chosen)
		return "No task waits that may run here, so the CPU goes idle.";
	if (!w)
		return "The candidates were not recorded (trace level brief).";
	const name = q.label(x.chosen);
	const rivals = x.candidates.filter((c) => !c.chosen);
	const rival = rivals.length ? rivals.reduce((a, b) => urgency(b.cls) < urgency(a.cls) || (b.cls === a.cls && big(b.key) < big(a.key)) ? b : a) : undefined;
	if (!rival)
		return `${name} is the only task that waits.`;
	const other = q.label(rival.task);
	switch (x.rule) {
	case "higher_class": return `Class ${x.cls} outranks ${codeName("sched_class", rival.cls)}: ${name} goes before ${other}, whatever their keys.`;
	case "earliest_deadline": return `${name} has the earliest deadline, ${duration(Number(big(rival.key) - big(w.key)))} before ${other}'s.`;
	case "highest_priority": return `${name} stands on the higher level: ${w.prio} against ${rival.prio} of ${other}.`;
	case "least_virtual_time": return `${name} has the least virtual time of those that may be served, ${Number(big(rival.key) - big(w.key))} before ${other}.`;
	case "first_come": return `${name} and ${other} have equal keys; ${rival.ranUntilNow ? `${other} had its turn` : `${name} arrived first`}.`;
	case "drawn": return `${name} was drawn by lot among ${x.candidates.length}.`;
	}
	return `Rule ${x.rule.replace(/_/g, " ")}.`;
}

function otherPolicies(q: Query, x: Explained): Explained["others"] {
	const c = x.candidates;
	if (c.length < 2)
		return [];
	const jobs = q.m.jobs;
	const deadline = (k: Candidate): number => {
		const j = q.jobAt(k.task, x.time);
		return j < 0 ? Infinity : jobs.deadline[j]!;
	};
	const left = (k: Candidate): number => {
		const j = q.jobAt(k.task, x.time);
		const done = j < 0 ? NaN : jobs.done[j]!;
		return Number.isNaN(done) ? NaN : q.ranIn(k.task, x.time, done);
	};
	const pick = (policy: string, value: (k: Candidate) => number, note = "", always = false): Explained["others"][number] | undefined => {
		const known = c.filter((k) => !Number.isNaN(value(k)));
		if (known.length < c.length || !(always || known.some((k) => Number.isFinite(value(k)))))
			return undefined;
		const best = known.reduce((a, b) => value(b) < value(a) || (value(b) === value(a) && (b.order - a.order | 0) < 0) ? b : a);
		return {policy, pick: best.task, same: best.task === x.chosen, note, odds: ""};
	};
	/* What has recorded no virtual time and level of its own has them from the CPU time that the trace saw. */
	const served = (k: Candidate, from = q.m.t0): number => q.ranIn(k.task, from, x.time);
	const byService = (cls: string): Explained["others"][number] | undefined => c.every((k) => codeName("sched_class", k.cls) === cls.toLowerCase()) ? pick(cls, (k) => Number(k.key), "by its key alone")
		: pick(cls, (k) => served(k) / (q.m.tasks[k.task]!.share || 1), "by CPU time in this trace so far, for its share");
	const level = (k: Candidate): number => {
		const quantum = q.m.tasks[k.task]!.quantumNs || QUANTUM_NS;
		let left = served(k, Math.floor(x.time / BOOST_NS) * BOOST_NS);
		let n = 0;
		while (n < LEVELS - 1 && (left -= quantum * (n + 1)) >= 0)
			n++;
		return n;
	};
	const tickets = c.map((k) => q.m.tasks[k.task]!.share || 1);
	const all = tickets.reduce((a, b) => a + b);
	return [
		pick("First come", (k) => (k.order | 0), "who arrived first"),
		pick("FIFO", (k) => -k.prio, "by level, whatever the class; who runs goes on before its equals"),
		pick("Round robin", (k) => Number(k.ranUntilNow) / 2 - k.prio, "by level, then who waits before who ran"),
		pick("EDF", deadline, "absolute deadline; none is last", true),
		pick("Deadline monotonic", (k) => q.m.tasks[k.task]!.deadlineNs || Infinity, "relative deadline"),
		pick("Least laxity", (k) => deadline(k) - x.time - left(k), "knows what each job still ran"),
		pick("Shortest remaining", left, "knows what each job still ran"),
		byService("Fair"), byService("Stride"),
		pick("MLFQ", c.every((k) => codeName("sched_class", k.cls) === "mlfq") ? (k) => Number(k.key) : level, "by CPU time since the last boost"),
		{policy: "Lottery", pick: 0, same: true, note: "by shares", odds: c.map((k, i) => `${q.label(k.task)} ${Math.round(tickets[i]! / all * 100)} %`).join(", ")},
	].filter((o) => o !== undefined);
}

function consequence(q: Query, x: Explained): string[] {
	const out: string[] = [];
	const cpu = q.cpu(x.cpu)!;
	const i = upper(cpu.lane.start, x.time);
	const start = cpu.lane.start[i] ?? x.time;
	const end = i + 1 < cpu.lane.start.length ? cpu.lane.start[i + 1]! : q.m.t1;
	if (x.chosen && cpu.lane.val[i] === x.chosen) {
		out.push(`${q.label(x.chosen)} ran for ${duration(end - start)}.`);
		const j = q.jobAt(x.chosen, x.time);
		if (j >= 0) {
			const done = q.m.jobs.done[j]!;
			const deadline = q.m.jobs.deadline[j]!;
			if (Number.isFinite(deadline) && !Number.isNaN(done))
				out.push(done <= deadline ? `Its job ${q.m.jobs.number[j]} met its deadline with ${duration(deadline - done)} to spare.`
					: `Its job ${q.m.jobs.number[j]} missed its deadline by ${duration(done - deadline)}.`);
		}
	} else if (!x.chosen) {
		out.push(`CPU ${x.cpu} was idle for ${duration(end - start)}.`);
	}
	for (const c of x.candidates.filter((k) => !k.chosen)) {
		const next = q.nextRun(c.task, x.time, c.ranUntilNow);
		out.push(Number.isNaN(next) ? `${q.label(c.task)} did not run again in this trace.` : `${q.label(c.task)} waited ${duration(next - x.time)} longer.`);
	}
	return out;
}

/** What made the CPU look, and how long ago. */
function trigger(q: Query, x: Explained): void {
	const cpu = q.cpu(x.cpu)!;
	const sw = q.switchOf(x.index);
	const why = sw ? codeName("switch_why", q.u32[sw.word + 4]! >>> 24) : "none";
	x.trigger = TRIGGERS[why] ?? why;
	let look: number | undefined;
	/* A look names the last hint that it has seen, be it new or not. */
	let seen = 0;
	let irq = "";
	/* What stands before the decision may be of the same time. */
	for (const e of q.cpuEvents(cpu, x.time - 5e6, x.time + 1)) {
		if (e.word === q.m.decisions.word[x.index])
			break;
		if (e.id === EV.SCHED_LOOK) {
			seen = look === undefined ? 0 : q.u32[look + 3]!;
			look = e.word;
		}
		if (e.id === EV.HINT_ENTRY)
			irq = "a hint interrupt";
		if (e.id === EV.IRQ_ENTRY)
			irq = `a ${codeName("irq_name", q.u32[e.word + 3]! & 0xffff)} interrupt`;
		if (e.id === EV.SCHED_SWITCH)
			irq = "";
	}
	const hinted = look === undefined || q.u32[look + 3] === seen ? 0 : q.u32[look + 3]!;
	if (hinted)
		for (const e of q.events(x.time - 2e6, x.time, 100_000, (v) => v.id === EV.SCHED_HINT)) {
			const f = q.fields(e.word) as Record<string, number>;
			if (f["target_cpu"] === x.cpu && f["number"] === hinted) {
				x.delay = x.time - e.time;
				x.trigger += `; CPU ${e.cpu} hinted at ${q.nameOf(f["tid"]!)}`;
			}
		}
	else if (irq)
		x.trigger += `; ${irq} came before`;
}

export function explain(q: Query, index: number): Explained {
	const d = q.m.decisions;
	const f = q.fields(d.word[index]!);
	const raw = f["candidates"] as Fields[];
	const time = d.time[index]!;
	const chosenAt = Number(f["chosen"]);
	const candidates = raw.map((c, i): Candidate => ({
		task: q.taskOf(Number(c["tid"])), tid: Number(c["tid"]), cls: Number(c["class"]), prio: Number(c["prio"]), key: c["key"] as number | bigint,
		ranUntilNow: (Number(c["flags"]) & 1) !== 0, wasPreempted: (Number(c["flags"]) & 2) !== 0, waitedUs: Number(c["waited_us"]),
		order: Number(c["order"]), chosen: i === chosenAt, keyText: keyText(codeName("sched_class", Number(c["class"])), c["key"] as number | bigint, Number(c["prio"]), time), lost: "",
	}));
	const sw = q.switchOf(index);
	const winner = candidates[chosenAt];
	const chosen = winner ? winner.task : chosenAt === 255 || !sw ? 0 : q.taskOf(q.u32[sw.word + 3]! | 0);
	const x: Explained = {
		index, time, cpu: d.cpu[index]!, seq: Number(f["seq"]), rule: codeName("rule", Number(f["rule"])), cls: codeName("sched_class", Number(f["class"])),
		waiting: Number(f["waiting"]), notRecorded: Math.max(0, Number(f["waiting"]) - candidates.length), candidates, chosen,
		headline: "", trigger: "", delay: NaN, why: "", verdict: check(q.u32, q.m.raw, d.word[index]!), verdictText: "", others: [], after: [],
		source: chosen ? POLICIES[codeName("sched_class", Number(f["class"]))] ?? "kernel/sched" : "kernel/task/executor.c",
	};
	const n = candidates.length - 1;
	x.headline = chosen ? `CPU ${x.cpu} picks ${q.label(chosen)}${n > 0 ? ` over ${n} other${n > 1 ? "s" : ""}` : ""}` : `CPU ${x.cpu} goes idle`;
	if (winner)
		for (const c of candidates)
			c.lost = c.chosen ? "chosen" : lostBecause(c, winner);
	trigger(q, x);
	x.why = whySentence(q, x);
	const recomputed = codeName("rule", ruleOf(q.u32, q.m.raw, d.word[index]!));
	x.verdictText = x.verdict === "right" ? "The rule, recomputed over the recorded candidates, chooses the same task."
		: x.verdict === "open" ? candidates.length && !keysDecide(Number(f["class"])) ? `Class ${x.cls} also decides by what keys do not show; nothing contradicts it.` : "The candidates were not recorded, so nothing can be recomputed."
		: recomputed !== x.rule && candidates.every((c) => !c.lost.startsWith("nothing")) ? `Recorded rule ${x.rule}, but the candidates say ${recomputed}.`
		: "The kernel chose wrongly: another candidate comes first.";
	x.others = otherPolicies(q, x);
	x.after = consequence(q, x);
	return x;
}

/** The candidates in the order in which the rule puts them. */
export function ranked(x: Explained): Candidate[] {
	return [...x.candidates].sort((a, b) => Number(b.chosen) - Number(a.chosen) || urgency(a.cls) - urgency(b.cls) ||
		(big(a.key) < big(b.key) ? -1 : big(a.key) > big(b.key) ? 1 : a.order - b.order | 0));
}

export const RULES = SETS["rule"]!;
