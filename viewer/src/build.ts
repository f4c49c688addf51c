/**
 * States of CPUs and tasks from the merged events. What a lost part may have changed is unknown
 * until an event says otherwise: while a CPU's events are missing, another CPU may have taken any
 * task that is ready and woken any that waits, so only what is seen running is sure.
 */
import {EV, SETS} from "events";
import {check} from "./check.js";
import {LAYOUTS, decode, urgency} from "./decode.js";
import {Columns, filled} from "./grow.js";
import {about, type About, type Input} from "./input.js";
import {LaneMaker, LanesMaker, now} from "./lanes.js";
import {merge} from "./merge.js";
import {IDLE, OFFLINE, S, UNKNOWN, type Cpu, type Flag, type Model, type Task} from "./model.js";
import {Arrival, estimate, packets, type CpuStream, type Packet} from "./packets.js";
import {duration} from "./time.js";
import {Turns, type Taker} from "./turns.js";

/** What seldom changes of a task. */
class TaskMaker {
	name = "";
	share = 0;
	parent = 0;
	deadlineNs = 0;
	quantumNs = 0;
	budgetNs = 0;
	periodNs = 0;
	places: {from: number; cpus: string}[] = [];
	spawned = NaN;
	ends = false;
	constructor(readonly tid: number) {}
}

/** What each event may change of one, by task. */
class TaskState {
	readonly cls: Int16Array;
	readonly prio: Uint8Array;
	readonly state: Uint8Array;
	/** 1 + the part of the queue that it waits in. */
	readonly queued: Uint8Array;
	/** Whether it has places. */
	readonly placed: Uint8Array;
	/** Kind and line of its last await. */
	readonly awaits: Uint32Array;
	readonly openJob: Int32Array;
	/** When it was queued last. */
	readonly queuedAt: Float64Array;
	constructor(n: number, before?: TaskState) {
		const {cls, prio, state, queued, placed, awaits, openJob, queuedAt} = before ?? {};
		const more = <A extends {set: (a: A) => void}>(a: A, old: A | undefined): A => {
			if (old)
				a.set(old);
			return a;
		};
		this.cls = more(new Int16Array(n).fill(-1), cls);
		this.prio = more(new Uint8Array(n), prio);
		this.state = more(new Uint8Array(n).fill(S.unknown), state);
		this.queued = more(new Uint8Array(n), queued);
		this.placed = more(new Uint8Array(n), placed);
		this.awaits = more(new Uint32Array(n), awaits);
		this.openJob = more(new Int32Array(n).fill(-1), openJob);
		this.queuedAt = more(new Float64Array(n), queuedAt);
	}
}

class CpuMaker {
	lane: LaneMaker;
	/** Start, end; what. */
	irqs = new Columns(2, 1);
	irqOpen = false;
	running = 0;
	/** The task that settled before its switch is recorded. */
	left = 0;
	/** The clock's high half times 2^32. */
	high = NaN;
	/** Its events are missing now, and since when. */
	blind: boolean;
	lossFrom = 0;
	constructor(readonly stream: CpuStream, room: number) {
		this.lane = new LaneMaker(Math.ceil(room));
		this.blind = stream.packets[0]?.afterLoss ?? false;
	}
}

/** Time; word, CPU, and what else there is of each. */
class PointsMaker {
	private time: Float64Array;
	private word: Uint32Array;
	private cpu: Uint8Array;
	private more: Uint32Array;
	n = 0;
	constructor(room: number) {
		room = Math.max(room, 64);
		this.time = new Float64Array(room);
		this.word = new Uint32Array(room);
		this.cpu = new Uint8Array(room);
		this.more = new Uint32Array(room);
	}
	put(word: number, cpu: number, more: number): void {
		const k = this.n;
		if (k === this.cpu.length)
			this.grow();
		this.time[k] = now[0]!;
		this.word[k] = word;
		this.cpu[k] = cpu;
		this.more[k] = more;
		this.n = k + 1;
	}
	private grow(): void {
		const {time, word, cpu, more} = this;
		const room = cpu.length * 2;
		(this.time = new Float64Array(room)).set(time);
		(this.word = new Uint32Array(room)).set(word);
		(this.cpu = new Uint8Array(room)).set(cpu);
		(this.more = new Uint32Array(room)).set(more);
	}
	done(): {time: Float64Array; word: Uint32Array; cpu: Uint8Array} {
		return {time: filled(this.time, this.n), word: filled(this.word, this.n), cpu: filled(this.cpu, this.n)};
	}
	extra(): Uint32Array {
		return filled(this.more, this.n);
	}
}

