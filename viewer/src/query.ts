/** Questions to a model. All answers come from the arrays and the records; nothing is cached but names. */
import {EV} from "events";
import {LAYOUTS, decode, type Fields} from "./decode.js";
import {upper} from "./grow.js";
import {Lod} from "./lod.js";
import {S, stateOf, detailOf, type Cpu, type Lane, type Model} from "./model.js";

export interface Ev {
	time: number;
	cpu: number;
	id: number;
	word: number;
}

/** Tasks in all three parts of a step of the run queue's lane. */
export function queued(val: number): number {
	return (val & 1023) + (val >>> 10 & 1023) + (val >>> 20);
}

export class Query {
	readonly u32: Uint32Array;
	readonly view: DataView;
	private readonly index = new Map<number, number>();
	private readonly lods = new Map<Lane, Lod>();

	constructor(readonly m: Model) {
		this.u32 = new Uint32Array(m.raw.buffer, m.raw.byteOffset, m.raw.byteLength >> 2);
		this.view = new DataView(m.raw.buffer, m.raw.byteOffset, m.raw.byteLength);
		m.tasks.forEach((t, i) => this.index.set(t.tid, i));
	}

	/** Busy means: something other than an idle CPU, or a running task. */
	lod(lane: Lane, kind: "cpu" | "task" | "other"): Lod {
		let l = this.lods.get(lane);
		if (!l) {
			l = new Lod(lane, this.m.t1, kind === "task" ? "running" : "some");
			this.lods.set(lane, l);
		}
		return l;
	}

	ns(ticks: number): number {
		return this.m.nsPerTick === 1 ? ticks : Math.floor(ticks * this.m.nsPerTick);
	}

	taskOf(tid: number): number {
		return this.index.get(tid) ?? 0;
	}

	nameOf(tid: number): string {
		const i = this.index.get(tid);
		return i === undefined ? `task ${tid}` : this.m.tasks[i]!.name;
	}

	/** The name, with the number where the name alone is not unique. */
	label(i: number): string {
		if (!this.labels.length) {
			const seen = new Map<string, number>();
			for (const t of this.m.tasks)
				seen.set(t.name, (seen.get(t.name) ?? 0) + 1);
			this.labels = this.m.tasks.map((t, k) => k && seen.get(t.name)! > 1 ? `${t.name}/${t.tid}` : t.name);
		}
		return this.labels[i]!;
	}
	private labels: string[] = [];

	fields(word: number): Fields {
		const l = LAYOUTS[this.u32[word + 1]! & 0xffff];
		return l ? decode(this.view, l, (word + 2) * 4) : {};
	}

	cpu(number: number): Cpu | undefined {
		return this.m.cpus.find((c) => c.cpu === number);
	}

	/** The records of one CPU with t0 <= time < t1, oldest first. */
	*cpuEvents(c: Cpu, t0: number, t1: number): Generator<Ev> {
		const {from, to, high, begin} = c.packets;
		for (let p = Math.max(0, upper(begin, t0) - 1); p < from.length && begin[p]! < t1; p++) {
			for (let w = from[p]!; w < to[p]!;) {
				const head = this.u32[w + 1]!;
				const time = this.ns(high[p]! + this.u32[w]!);
				if (time >= t1)
					break;
				if (time >= t0)
					yield {time, cpu: c.cpu, id: head & 0xffff, word: w};
				w += (head >>> 16) * 2;
			}
		}
	}

	/** Events of all CPUs by time, at most `max`. */
	events(t0: number, t1: number, max: number, keep: (e: Ev) => boolean = () => true): Ev[] {
		const heads = this.m.cpus.map((c) => {
			const it = this.cpuEvents(c, t0, t1);
			return {it, head: it.next()};
		}).filter((h) => !h.head.done);
		const out: Ev[] = [];
		while (heads.length && out.length < max) {
			let best = heads[0]!;
			for (const h of heads)
				if ((h.head.value as Ev).time < (best.head.value as Ev).time)
					best = h;
			const e = best.head.value as Ev;
			if (keep(e))
				out.push(e);
			best.head = best.it.next();
			if (best.head.done)
				heads.splice(heads.indexOf(best), 1);
		}
		return out;
	}

