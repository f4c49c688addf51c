/** Numbers over a range of time: per task, per CPU, and how they spread. */
import {upper} from "./grow.js";
import {IDLE, OFFLINE, S, UNKNOWN, stateOf} from "./model.js";
import type {Query} from "./query.js";

export interface TaskStats {
	task: number;
	runs: number;
	preempted: number;
	cpuNs: number;
	readyNs: number;
	jobs: number;
	missed: number;
	migrations: number;
	/** Release to end of a job, by job released in the range. */
	response: number[];
	/** End of a wait to the next run. */
	latency: number[];
}

export interface CpuStats {
	cpu: number;
	busyNs: number;
	unknownNs: number;
	switches: number;
	irqs: number;
}

export function taskStats(q: Query, task: number, a: number, b: number): TaskStats {
	const out: TaskStats = {task, runs: 0, preempted: 0, cpuNs: 0, readyNs: 0, jobs: 0, missed: 0, migrations: 0, response: [], latency: []};
	const {start, val} = q.m.tasks[task]!.lane;
	let readySince = NaN;
	let last = -1;
	for (let i = Math.max(0, upper(start, a) - 1); i < start.length && start[i]! < b; i++) {
		const from = Math.max(a, start[i]!);
		const to = Math.min(b, i + 1 < start.length ? start[i + 1]! : q.m.t1);
		const state = stateOf(val[i]!);
		const inside = start[i]! >= a;
		if (state === S.running) {
			out.cpuNs += to - from;
			if (inside)
				out.runs++;
			if (inside && !Number.isNaN(readySince))
				out.latency.push(start[i]! - readySince);
			const cpu = val[i]! >>> 4 & 255;
			if (last >= 0 && last !== cpu)
				out.migrations++;
			last = cpu;
		}
		if (state === S.ready || state === S.preempted)
			out.readyNs += to - from;
		if (state === S.preempted && inside)
			out.preempted++;
		if (state === S.ready && inside && (i === 0 || stateOf(val[i - 1]!) !== S.running))
			readySince = start[i]!;
		else if (state !== S.ready)
			readySince = NaN;
	}
	for (const j of q.jobsOf(task, a, b)) {
		out.jobs++;
		const done = q.m.jobs.done[j]!;
		if (!Number.isNaN(done))
			out.response.push(done - q.m.jobs.release[j]!);
		if (done > q.m.jobs.deadline[j]!)
			out.missed++;
	}
	return out;
}

export function cpuStats(q: Query, index: number, a: number, b: number): CpuStats {
	const c = q.m.cpus[index]!;
	const out: CpuStats = {cpu: c.cpu, busyNs: 0, unknownNs: 0, switches: 0, irqs: 0};
	const {start, val} = c.lane;
	for (let i = Math.max(0, upper(start, a) - 1); i < start.length && start[i]! < b; i++) {
		const d = Math.min(b, i + 1 < start.length ? start[i + 1]! : q.m.t1) - Math.max(a, start[i]!);
		if (val[i] === UNKNOWN)
			out.unknownNs += d;
		else if (val[i] !== IDLE && val[i] !== OFFLINE)
			out.busyNs += d;
		if (start[i]! >= a && i > 0)
			out.switches++;
	}
	out.irqs = upper(c.irqStart, b) - upper(c.irqStart, a);
	return out;
}

/** The p-th percentile by nearest rank; NaN of nothing. */
export function percentile(sorted: number[], p: number): number {
	return sorted.length ? sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(p / 100 * sorted.length) - 1))]! : NaN;
}

/** Counts in buckets of 1-2-5 steps, so that microseconds and seconds show in one picture. */
export function histogram(values: number[]): {from: number; to: number; n: number}[] {
	if (!values.length)
		return [];
	const edges: number[] = [0];
	for (let e = 1; edges[edges.length - 1]! <= Math.max(...values); e *= 10)
		edges.push(e, 2 * e, 5 * e);
	const out = edges.slice(0, -1).map((from, i) => ({from, to: edges[i + 1]!, n: 0}));
	for (const v of values)
		out.find((b) => v >= b.from && v < b.to)!.n++;
	const first = out.findIndex((b) => b.n > 0);
	let last = out.length;
	while (!out[last - 1]!.n)
		last--;
	return out.slice(first, last);
}