function cap(n: number): number {
	return n < 0 ? 0 : n > 1023 ? 1023 : n;
}

/* Tasks whose number is below are found without a map. */
const SMALL = 4096;
/* Which of the three parts of the queue's lane a class counts in. */
const QUEUE_PART = new Uint8Array(256).map((_, cls) => urgency(cls) <= 1 ? 0 : urgency(cls) <= 3 ? 1 : 2);
const MARKS = SETS["mark"]!;
const NO_DEADLINE = 0xffffffff;

class Builder implements Taker {
	readonly u32: Uint32Array;
	readonly i32: Int32Array;
	readonly bytes: Uint8Array;
	readonly view: DataView;
	readonly cpus: (CpuMaker | undefined)[] = [];
	readonly tasks: TaskMaker[] = [];
	task: TaskState = new TaskState(256);
	readonly lanes: LanesMaker;
	readonly byTid = new Map<number, number>();
	readonly small = new Int32Array(SMALL).fill(-1);
	readonly decisions: PointsMaker;
	/** Decisions that are not what their candidates say. */
	readonly wrong: number[] = [];
	readonly wakes: PointsMaker;
	readonly sends: PointsMaker;
	/** Release, deadline, end; task, number. */
	readonly jobList: Columns;
	/** Records of marks, and when, on which CPU: lanes of locks need them by time. */
	readonly marks = new PointsMaker(64);
	readonly queue: LaneMaker;
	readonly counts = new Int32Array(3);
	queueMax = 1;
	readonly locks = new Map<number, {holder: LaneMaker; waiters: LaneMaker; who: Set<number>}>();
	readonly stacks: LaneMaker[] = [];
	readonly flags: Flag[] = [];
	readonly lost: {cpu: number; from: number; to: number}[] = [];
	blind = 0;
	/** CPUs that the machine has, 0 while not recorded. */
	online = 0;
	events = 0;
	t0 = Infinity;
	/** Of the last event. */
	readonly latest = new Float64Array(1);

	constructor(raw: Uint8Array, streams: CpuStream[], readonly nsPerTick: number) {
		this.bytes = raw;
		this.u32 = new Uint32Array(raw.buffer, raw.byteOffset, raw.byteLength >> 2);
		this.i32 = new Int32Array(raw.buffer, raw.byteOffset, raw.byteLength >> 2);
		this.view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
		const count = estimate(streams, this.u32, raw.length);
		const [switches, queued] = [count(EV.SCHED_SWITCH), count(EV.SCHED_ENQUEUE)];
		this.decisions = new PointsMaker(count(EV.SCHED_DECISION));
		this.wakes = new PointsMaker(count(EV.SCHED_WAKEUP));
		this.sends = new PointsMaker(count(EV.IPI_SEND));
		this.jobList = new Columns(3, 2, count(EV.SCHED_RELEASE));
		this.queue = new LaneMaker(2 * queued);
		this.lanes = new LanesMaker(2 * (2 * switches + queued));
		for (const s of streams) {
			if (!s.packets.length)
				continue;
			const c = new CpuMaker(s, (switches + count(EV.CPU_IDLE)) / streams.length);
			this.cpus[s.cpu] = c;
			if (c.blind)
				this.blind++;
			this.t0 = Math.min(this.t0, this.ns(s.packets[0]!.begin));
		}
		if (this.t0 === Infinity)
			this.t0 = 0;
		now[0] = this.t0;
		for (const c of this.cpus)
			c?.lane.put(c.blind ? UNKNOWN : OFFLINE);
		this.queue.put(0);
		this.taskOf(0);
	}