	stateAt(task: number, t: number): {val: number; i: number; from: number; to: number} {
		const lane = this.m.tasks[task]!.lane;
		const i = upper(lane.start, t) - 1;
		return i < 0 ? {val: S.none, i: -1, from: this.m.t0, to: lane.start[0] ?? this.m.t1}
			: {val: lane.val[i]!, i, from: lane.start[i]!, to: i + 1 < lane.start.length ? lane.start[i + 1]! : this.m.t1};
	}

	/** Whether the task may run on the CPU at t, as far as recorded. */
	mayRun(task: number, cpu: number, t: number): boolean {
		const {places} = this.m.tasks[task]!;
		let i = places.length - 1;
		while (i >= 0 && places[i]!.from > t)
			i--;
		return i < 0 || !places[i]!.cpus || (BigInt(`0x${places[i]!.cpus}`) >> BigInt(cpu) & 1n) === 1n;
	}

	/** How many tasks wait that may run on this CPU: the run queue as it sees it. */
	queueOf(cpu: number): Lane {
		let lane = this.queues.get(cpu);
		if (!lane)
			this.queues.set(cpu, lane = this.queueWithout(this.barred(cpu)));
		return lane;
	}
	private readonly queues = new Map<number, Lane>();

	/** When tasks begin (+1) and cease (-1) to wait that may not run on this CPU. */
	private barred(cpu: number): {time: number; by: number}[] {
		const out: {time: number; by: number}[] = [];
		this.m.tasks.forEach((task, i) => {
			if (!task.places.length)
				return;
			const {start, val} = task.lane;
			let was = 0;
			const put = (time: number, is: number): void => {
				if (is !== was)
					out.push({time, by: is - was});
				was = is;
			};
			let place = 0;
			for (let k = 0; k < start.length; k++) {
				const queued = stateOf(val[k]!) === S.ready || stateOf(val[k]!) === S.preempted;
				put(start[k]!, queued && !this.mayRun(i, cpu, start[k]!) ? 1 : 0);
				/* Where it may run can change while it waits. */
				const end = start[k + 1] ?? Infinity;
				while (place < task.places.length && task.places[place]!.from < end) {
					const {from} = task.places[place++]!;
					if (queued && from > start[k]!)
						put(from, this.mayRun(i, cpu, from) ? 0 : 1);
				}
			}
		});
		return out.sort((a, b) => a.time - b.time);
	}

	private queueWithout(changes: {time: number; by: number}[]): Lane {
		const {queue} = this.m;
		if (!changes.length)
			return queue;
		const start: number[] = [];
		const val: number[] = [];
		let all = 0;
		let not = 0;
		for (let i = 0, k = 0; i < queue.start.length || k < changes.length;) {
			const t = Math.min(queue.start[i] ?? Infinity, changes[k]?.time ?? Infinity);
			for (; i < queue.start.length && queue.start[i]! <= t; i++)
				all = queued(queue.val[i]!);
			for (; k < changes.length && changes[k]!.time <= t; k++)
				not += changes[k]!.by;
			const n = Math.max(0, all - not);
			if (val[val.length - 1] !== n) {
				start.push(t);
				val.push(n);
			}
		}
		return {start: Float64Array.from(start), val: Uint32Array.from(val)};
	}

	/** Tasks in run queues at t, with since when; of one CPU those that may run there. */
	queueAt(t: number, cpu = -1): {task: number; state: S; since: number}[] {
		const out: {task: number; state: S; since: number}[] = [];
		for (let i = 1; i < this.m.tasks.length; i++) {
			const s = this.stateAt(i, t);
			const state = stateOf(s.val);
			if ((state === S.ready || state === S.preempted) && (cpu < 0 || this.mayRun(i, cpu, t)))
				out.push({task: i, state, since: s.from});
		}
		return out;
	}

