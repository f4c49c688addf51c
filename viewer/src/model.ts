/** What is known of a trace once it was read: typed arrays that a worker can hand over as they are. */
import type {About, Problem} from "./input.js";

export const enum S {
	none = 0,
	waiting = 1,
	ready = 2,
	preempted = 3,
	running = 4,
	dead = 5,
	unknown = 6,
	throttled = 7,
}
export const STATE_NAMES = ["not there", "waiting", "ready", "preempted", "running", "dead", "unknown", "throttled"];

/** In a CPU's lane: no task, and what is not known. */
export const IDLE = 0;
export const UNKNOWN = 0xffffffff;
export const OFFLINE = 0xfffffffe;

/** Steps: val[i] holds from start[i] to start[i + 1], the last one to the trace's end. */
export interface Lane {
	start: Float64Array;
	val: Uint32Array;
}

/** In a task's lane, val is its state, what belongs to it, and for waits the source line. */
export function stateOf(val: number): S {
	return val & 15;
}
/** The CPU it runs on, or the kind of what it awaits plus 1. */
export function detailOf(val: number): number {
	return val >>> 4 & 255;
}
export function lineOf(val: number): number {
	return val >>> 12 & 65535;
}

export interface Task {
	tid: number;
	name: string;
	/** sched_class, -1 while unknown. */
	cls: number;
	prio: number;
	share: number;
	parent: number;
	deadlineNs: number;
	quantumNs: number;
	budgetNs: number;
	periodNs: number;
	/** From when on it may run on which CPUs: hexadecimal bits, empty for all. No entry: on all, always. */
	places: {from: number; cpus: string}[];
	spawned: number;
	lane: Lane;
	/** Jobs of this task are jobs.order[jobsFrom .. jobsFrom + jobsN). */
	jobsFrom: number;
	jobsN: number;
}

export interface Jobs {
	task: Uint32Array;
	number: Uint32Array;
	release: Float64Array;
	/** Infinity when the class has none. */
	deadline: Float64Array;
	/** NaN when its end was not recorded. */
	done: Float64Array;
	/** Indices of jobs by task and time. */
	order: Uint32Array;
}

/** Times of events with the word of their record. */
export interface Points {
	time: Float64Array;
	word: Uint32Array;
	cpu: Uint8Array;
}

export interface Decisions extends Points {
	/** Bit 0: more than one candidate; bit 1: the recorded rule or choice is not what follows from the candidates. */
	flags: Uint8Array;
	/** Those with bit 1. */
	wrong: Uint32Array;
}

export interface Cpu {
	cpu: number;
	lane: Lane;
	irqStart: Float64Array;
	irqEnd: Float64Array;
	/** Event number in the low half, irq or vector above. */
	irqWhat: Uint32Array;
	packets: PacketIndex;
}

export interface PacketIndex {
	/** First word and end of the records, high half of the clock, and times, by packet. */
	from: Uint32Array;
	to: Uint32Array;
	high: Float64Array;
	begin: Float64Array;
}

export interface Named {
	name: string;
	lane: Lane;
}

/** Something that deserves a red or coloured tick. */
export interface Flag {
	time: number;
	cpu: number;
	kind: "miss" | "violation" | "found" | "fault" | "panic" | "exhausted" | "mark";
	text: string;
	/** Task index, 0 for none. */
	task: number;
	rule?: string;
}

export interface Model {
	about: About;
	problems: Problem[];
	raw: Uint8Array;
	t0: number;
	t1: number;
	events: number;
	nsPerTick: number;
	cpus: Cpu[];
	/** tasks[0] is the idle CPU. */
	tasks: Task[];
	decisions: Decisions;
	wakes: Points & {task: Uint32Array};
	sends: Points;
	jobs: Jobs;
	/** Tasks that wait in run queues: EDF classes, real-time levels, all others, ten bits each. */
	queue: Lane;
	/** The most that ever wait at once. */
	queueMax: number;
	locks: Named[];
	/** Tasks that wait for a lock, by lock. */
	lockWaiters: Lane[];
	/** Worker stacks: 0 free, 1 + CPU in use, 0x80000000 + task frozen. */
	stacks: Named[];
	flags: Flag[];
	lost: {cpu: number; from: number; to: number}[];
	texts: Map<string, string>;
}

export function transferables(m: Model): ArrayBuffer[] {
	const out = new Set<ArrayBuffer>();
	const walk = (v: unknown, depth: number): void => {
		if (ArrayBuffer.isView(v))
			out.add(v.buffer as ArrayBuffer);
		else if (v && typeof v === "object" && depth < 6)
			for (const x of Object.values(v))
				walk(x, depth + 1);
	};
	walk(m, 0);
	return [...out];
}