	ns(ticks: number): number {
		return this.nsPerTick === 1 ? ticks : Math.floor(ticks * this.nsPerTick);
	}

	u64(word: number): number {
		return this.u32[word + 1]! * 4294967296 + this.u32[word]!;
	}

	time64(word: number): number {
		return this.u32[word + 1] === NO_DEADLINE && this.u32[word] === NO_DEADLINE ? Infinity : this.u64(word);
	}

	taskOf(tid: number): number {
		if (tid >= 0 && tid < SMALL) {
			const known = this.small[tid]!;
			if (known >= 0)
				return known;
		}
		return this.byTid.get(tid) ?? this.newTask(tid);
	}

	newTask(tid: number): number {
		const i = this.tasks.push(new TaskMaker(tid)) - 1;
		if (i === this.task.cls.length)
			this.task = new TaskState(i * 2, this.task);
		this.byTid.set(tid, i);
		if (tid >= 0 && tid < SMALL)
			this.small[tid] = i;
		const t = now[0]!;
		now[0] = this.t0;
		if (this.lanes.add())
			this.lanes.put(i, S.unknown);
		now[0] = t;
		return i;
	}

	/** A task goes to a state; `detail` is a CPU or kind and line. */
	set(i: number, state: S, detail: number): void {
		if (!i)
			return;
		const {queued} = this.task;
		const queues = state === S.ready || state === S.preempted;
		const part = queued[i]!;
		if (queues && !part)
			this.count(queued[i] = 1 + QUEUE_PART[this.task.cls[i]! & 255]!, 1);
		else if (!queues && part)
			this.leave(i);
		this.task.state[i] = state;
		this.lanes.put(i, this.blind && state !== S.running && state !== S.dead ? S.unknown : state | detail << 4);
	}

	leave(i: number): void {
		const part = this.task.queued[i]!;
		this.task.queued[i] = 0;
		this.count(part, -1);
	}

	/** So many more or less wait in a part, which is counted from 1. */
	count(part: number, by: number): void {
		const {counts} = this;
		counts[part - 1]! += by;
		const [a, b, c] = [counts[0]!, counts[1]!, counts[2]!];
		if (a + b + c > this.queueMax)
			this.queueMax = a + b + c;
		this.queue.put(cap(a) | cap(b) << 10 | cap(c) << 20);
	}

	/** Events of this CPU are missing from here on: nobody knows what it does to whom. */
	gap(cpu: number, from: number): void {
		const c = this.cpus[cpu]!;
		const since = this.ns(from);
		c.blind = true;
		c.lossFrom = since;
		this.blind++;
		now[0] = since;
		c.lane.put(UNKNOWN);
		c.running = -1;
		c.left = 0;
		this.forget(cpu);
	}

	/** And here they are again. What it did to tasks meanwhile shows only when they show. */
	found(t: number, cpu: number): void {
		const c = this.cpus[cpu]!;
		this.lost.push({cpu, from: Math.max(c.lossFrom, this.t0), to: t});
		if (c.blind)
			this.blind--;
		c.blind = false;
		now[0] = t;
		this.forget(cpu);
	}

	/** Of a task only its end is sure, and that it runs on another CPU. */
	forget(cpu: number): void {
		const {state} = this.task;
		for (let i = 1; i < this.tasks.length; i++) {
			if (state[i] === S.dead || state[i] === S.none || (state[i] === S.running && this.runsElsewhere(i, cpu)))
				continue;
			if (this.task.queued[i])
				this.leave(i);
			state[i] = S.unknown;
			this.lanes.put(i, S.unknown);
		}
	}