	/** When the task runs next, from t on, or begins to when it was running; NaN when never again. */
	nextRun(task: number, t: number, begins = false): number {
		const {start, val} = this.m.tasks[task]!.lane;
		for (let i = Math.max(0, upper(start, t) - 1); i < start.length; i++)
			if (stateOf(val[i]!) === S.running && (!begins || start[i]! > t) && (i + 1 >= start.length || start[i + 1]! > t))
				return Math.max(t, start[i]!);
		return NaN;
	}

	/** Time that the task runs in [a, b). */
	ranIn(task: number, a: number, b: number): number {
		return b > a ? this.lod(this.m.tasks[task]!.lane, "task").busyIn(a, b) : 0;
	}

	/** Index of the job that is open at t, -1 when there is none. */
	jobAt(task: number, t: number): number {
		const {jobsFrom, jobsN} = this.m.tasks[task]!;
		const {order, release, done} = this.m.jobs;
		let lo = jobsFrom;
		let hi = jobsFrom + jobsN;
		while (lo < hi) {
			const mid = lo + hi >>> 1;
			if (release[order[mid]!]! <= t)
				lo = mid + 1;
			else
				hi = mid;
		}
		if (lo === jobsFrom)
			return -1;
		const j = order[lo - 1]!;
		return !(done[j]! < t) ? j : -1;
	}

	/** Jobs of the task with release in [a, b), or all; none when they are more than `max`. */
	jobsOf(task: number, a = -Infinity, b = Infinity, max = Infinity): number[] {
		const {jobsFrom, jobsN} = this.m.tasks[task]!;
		const {order, release} = this.m.jobs;
		const out: number[] = [];
		let lo = jobsFrom;
		let hi = jobsFrom + jobsN;
		while (lo < hi) {
			const mid = lo + hi >>> 1;
			if (release[order[mid]!]! < a)
				lo = mid + 1;
			else
				hi = mid;
		}
		if (lo + max < jobsFrom + jobsN && release[order[lo + max]!]! < b)
			return out;
		for (; lo < jobsFrom + jobsN && release[order[lo]!]! < b; lo++)
			out.push(order[lo]!);
		return out;
	}

	/** The decision at or before t, on a CPU or on any; -1 when there is none. */
	decisionBefore(t: number, cpu = -1): number {
		const d = this.m.decisions;
		for (let i = upper(d.time, t) - 1; i >= 0; i--)
			if (cpu < 0 || d.cpu[i] === cpu)
				return i;
		return -1;
	}

	/** The switch that a decision led to. */
	switchOf(i: number): Ev | undefined {
		const d = this.m.decisions;
		const c = this.cpu(d.cpu[i]!)!;
		const seq = this.u32[d.word[i]! + 2];
		for (const e of this.cpuEvents(c, d.time[i]!, d.time[i]! + 1e9))
			if (e.id === EV.SCHED_SWITCH && this.u32[e.word + 5] === seq)
				return e;
		return undefined;
	}

	/** Who ran, on which CPU, while the task waited in [a, b): the cause of the wait. */
	blame(task: number, a: number, b: number): {cpu: number; task: number; from: number; to: number; decision: number}[] {
		const out: {cpu: number; task: number; from: number; to: number; decision: number}[] = [];
		for (const c of this.m.cpus) {
			const {start, val} = c.lane;
			for (let i = Math.max(0, upper(start, a) - 1); i < start.length && start[i]! < b; i++) {
				const to = Math.min(b, i + 1 < start.length ? start[i + 1]! : this.m.t1);
				const from = Math.max(a, start[i]!);
				if (to > from && val[i] !== task)
					out.push({cpu: c.cpu, task: val[i]!, from, to, decision: this.decisionBefore(start[i]!, c.cpu)});
			}
		}
		return out;
	}

	awaitedName(val: number, kinds: Map<number, string>): string {
		const kind = detailOf(val);
		return kind ? kinds.get(kind - 1) ?? `kind ${kind - 1}` : "";
	}
}
