/** Which lanes there are, in which order, and what of them is wanted. */
import {urgency} from "./decode.js";
import type {Query} from "./query.js";

export type RowKind = "head" | "cpu" | "queue" | "task" | "async" | "slack" | "lock" | "stack";
export interface Row {
	kind: RowKind;
	/** CPU, task, lock or stack index in the model; for a head the group. */
	index: number;
	group: string;
	label: string;
	h: number;
	y: number;
}

export const GROUPS: [string, string][] = [["cpus", "CPUs"], ["pinned", "Pinned"], ["tasks", "Tasks by class, then urgency"],
	["async", "Async: idle, scheduled, polling, pending"], ["slack", "Slack to the deadline"], ["locks", "Locks: holder and waiters"], ["stacks", "Worker stacks"]];
export const CLOSED_AT_FIRST = ["async", "slack", "stacks"];

const HEIGHT: Record<RowKind, number> = {head: 24, cpu: 52, queue: 34, task: 22, async: 20, slack: 34, lock: 26, stack: 20};

/** Tasks from most to least urgent. */
export function taskOrder(q: Query): number[] {
	const tasks = q.m.tasks;
	return tasks.map((_, i) => i).slice(1).sort((a, b) => {
		const x = tasks[a]!;
		const y = tasks[b]!;
		return urgency(x.cls) - urgency(y.cls) || (x.deadlineNs || Infinity) - (y.deadlineNs || Infinity) || y.prio - x.prio || x.tid - y.tid || 0;
	});
}

export function rows(q: Query, closed: Set<string>, pins: Set<number>, wanted: (task: number) => boolean): Row[] {
	const out: Row[] = [];
	const order = taskOrder(q);
	const add = (kind: RowKind, index: number, group: string, label: string): void => {
		out.push({kind, index, group, label, h: HEIGHT[kind], y: 0});
	};
	const tasks = order.filter(wanted);
	const lists: Record<string, () => void> = {
		cpus: () => {
			q.m.cpus.forEach((c, i) => add("cpu", i, "cpus", `CPU ${c.cpu}`));
			add("queue", 0, "cpus", "run queue");
		},
		pinned: () => order.filter((i) => pins.has(i)).forEach((i) => add("task", i, "pinned", q.label(i))),
		tasks: () => tasks.forEach((i) => add("task", i, "tasks", q.label(i))),
		async: () => tasks.forEach((i) => add("async", i, "async", q.label(i))),
		slack: () => tasks.filter((i) => q.m.tasks[i]!.deadlineNs > 0).forEach((i) => add("slack", i, "slack", q.label(i))),
		locks: () => q.m.locks.forEach((l, i) => add("lock", i, "locks", l.name)),
		stacks: () => q.m.stacks.forEach((s, i) => add("stack", i, "stacks", s.name)),
	};
	for (const [group, title] of GROUPS) {
		const at = out.length;
		add("head", 0, group, title);
		lists[group]!();
		const n = out.length - at - 1;
		if (!n)
			out.length = at;
		else if (closed.has(group))
			out.length = at + 1;
		if (n && group !== "cpus")
			out[at]!.label = `${title} (${n})`;
	}
	let y = 0;
	for (const r of out) {
		r.y = y;
		y += r.h;
	}
	return out;
}