	runsElsewhere(i: number, cpu: number): boolean {
		return this.cpus.some((c, k) => c && k !== cpu && c.running === i);
	}

	onSwitch(w: number, cpu: number): void {
		const c = this.cpus[cpu]!;
		const prev = this.taskOf(this.i32[w + 2]!);
		const next = this.taskOf(this.i32[w + 3]!);
		if (prev && c.left !== prev) {
			const state = this.u32[w + 4]! & 255;
			const why = this.u32[w + 4]! >>> 24;
			if (why === 7)
				this.set(prev, S.throttled, 0);
			else if (why === 4 || why === 5)
				this.set(prev, S.preempted, 0);
			else if (state === 64)
				this.set(prev, S.dead, 0);
			else if (state === 1)
				this.set(prev, S.waiting, this.task.awaits[prev]!);
			else
				this.set(prev, S.ready, 0);
		}
		c.left = 0;
		c.running = next;
		c.lane.put(next ? next : IDLE);
		if (next)
			this.set(next, S.running, cpu);
	}

	onEnqueue(w: number, cpu: number): void {
		const i = this.taskOf(this.i32[w + 2]!);
		const {task} = this;
		const what = this.u32[w + 3]!;
		const why = this.u32[w + 3]! >>> 16 & 255;
		const c = this.cpus[cpu]!;
		if (c.running === i && task.state[i] === S.running)
			c.left = i;
		task.cls[i] = what & 255;
		task.prio[i] = what >>> 8 & 255;
		task.queuedAt[i] = now[0]!;
		/* That it may run on some CPUs only would be said by the next event. */
		if (task.placed[i] && (this.u32[w + (this.u32[w + 1]! >>> 16) * 2 + 1]! & 0xffff) !== EV.SCHED_AFFINITY)
			this.place(i, now[0]!, "");
		this.set(i, why === 1 || why === 2 ? S.preempted : S.ready, 0);
	}

	place(i: number, from: number, cpus: string): void {
		const {places} = this.tasks[i]!;
		if ((places[places.length - 1]?.cpus ?? "") !== cpus)
			places.push({from, cpus});
		this.task.placed[i] = places.length ? 1 : 0;
	}

	onParams(w: number): void {
		const f = decode(this.view, LAYOUTS[EV.SCHED_PARAMS]!, (w + 2) * 4);
		const i = this.taskOf(this.i32[w + 2]!);
		this.task.cls[i] = Number(f["class"]);
		this.task.prio[i] = Number(f["prio"]);
		Object.assign(this.tasks[i]!, {share: Number(f["share"]), deadlineNs: Number(f["relative_ns"]),
			quantumNs: Number(f["quantum_ns"]), budgetNs: Number(f["budget_ns"]), periodNs: Number(f["period_ns"])});
		const all = this.online ? (1n << BigInt(this.online)) - 1n : ~0n;
		const cpus = this.view.getBigUint64((w + 2) * 4 + 72, true);
		this.place(i, now[0]!, (cpus & all) === all ? "" : cpus.toString(16));
	}

	onFork(w: number): void {
		const f = decode(this.view, LAYOUTS[EV.TASK_SPAWN]!, (w + 2) * 4);
		const tid = Number(f["child_tid"]);
		const {state} = this.task;
		let i = this.byTid.get(tid);
		/* A number may be used again. */
		if (i === undefined || state[i] === S.dead) {
			i = this.newTask(tid);
			this.lanes.begin(i, S.none);
			this.task.state[i] = S.none;
		}
		this.task.cls[i] = Number(f["class"]);
		this.task.prio[i] = Number(f["prio"]);
		Object.assign(this.tasks[i]!, {name: String(f["child_comm"]),
			share: Number(f["share"]), parent: Number(f["parent_tid"]), deadlineNs: Number(f["deadline_ns"]),
			quantumNs: Number(f["quantum_ns"]), budgetNs: Number(f["budget_ns"]), periodNs: Number(f["period_ns"]),
			spawned: now[0]});
		if (this.task.state[i] === S.none)
			this.set(i, S.waiting, 0);
	}

