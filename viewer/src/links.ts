/** What led to what: waker to woken, an interrupt's sender to its receiver, an await to what completed it. */
import {EV} from "events";
import {upper} from "./grow.js";
import {S, detailOf, stateOf} from "./model.js";
import type {Query} from "./query.js";

/** In so far as fewer are in view all are shown, else those of a task. */
export const ALL_LINKS_MAX = 300;
const LOOKED_AT_MAX = 200_000;
const OF_TASK_MAX = 1000;
const HINT_TRAVELS_NS = 1e7;
const IRQS_BEFORE = 64;
/** Words of a sched_hint's record, which stands in front of the ipi_send that it causes. */
const HINT_WORDS = 6;
const NO_CPU = -1;

export interface End {
	lane: "cpu" | "task";
	/** In the model's list of them. */
	index: number;
	time: number;
}

export interface Link {
	what: "wake" | "hint" | "await";
	from: End;
	to: End;
	/** The tasks that it is about, 0 for none. */
	tasks: [number, number];
	/** The cause was an interrupt. */
	interrupt: boolean;
}

/** The step in which the task waited until wake-up i released it; -1 when it did not await. */
export function awaitedStep(q: Query, i: number): number {
	const {wakes} = q.m;
	const task = wakes.task[i]!;
	if (q.u32[wakes.word[i]! + 3]! >>> 24 !== 0)
		return -1;
	const {val} = q.m.tasks[task]!.lane;
	let k = q.stateAt(task, wakes.time[i]!).i;
	/* It was queued before the wake-up is recorded, and another CPU may have taken it since. */
	for (let back = 0; back < 2 && k >= 0 && stateOf(val[k]!) !== S.waiting; back++)
		k--;
	return k >= 0 && stateOf(val[k]!) === S.waiting && detailOf(val[k]!) > 0 ? k : -1;
}

/** Which wake-up ended a wait; -1 when none is recorded. */
export function completionOf(q: Query, task: number, step: number): number {
	const {wakes} = q.m;
	const {start} = q.m.tasks[task]!.lane;
	if (step + 1 >= start.length)
		return -1;
	for (let i = upper(wakes.time, start[step]!); i < wakes.time.length && wakes.time[i]! < start[step + 1]! + HINT_TRAVELS_NS; i++)
		if (wakes.task[i] === task && awaitedStep(q, i) === step)
			return i;
	return -1;
}

function cpuIndex(q: Query, cpu: number): number {
	return q.m.cpus.findIndex((c) => c.cpu === cpu);
}

/** The lane from which a wake-up came. */
function waker(q: Query, i: number): {lane: "cpu" | "task"; index: number; task: number; interrupt: boolean} {
	const {wakes} = q.m;
	const w = wakes.word[i]!;
	const task = q.taskOf(q.u32[w + 4]! | 0);
	const interrupt = (q.u32[w + 3]! >>> 16 & 255) !== 1;
	return task && !interrupt ? {lane: "task", index: task, task, interrupt} : {lane: "cpu", index: cpuIndex(q, wakes.cpu[i]!), task: 0, interrupt};
}

export function wakeLinks(q: Query, i: number): Link[] {
	const {wakes} = q.m;
	if (q.u32[wakes.word[i]! + 3]! >>> 24 !== 0)
		return [];
	const task = wakes.task[i]!;
	const time = wakes.time[i]!;
	const from = waker(q, i);
	const source: End = {lane: from.lane, index: from.index, time};
	const tasks: [number, number] = [from.task, task];
	const out: Link[] = [{what: "wake", from: source, to: {lane: "task", index: task, time}, tasks, interrupt: from.interrupt}];
	const step = awaitedStep(q, i);
	if (step >= 0)
		out.push({what: "await", from: {lane: "task", index: task, time: q.m.tasks[task]!.lane.start[step]!}, to: source, tasks, interrupt: from.interrupt});
	return out;
}

/** The waiting task that hint i was for. */
function hintedFor(q: Query, w: number): number {
	const at = w - HINT_WORDS;
	return at >= 0 && (q.u32[at + 1]! & 0xffff) === EV.SCHED_HINT && q.u32[at + 4] === q.u32[w + 3] ? q.taskOf(q.u32[at + 3]! | 0) : 0;
}

export function hintLink(q: Query, i: number): Link | undefined {
	const {sends, cpus} = q.m;
	const w = sends.word[i]!;
	const target = cpuIndex(q, q.u32[w + 2]!);
	const to = cpus[target];
	if (!to || target === NO_CPU)
		return undefined;
	const time = sends.time[i]!;
	const first = upper(to.irqStart, time - 0.5);
	for (let n = first; n < Math.min(first + IRQS_BEFORE, to.irqStart.length) && to.irqStart[n]! - time < HINT_TRAVELS_NS; n++)
		if ((to.irqWhat[n]! & 0xffff) === EV.HINT_ENTRY)
			return {what: "hint", from: {lane: "cpu", index: cpuIndex(q, sends.cpu[i]!), time}, to: {lane: "cpu", index: target, time: to.irqStart[n]!},
				tasks: [0, hintedFor(q, w)], interrupt: true};
	return undefined;
}

/** All in [t0, t1] when they are few, else those of the task; `step` is one of its steps whose wait is shown in any case. */
export function links(q: Query, t0: number, t1: number, task: number, step = -1): Link[] {
	const {wakes, sends} = q.m;
	const [a, b] = [upper(wakes.time, t0 - 0.5), upper(wakes.time, t1)];
	const [c, d] = [upper(sends.time, t0 - 0.5), upper(sends.time, t1)];
	const all = b - a + d - c < ALL_LINKS_MAX;
	const out: Link[] = [];
	if (task > 0 && step >= 0) {
		const i = completionOf(q, task, step);
		if (i >= 0 && (i < a || i >= b))
			out.push(...wakeLinks(q, i));
	}
	if (!all && (!task || b - a + d - c > LOOKED_AT_MAX))
		return out;
	for (let i = a; i < b; i++)
		if (all || wakes.task[i] === task || q.taskOf(q.u32[wakes.word[i]! + 4]! | 0) === task)
			out.push(...wakeLinks(q, i));
	for (let i = c; i < d; i++)
		if (all || hintedFor(q, sends.word[i]!) === task) {
			const link = hintLink(q, i);
			if (link)
				out.push(link);
		}
	return all || out.length <= OF_TASK_MAX ? out : [];
}