	onRelease(w: number): void {
		const i = this.taskOf(this.i32[w + 2]!);
		const k = this.task.openJob[i] = this.jobList.add();
		const {f, u} = this.jobList;
		f[0]![k] = this.u64(w + 4);
		f[1]![k] = this.time64(w + 6);
		f[2]![k] = NaN;
		u[0]![k] = i;
		u[1]![k] = this.u32[w + 3]!;
	}

	onJobDone(w: number, cpu: number): void {
		const i = this.taskOf(this.i32[w + 2]!);
		const task = this.tasks[i]!;
		const c = this.cpus[cpu]!;
		const done = this.u64(w + 4);
		const deadline = this.time64(w + 6);
		const open = this.task.openJob[i]!;
		if (open >= 0 && this.jobList.u[1]![open] === this.u32[w + 3])
			this.jobList.f[2]![open] = done;
		this.task.openJob[i] = -1;
		if (done > deadline)
			this.flags.push({time: now[0]!, cpu, kind: "miss", task: i,
				text: `${task.name || task.tid} missed the deadline of job ${this.u32[w + 3]} by ${duration(done - deadline)}`});
		if (c.running === i)
			c.left = i;
		this.set(i, task.ends ? S.dead : S.waiting, task.ends ? 0 : this.task.awaits[i]!);
	}

	onMark(t: number, w: number, cpu: number): void {
		now[0] = t;
		const kind = this.u32[w + 2]!;
		const tid = this.i32[w + 3]!;
		const value = this.u64(w + 4);
		const what = MARKS.get(kind) ?? "";
		if (!what.startsWith("lock_")) {
			this.flags.push({time: t, cpu, kind: "mark", task: this.taskOf(tid), text: what.startsWith("demo") ? what.replace("_", " ") + "s" : `mark ${value}`});
			return;
		}
		let lock = this.locks.get(value);
		if (!lock) {
			lock = {holder: new LaneMaker(), waiters: new LaneMaker(), who: new Set()};
			now[0] = this.t0;
			lock.holder.put(0);
			lock.waiters.put(0);
			now[0] = t;
			this.locks.set(value, lock);
		}
		if (what === "lock_wait")
			lock.who.add(tid);
		else
			lock.who.delete(tid);
		lock.waiters.put(lock.who.size);
		if (what === "lock_take")
			lock.holder.put(this.taskOf(tid));
		if (what === "lock_give")
			lock.holder.put(0);
	}

	stack(number: number): LaneMaker {
		let s = this.stacks[number];
		if (!s) {
			const t = now[0]!;
			now[0] = this.t0;
			s = this.stacks[number] = new LaneMaker();
			s.put(0);
			now[0] = t;
		}
		return s;
	}

	onWorkerSwitch(w: number, cpu: number): void {
		const from = this.u32[w + 2]!;
		const to = this.u32[w + 3]!;
		const frozen = this.taskOf(this.i32[w + 4]!);
		if (from && from < 65536)
			this.stack(from).put(frozen ? (0x80000000 | frozen) >>> 0 : 0);
		if (to && to < 65536)
			this.stack(to).put(1 + cpu);
	}

	onIrq(w: number, c: CpuMaker, id: number): void {
		const exit = id === EV.IRQ_EXIT || id === EV.HINT_EXIT;
		const {irqs} = c;
		if (exit && c.irqOpen) {
			irqs.f[1]![irqs.n - 1] = now[0]!;
			c.irqOpen = false;
		} else if (!exit) {
			const k = irqs.add();
			irqs.f[0]![k] = irqs.f[1]![k] = now[0]!;
			irqs.u[0]![k] = id | this.u32[w + 2]! << 16;
			c.irqOpen = true;
		}
	}

	packet(cpu: number, p: Packet): void {
		this.high(cpu, p.high);
	}

	/** The high half of the clock in the CPU's next events. */
	high(cpu: number, high: number): void {
		this.cpus[cpu]!.high = high;
	}

	event(w: number, id: number, cpu: number): void {
		const c = this.cpus[cpu]!;
		const ticks = c.high + this.u32[w]!;
		const t = this.nsPerTick === 1 ? ticks : Math.floor(ticks * this.nsPerTick);
		now[0] = t;
		this.events++;
		if (t > this.latest[0]!)
			this.latest[0] = t;
		switch (id) {
		case EV.SCHED_SWITCH: this.onSwitch(w, cpu); break;
		case EV.SCHED_ENQUEUE: this.onEnqueue(w, cpu); break;
		case EV.SCHED_WAKEUP: this.wakes.put(w, cpu, this.taskOf(this.i32[w + 2]!)); break;
		case EV.SCHED_DECISION: {
			const wrong = check(this.u32, this.bytes, w) === "wrong";
			if (wrong)
				this.wrong.push(this.decisions.n);
			this.decisions.put(w, cpu, (this.bytes[w * 4 + 15]! > 1 ? 1 : 0) | (wrong ? 2 : 0));
			break;
		}
		case EV.SCHED_RELEASE: this.onRelease(w); break;
		case EV.JOB_DONE: this.onJobDone(w, cpu); break;
		case EV.SCHED_DEQUEUE: {
			const i = this.taskOf(this.i32[w + 2]!);
			if (!this.task.queued[i] && this.task.state[i] !== S.unknown) {
				if (c.running === i)
					c.left = i;
				this.set(i, S.throttled, 0);
			}
			break;
		}
		case EV.IRQ_ENTRY: case EV.HINT_ENTRY: case EV.IRQ_EXIT: case EV.HINT_EXIT:
			this.onIrq(w, c, id);
			break;
		case EV.IPI_SEND: this.sends.put(w, cpu, 0); break;
		case EV.CPU_IDLE:
			if (this.u32[w + 2] === 1 && c.lane.last !== IDLE) {
				c.running = 0;
				c.lane.put(IDLE);
			}
			break;
		case EV.CPU_ONLINE: {
			const online = this.cpus[this.u32[w + 2]!];
			this.online = this.u32[w + 3]!;
			if (online && online.lane.last === OFFLINE)
				online.lane.put(IDLE);
			break;
		}
		case EV.TASK_SPAWN: this.onFork(w); break;
		case EV.STATEDUMP:
			this.tasks[this.taskOf(this.i32[w + 2]!)]!.name = String(decode(this.view, LAYOUTS[id]!, (w + 2) * 4)["name"]);
			break;
		case EV.TASK_EXIT: this.tasks[this.taskOf(this.i32[w + 2]!)]!.ends = true; break;
		case EV.POLL_BEGIN: {
			const i = this.taskOf(this.i32[w + 2]!);
			this.tasks[i]!.ends = false;
			if (i && (this.task.state[i] !== S.running || c.running !== i)) {
				c.running = i;
				c.lane.put(i);
				this.set(i, S.running, cpu);
			}
			break;
		}
		case EV.POLL_END:
			if (this.u32[w + 3] === 1)
				this.tasks[this.taskOf(this.i32[w + 2]!)]!.ends = true;
			break;
		case EV.AWAIT:
			this.task.awaits[this.taskOf(this.i32[w + 2]!)] = (this.u32[w + 3]! & 255) + 1 | (this.u32[w + 3]! >>> 16) << 8;
			break;
		case EV.WORKER_SWITCH: this.onWorkerSwitch(w, cpu); break;
		case EV.WORKER_NONE:
			this.flags.push({time: t, cpu, kind: "exhausted", task: this.taskOf(this.i32[w + 2]!), text: "a preemption was put off: every stack is in use"});
			break;
		case EV.MARK: this.marks.put(w, cpu, 0); break;
		case EV.PANIC:
			this.flags.push({time: t, cpu, kind: "panic", task: 0, text: `the kernel panicked at 0x${this.u64(w + 2).toString(16)}`});
			break;
		case EV.TASK_FAULT: {
			const i = this.taskOf(this.i32[w + 2]!);
			this.flags.push({time: t, cpu, kind: "fault", task: i, text: `${this.tasks[i]!.name} ended in the middle, status ${this.i32[w + 3]}`});
			break;
		}
		case EV.SCHED_PARAMS: this.onParams(w); break;
		case EV.SCHED_AFFINITY: {
			const i = this.taskOf(this.i32[w + 2]!);
			this.place(i, this.task.queuedAt[i]!, this.view.getBigUint64((w + 4) * 4, true).toString(16));
			break;
		}
		}
	}

	allMarks(): void {
		const {time, word, cpu} = this.marks.done();
		for (const i of [...time.keys()].sort((a, b) => time[a]! - time[b]!))
			this.onMark(time[i]!, word[i]!, cpu[i]!);
	}

	jobs(): Model["jobs"] {
		const task = this.jobList.words(0);
		const from = new Uint32Array(this.tasks.length + 1);
		for (const i of task)
			from[i + 1]!++;
		for (let i = 1; i < from.length; i++)
			from[i]! += from[i - 1]!;
		this.jobFrom = from.slice();
		const order = new Uint32Array(task.length);
		for (let k = 0; k < task.length; k++)
			order[from[task[k]!]!++] = k;
		return {task, number: this.jobList.words(1), release: this.jobList.doubles(0), deadline: this.jobList.doubles(1), done: this.jobList.doubles(2), order};
	}
	jobFrom = new Uint32Array(0);

	finishedTasks(): Task[] {
		const {cls, prio} = this.task;
		const lanes = this.lanes.done();
		return this.tasks.map((t, i) => ({tid: t.tid, name: i ? t.name || `task ${t.tid}` : "idle", cls: cls[i]!, prio: prio[i]!, share: t.share,
			parent: t.parent, deadlineNs: t.deadlineNs, quantumNs: t.quantumNs, budgetNs: t.budgetNs, periodNs: t.periodNs,
			places: t.places, spawned: t.spawned, lane: lanes[i]!, jobsFrom: this.jobFrom[i]!,
			jobsN: this.jobFrom[i + 1]! - this.jobFrom[i]!}));
	}

	finishedCpus(): Cpu[] {
		const out: Cpu[] = [];
		this.cpus.forEach((c, cpu) => {
			if (!c)
				return;
			const p = c.stream.packets;
			out.push({cpu, lane: c.lane.done(), irqStart: c.irqs.doubles(0), irqEnd: c.irqs.doubles(1), irqWhat: c.irqs.words(0),
				packets: {from: Uint32Array.from(p, (x) => (x.at + 80) >> 2), to: Uint32Array.from(p, (x) => x.end >> 2),
					high: Float64Array.from(p, (x) => x.high), begin: Float64Array.from(p, (x) => this.ns(x.begin))}});
		});
		return out;
	}
}

/**
 * Lines of a checker; "step-N" is what a model checker's step does. "R1 at 0.001234567 CPU 2 seq 17: what is wrong", from `fermata-trace check` or
 * a model checker's counterexample; and of the simulator, without a name and "at".
 */
export function violations(text: string): Flag[] {
	return [...text.matchAll(/^(?:([\w-]+) at )?(\d+)\.(\d{9}) CPU (\d+)(?: seq \d+)?: (.*)$/gm)].map(([, rule, s, ns, cpu, what]) => ({
		time: Number(s) * 1e9 + Number(ns), cpu: Number(cpu), kind: !rule ? "found" : rule.startsWith("step-") ? "mark" : "violation", task: 0, text: rule ? `${rule}: ${what}` : what!, ...(rule ? {rule} : {})}));
}

/** What symbols.txt, which `make trace` puts beside the trace, calls an address. */
function symbol(input: Input, value: number): string {
	const hex = value.toString(16);
	return new RegExp(`^${hex} (.+)$`, "m").exec(input.texts.get("symbols.txt") ?? "")?.[1] ?? `0x${hex}`;
}

/* A trace that is still being read is begun with when so much of it is there: packets of every CPU, most likely. */
const BEGIN_BYTES = 1 << 22;

/**
 * As `build`, of files that are still being read: a trace that lacks nothing is gone through meanwhile.
 * @param first so many bytes are awaited before
 */
export async function buildWhileRead(input: Input, first = BEGIN_BYTES): Promise<Model> {
	const what = about(input);
	const parts = input.pieces.flatMap(({bytes, coming}) => coming ? {bytes, coming} : []);
	const total = parts.reduce((sum, p) => sum + p.bytes, 0);
	const got = (): number => parts.reduce((sum, p) => sum + p.coming.got, 0);
	const more = (): Promise<void> => Promise.race(parts.filter((p) => p.coming.got < p.bytes).map((p) => p.coming.more()));
	while (got() < Math.min(total, first))
		await more();
	const arrival = new Arrival(input);
	if (arrival.take()) {
		const {streams} = arrival;
		const cpus = streams.length;
		const b = new Builder(input.raw, streams, 1e9 / what.clockHz);
		const turns = new Turns(streams, input.raw, b.u32, b);
		for (let all = false; arrival.take() && streams.length === cpus && turns.go(all = got() === total);) {
			if (all)
				return finish(b, input, what, streams);
			await more();
		}
	}
	while (got() < total)
		await more();
	return build(input, false, what);
}

/** What comes of events that are all there. @param exact goes by time in any case, as it must where events are missing */
export function build(input: Input, exact = false, what = about(input)): Model {
	const nsPerTick = 1e9 / what.clockHz;
	const arrival = new Arrival(input);
	if (!exact && arrival.take()) {
		const b = new Builder(input.raw, arrival.streams, nsPerTick);
		if (new Turns(arrival.streams, input.raw, b.u32, b).go(true))
			return finish(b, input, what, arrival.streams);
	}
	const streams = packets(input);
	const b = new Builder(input.raw, streams, nsPerTick);
	merge(streams, b.u32, (w, id, ticks, cpu, afterLoss) => {
		if (afterLoss)
			b.found(b.ns(ticks), cpu);
		b.high(cpu, ticks - b.u32[w]!);
		b.event(w, id, cpu);
	}, (cpu, from) => b.gap(cpu, from));
	return finish(b, input, what, streams);
}

function finish(b: Builder, input: Input, what: About, streams: CpuStream[]): Model {
	b.allMarks();
	const jobs = b.jobs();
	const verdicts = new Uint8Array(b.decisions.extra());
	const flags = b.flags.concat(violations([input.texts.get("check.txt") ?? "", ...what.found].join("\n"))).sort((x, y) => x.time - y.time);
	return {
		about: what, problems: input.problems, raw: input.raw, t0: b.t0, t1: Math.max(...b.latest, ...streams.map((s) => b.ns(s.packets[s.packets.length - 1]?.until ?? 0)), b.t0 + 1), events: b.events,
		nsPerTick: b.nsPerTick, cpus: b.finishedCpus(), tasks: b.finishedTasks(),
		decisions: {...b.decisions.done(), flags: verdicts, wrong: Uint32Array.from(b.wrong)},
		wakes: {...b.wakes.done(), task: b.wakes.extra()}, sends: b.sends.done(), jobs, queue: b.queue.done(), queueMax: b.queueMax,
		locks: [...b.locks].map(([value, l]) => ({name: symbol(input, value), lane: l.holder.done()})),
		lockWaiters: [...b.locks.values()].map((l) => l.waiters.done()),
		stacks: b.stacks.flatMap((s, i) => s ? [{name: `stack ${i}`, lane: s.done()}] : []),
		flags, lost: b.lost, texts: input.texts,
	};
}
