/**
 * States of CPUs and tasks from the merged events. What a lost part may have changed is unknown
 * until an event says otherwise: while a CPU's events are missing, another CPU may have taken any
 * task that is ready and woken any that waits, so only what is seen running is sure.
 */
import {EV, SETS} from "events";
import {check} from "./check.js";
import {LAYOUTS, decode, urgency} from "./decode.js";
import {Columns, filled} from "./grow.js";
import {about, type Input} from "./input.js";
import {inTurn, merge} from "./merge.js";
import {IDLE, OFFLINE, S, UNKNOWN, type Cpu, type Flag, type Lane, type Model, type Task} from "./model.js";
import {estimate, packets, type CpuStream} from "./packets.js";
import {duration} from "./time.js";

class LaneMaker {
	private start: Float64Array;
	private val: Uint32Array;
	n = 0;
	/** @param room steps that are expected */
	constructor(room = 16) {
		room = Math.max(room, 16);
		this.start = new Float64Array(room);
		this.val = new Uint32Array(room);
	}
	get last(): number {
		return this.n ? this.val[this.n - 1]! : -1;
	}
	put(t: number, v: number): void {
		const {n} = this;
		if (n) {
			if (this.val[n - 1] === v)
				return;
			if (t <= this.start[n - 1]!) {
				/* Clocks differ a little: what came later in seq counts. */
				if (n > 1 && this.val[n - 2] === v)
					this.n--;
				else
					this.val[n - 1] = v;
				return;
			}
		}
		if (n === this.start.length)
			this.grow();
		this.start[n] = t;
		this.val[n] = v;
		this.n = n + 1;
	}
	/** What it begins with is something else. */
	begin(v: number): void {
		this.val[0] = v;
	}
	private grow(): void {
		const start = new Float64Array(this.n * 2);
		const val = new Uint32Array(this.n * 2);
		start.set(this.start);
		val.set(this.val);
		this.start = start;
		this.val = val;
	}
	done(): Lane {
		return {start: filled(this.start, this.n), val: filled(this.val, this.n)};
	}
}

class TaskMaker {
	name = "";
	cls = -1;
	prio = 0;
	share = 0;
	parent = 0;
	deadlineNs = 0;
	quantumNs = 0;
	budgetNs = 0;
	periodNs = 0;
	places: {from: number; cpus: string}[] = [];
	/** When it was queued last. */
	queuedAt = 0;
	spawned = NaN;
	ends = false;
	state: S = S.unknown;
	/** Kind and line of its last await. */
	awaits = 0;
	openJob = -1;
	queued = 0;
	lane = new LaneMaker();
	constructor(readonly tid: number) {}
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
class PointsMaker extends Columns {
	constructor(room: number) {
		super(1, 3, room);
	}
	put(t: number, word: number, cpu: number, more = 0): void {
		const k = this.add();
		this.f[0]![k] = t;
		this.u[0]![k] = word;
		this.u[1]![k] = cpu;
		this.u[2]![k] = more;
	}
	done(): {time: Float64Array; word: Uint32Array; cpu: Uint8Array} {
		return {time: this.doubles(0), word: this.words(0), cpu: new Uint8Array(this.u[1]!.subarray(0, this.n))};
	}
}

function cap(n: number): number {
	return n < 0 ? 0 : n > 1023 ? 1023 : n;
}

/* Which of the three parts of the queue's lane a class counts in. */
const QUEUE_PART = new Uint8Array(256).map((_, cls) => urgency(cls) <= 1 ? 0 : urgency(cls) <= 3 ? 10 : 20);
const MARKS = SETS["mark"]!;
const NO_DEADLINE = 0xffffffff;

class Builder {
	readonly u32: Uint32Array;
	readonly i32: Int32Array;
	readonly bytes: Uint8Array;
	readonly view: DataView;
	readonly cpus: (CpuMaker | undefined)[] = [];
	readonly tasks: TaskMaker[] = [new TaskMaker(0)];
	readonly byTid = new Map<number, number>([[0, 0]]);
	readonly small = new Int32Array(4096).fill(-1);
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
	readonly counts = [0, 0, 0];
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
	t1 = 0;

	constructor(raw: Uint8Array, streams: CpuStream[], readonly nsPerTick: number) {
		this.bytes = raw;
		this.u32 = new Uint32Array(raw.buffer, raw.byteOffset, raw.byteLength >> 2);
		this.i32 = new Int32Array(raw.buffer, raw.byteOffset, raw.byteLength >> 2);
		this.view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
		this.small[0] = 0;
		const count = estimate(streams, this.u32);
		this.decisions = new PointsMaker(count(EV.SCHED_DECISION));
		this.wakes = new PointsMaker(count(EV.SCHED_WAKEUP));
		this.sends = new PointsMaker(count(EV.IPI_SEND));
		this.jobList = new Columns(3, 2, count(EV.SCHED_RELEASE));
		this.queue = new LaneMaker(2 * count(EV.SCHED_ENQUEUE));
		for (const s of streams) {
			if (!s.packets.length)
				continue;
			const c = new CpuMaker(s, (count(EV.SCHED_SWITCH) + count(EV.CPU_IDLE)) / streams.length);
			this.cpus[s.cpu] = c;
			if (c.blind)
				this.blind++;
			this.t0 = Math.min(this.t0, this.ns(s.packets[0]!.begin));
			this.t1 = Math.max(this.t1, this.ns(s.packets[s.packets.length - 1]!.until));
		}
		if (this.t0 === Infinity)
			this.t0 = 0;
		for (const c of this.cpus)
			c?.lane.put(this.t0, c.blind ? UNKNOWN : OFFLINE);
		this.queue.put(this.t0, 0);
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

	task(tid: number): number {
		if (tid >= 0 && tid < 4096) {
			const known = this.small[tid]!;
			if (known >= 0)
				return known;
		}
		let i = this.byTid.get(tid);
		if (i === undefined) {
			i = this.tasks.length;
			this.tasks.push(new TaskMaker(tid));
			this.tasks[i]!.lane.put(this.t0, S.unknown);
			this.byTid.set(tid, i);
			if (tid >= 0 && tid < 4096)
				this.small[tid] = i;
		}
		return i;
	}

	/** A task goes to a state; `detail` is a CPU or kind and line. */
	set(t: number, i: number, state: S, detail: number): void {
		const task = this.tasks[i]!;
		if (!i)
			return;
		const queues = state === S.ready || state === S.preempted;
		const part = QUEUE_PART[task.cls & 255]!;
		if (queues && !task.queued) {
			task.queued = 1 + part;
			this.count(t, part, 1);
		} else if (!queues && task.queued) {
			this.count(t, task.queued - 1, -1);
			task.queued = 0;
		}
		task.state = state;
		task.lane.put(t, this.blind && state !== S.running && state !== S.dead ? S.unknown : state | detail << 4);
	}

	count(t: number, part: number, by: number): void {
		const at = part / 10;
		this.counts[at] = this.counts[at]! + by;
		if (this.counts[0]! + this.counts[1]! + this.counts[2]! > this.queueMax)
			this.queueMax = this.counts[0]! + this.counts[1]! + this.counts[2]!;
		this.queue.put(t, cap(this.counts[0]!) | cap(this.counts[1]!) << 10 | cap(this.counts[2]!) << 20);
	}

	/** Events of this CPU are missing from here on: nobody knows what it does to whom. */
	gap(cpu: number, from: number): void {
		const c = this.cpus[cpu]!;
		const since = this.ns(from);
		c.blind = true;
		c.lossFrom = since;
		this.blind++;
		c.lane.put(since, UNKNOWN);
		c.running = -1;
		c.left = 0;
		this.forget(since, cpu);
	}

	/** And here they are again. What it did to tasks meanwhile shows only when they show. */
	found(t: number, cpu: number): void {
		const c = this.cpus[cpu]!;
		this.lost.push({cpu, from: Math.max(c.lossFrom, this.t0), to: t});
		if (c.blind)
			this.blind--;
		c.blind = false;
		this.forget(t, cpu);
	}

	/** Of a task only its end is sure, and that it runs on another CPU. */
	forget(t: number, cpu: number): void {
		for (let i = 1; i < this.tasks.length; i++) {
			const task = this.tasks[i]!;
			if (task.state === S.dead || task.state === S.none || (task.state === S.running && this.runsElsewhere(i, cpu)))
				continue;
			if (task.queued) {
				this.count(t, task.queued - 1, -1);
				task.queued = 0;
			}
			task.state = S.unknown;
			task.lane.put(t, S.unknown);
		}
	}

	runsElsewhere(i: number, cpu: number): boolean {
		return this.cpus.some((c, k) => c && k !== cpu && c.running === i);
	}

	onSwitch(t: number, w: number, cpu: number): void {
		const c = this.cpus[cpu]!;
		const prev = this.task(this.i32[w + 2]!);
		const next = this.task(this.i32[w + 3]!);
		const state = this.bytes[w * 4 + 16]!;
		const why = this.bytes[w * 4 + 19]!;
		if (prev && c.left !== prev) {
			const p = this.tasks[prev]!;
			if (why === 7)
				this.set(t, prev, S.throttled, 0);
			else if (why === 4 || why === 5)
				this.set(t, prev, S.preempted, 0);
			else if (state === 64)
				this.set(t, prev, S.dead, 0);
			else if (state === 1)
				this.set(t, prev, S.waiting, p.awaits);
			else
				this.set(t, prev, S.ready, 0);
		}
		c.left = 0;
		c.running = next;
		c.lane.put(t, next ? next : IDLE);
		if (next)
			this.set(t, next, S.running, cpu);
	}

	onEnqueue(t: number, w: number, cpu: number): void {
		const i = this.task(this.i32[w + 2]!);
		const task = this.tasks[i]!;
		const why = this.bytes[w * 4 + 14]!;
		const c = this.cpus[cpu]!;
		task.cls = this.bytes[w * 4 + 12]!;
		task.prio = this.bytes[w * 4 + 13]!;
		task.queuedAt = t;
		/* That it may run on some CPUs only would be said by the next event. */
		if (task.places.length && (this.u32[w + (this.u32[w + 1]! >>> 16) * 2 + 1]! & 0xffff) !== EV.SCHED_AFFINITY)
			this.place(task, t, "");
		if (c.running === i && task.state === S.running)
			c.left = i;
		this.set(t, i, why === 1 || why === 2 ? S.preempted : S.ready, 0);
	}

	place(task: TaskMaker, from: number, cpus: string): void {
		const last = task.places[task.places.length - 1];
		if ((last?.cpus ?? "") !== cpus)
			task.places.push({from, cpus});
	}

	onParams(t: number, w: number): void {
		const f = decode(this.view, LAYOUTS[EV.SCHED_PARAMS]!, (w + 2) * 4);
		const task = this.tasks[this.task(this.i32[w + 2]!)]!;
		Object.assign(task, {cls: Number(f["class"]), prio: Number(f["prio"]), share: Number(f["share"]), deadlineNs: Number(f["relative_ns"]),
			quantumNs: Number(f["quantum_ns"]), budgetNs: Number(f["budget_ns"]), periodNs: Number(f["period_ns"])});
		const all = this.online ? (1n << BigInt(this.online)) - 1n : ~0n;
		const cpus = this.view.getBigUint64((w + 2) * 4 + 72, true);
		this.place(task, t, (cpus & all) === all ? "" : cpus.toString(16));
	}

	onFork(t: number, w: number): void {
		const f = decode(this.view, LAYOUTS[EV.TASK_SPAWN]!, (w + 2) * 4);
		const tid = Number(f["child_tid"]);
		let i = this.byTid.get(tid);
		if (i !== undefined && this.tasks[i]!.state === S.dead)
			i = undefined; /* the number is used again */
		if (i === undefined) {
			this.byTid.delete(tid);
			if (tid >= 0 && tid < 4096)
				this.small[tid] = -1;
			i = this.task(tid);
			this.tasks[i]!.lane.begin(S.none);
			this.tasks[i]!.state = S.none;
		}
		const task = this.tasks[i]!;
		Object.assign(task, {name: String(f["child_comm"]), cls: Number(f["class"]), prio: Number(f["prio"]),
			share: Number(f["share"]), parent: Number(f["parent_tid"]), deadlineNs: Number(f["deadline_ns"]),
			quantumNs: Number(f["quantum_ns"]), budgetNs: Number(f["budget_ns"]), periodNs: Number(f["period_ns"]),
			spawned: t});
		if (task.state === S.none)
			this.set(t, i, S.waiting, 0);
	}

	onRelease(w: number): void {
		const i = this.task(this.i32[w + 2]!);
		const k = this.tasks[i]!.openJob = this.jobList.add();
		const {f, u} = this.jobList;
		f[0]![k] = this.u64(w + 4);
		f[1]![k] = this.time64(w + 6);
		f[2]![k] = NaN;
		u[0]![k] = i;
		u[1]![k] = this.u32[w + 3]!;
	}

	onJobDone(t: number, w: number, cpu: number): void {
		const i = this.task(this.i32[w + 2]!);
		const task = this.tasks[i]!;
		const c = this.cpus[cpu]!;
		const done = this.u64(w + 4);
		const deadline = this.time64(w + 6);
		if (task.openJob >= 0 && this.jobList.u[1]![task.openJob] === this.u32[w + 3])
			this.jobList.f[2]![task.openJob] = done;
		task.openJob = -1;
		if (done > deadline)
			this.flags.push({time: t, cpu, kind: "miss", task: i,
				text: `${task.name || task.tid} missed the deadline of job ${this.u32[w + 3]} by ${duration(done - deadline)}`});
		if (c.running === i)
			c.left = i;
		this.set(t, i, task.ends ? S.dead : S.waiting, task.ends ? 0 : task.awaits);
	}

	onMark(t: number, w: number, cpu: number): void {
		const kind = this.u32[w + 2]!;
		const tid = this.i32[w + 3]!;
		const value = this.u64(w + 4);
		const what = MARKS.get(kind) ?? "";
		if (!what.startsWith("lock_")) {
			this.flags.push({time: t, cpu, kind: "mark", task: this.task(tid), text: what.startsWith("demo") ? what.replace("_", " ") + "s" : `mark ${value}`});
			return;
		}
		let lock = this.locks.get(value);
		if (!lock) {
			lock = {holder: new LaneMaker(), waiters: new LaneMaker(), who: new Set()};
			lock.holder.put(this.t0, 0);
			lock.waiters.put(this.t0, 0);
			this.locks.set(value, lock);
		}
		if (what === "lock_wait")
			lock.who.add(tid);
		else
			lock.who.delete(tid);
		lock.waiters.put(t, lock.who.size);
		if (what === "lock_take")
			lock.holder.put(t, this.task(tid));
		if (what === "lock_give")
			lock.holder.put(t, 0);
	}

	stack(number: number): LaneMaker {
		let s = this.stacks[number];
		if (!s) {
			s = this.stacks[number] = new LaneMaker();
			s.put(this.t0, 0);
		}
		return s;
	}

	onWorkerSwitch(t: number, w: number, cpu: number): void {
		const from = this.u32[w + 2]!;
		const to = this.u32[w + 3]!;
		const frozen = this.task(this.i32[w + 4]!);
		if (from && from < 65536)
			this.stack(from).put(t, frozen ? (0x80000000 | frozen) >>> 0 : 0);
		if (to && to < 65536)
			this.stack(to).put(t, 1 + cpu);
	}

	onIrq(t: number, w: number, c: CpuMaker, id: number): void {
		const exit = id === EV.IRQ_EXIT || id === EV.HINT_EXIT;
		const {irqs} = c;
		if (exit && c.irqOpen) {
			irqs.f[1]![irqs.n - 1] = t;
			c.irqOpen = false;
		} else if (!exit) {
			const k = irqs.add();
			irqs.f[0]![k] = irqs.f[1]![k] = t;
			irqs.u[0]![k] = id | this.u32[w + 2]! << 16;
			c.irqOpen = true;
		}
	}

	/** The high half of the clock in the CPU's next events. */
	high(cpu: number, high: number): void {
		this.cpus[cpu]!.high = high;
	}

	event(w: number, id: number, cpu: number): void {
		const c = this.cpus[cpu]!;
		const ticks = c.high + this.u32[w]!;
		const t = this.nsPerTick === 1 ? ticks : Math.floor(ticks * this.nsPerTick);
		this.events++;
		if (t > this.t1)
			this.t1 = t;
		switch (id) {
		case EV.SCHED_SWITCH: this.onSwitch(t, w, cpu); break;
		case EV.SCHED_ENQUEUE: this.onEnqueue(t, w, cpu); break;
		case EV.SCHED_WAKEUP:
			this.wakes.put(t, w, cpu, this.task(this.i32[w + 2]!));
			break;
		case EV.SCHED_DECISION: {
			const wrong = check(this.u32, this.bytes, w) === "wrong";
			if (wrong)
				this.wrong.push(this.decisions.n);
			this.decisions.put(t, w, cpu, (this.bytes[w * 4 + 15]! > 1 ? 1 : 0) | (wrong ? 2 : 0));
			break;
		}
		case EV.SCHED_RELEASE: this.onRelease(w); break;
		case EV.JOB_DONE: this.onJobDone(t, w, cpu); break;
		case EV.SCHED_DEQUEUE: {
			const i = this.task(this.i32[w + 2]!);
			const task = this.tasks[i]!;
			if (!task.queued && task.state !== S.unknown) {
				if (c.running === i)
					c.left = i;
				this.set(t, i, S.throttled, 0);
			}
			break;
		}
		case EV.IRQ_ENTRY: case EV.HINT_ENTRY: case EV.IRQ_EXIT: case EV.HINT_EXIT:
			this.onIrq(t, w, c, id);
			break;
		case EV.IPI_SEND: this.sends.put(t, w, cpu); break;
		case EV.CPU_IDLE:
			if (this.u32[w + 2] === 1 && c.lane.last !== IDLE) {
				c.running = 0;
				c.lane.put(t, IDLE);
			}
			break;
		case EV.CPU_ONLINE: {
			const online = this.cpus[this.u32[w + 2]!];
			this.online = this.u32[w + 3]!;
			if (online && online.lane.last === OFFLINE)
				online.lane.put(t, IDLE);
			break;
		}
		case EV.TASK_SPAWN: this.onFork(t, w); break;
		case EV.STATEDUMP:
			this.tasks[this.task(this.i32[w + 2]!)]!.name = String(decode(this.view, LAYOUTS[id]!, (w + 2) * 4)["name"]);
			break;
		case EV.TASK_EXIT: this.tasks[this.task(this.i32[w + 2]!)]!.ends = true; break;
		case EV.POLL_BEGIN: {
			const i = this.task(this.i32[w + 2]!);
			const task = this.tasks[i]!;
			task.ends = false;
			if (i && (task.state !== S.running || c.running !== i)) {
				c.running = i;
				c.lane.put(t, i);
				this.set(t, i, S.running, cpu);
			}
			break;
		}
		case EV.POLL_END:
			if (this.u32[w + 3] === 1)
				this.tasks[this.task(this.i32[w + 2]!)]!.ends = true;
			break;
		case EV.AWAIT:
			this.tasks[this.task(this.i32[w + 2]!)]!.awaits = (this.u32[w + 3]! & 255) + 1 | (this.u32[w + 3]! >>> 16) << 8;
			break;
		case EV.WORKER_SWITCH: this.onWorkerSwitch(t, w, cpu); break;
		case EV.WORKER_NONE:
			this.flags.push({time: t, cpu, kind: "exhausted", task: this.task(this.i32[w + 2]!), text: "a preemption was put off: every stack is in use"});
			break;
		case EV.MARK: this.marks.put(t, w, cpu); break;
		case EV.PANIC:
			this.flags.push({time: t, cpu, kind: "panic", task: 0, text: `the kernel panicked at 0x${this.u64(w + 2).toString(16)}`});
			break;
		case EV.TASK_FAULT: {
			const i = this.task(this.i32[w + 2]!);
			this.flags.push({time: t, cpu, kind: "fault", task: i, text: `${this.tasks[i]!.name} ended in the middle, status ${this.i32[w + 3]}`});
			break;
		}
		case EV.SCHED_PARAMS: this.onParams(t, w); break;
		case EV.SCHED_AFFINITY:
			this.place(this.tasks[this.task(this.i32[w + 2]!)]!, this.tasks[this.task(this.i32[w + 2]!)]!.queuedAt, this.view.getBigUint64((w + 4) * 4, true).toString(16));
			break;
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
		return this.tasks.map((t, i) => ({tid: t.tid, name: i ? t.name || `task ${t.tid}` : "idle", cls: t.cls, prio: t.prio, share: t.share,
			parent: t.parent, deadlineNs: t.deadlineNs, quantumNs: t.quantumNs, budgetNs: t.budgetNs, periodNs: t.periodNs,
			places: t.places, spawned: t.spawned, lane: t.lane.done(), jobsFrom: this.jobFrom[i]!,
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

/** @param exact goes by time in any case, as it must where events are missing */
export function build(input: Input, exact = false): Model {
	const what = about(input);
	const nsPerTick = 1e9 / what.clockHz;
	let streams = exact ? undefined : packets(input, true);
	let b = new Builder(input.raw, streams ?? [], nsPerTick);
	if (!streams || !inTurn(streams, input.raw, b.u32, (cpu, p) => b.high(cpu, p.high), (w, id, cpu) => b.event(w, id, cpu))) {
		streams = packets(input);
		b = new Builder(input.raw, streams, nsPerTick);
		merge(streams, b.u32, (w, id, ticks, cpu, afterLoss) => {
			if (afterLoss)
				b.found(b.ns(ticks), cpu);
			b.high(cpu, ticks - b.u32[w]!);
			b.event(w, id, cpu);
		}, (cpu, from) => b.gap(cpu, from));
	}
	b.allMarks();
	const jobs = b.jobs();
	const verdicts = new Uint8Array(b.decisions.u[2]!.subarray(0, b.decisions.n));
	const flags = b.flags.concat(violations([input.texts.get("check.txt") ?? "", ...what.found].join("\n"))).sort((x, y) => x.time - y.time);
	return {
		about: what, problems: input.problems, raw: input.raw, t0: b.t0, t1: Math.max(b.t1, b.t0 + 1), events: b.events,
		nsPerTick: b.nsPerTick, cpus: b.finishedCpus(), tasks: b.finishedTasks(),
		decisions: {...b.decisions.done(), flags: verdicts, wrong: Uint32Array.from(b.wrong)},
		wakes: {...b.wakes.done(), task: b.wakes.words(2)}, sends: b.sends.done(), jobs, queue: b.queue.done(), queueMax: b.queueMax,
		locks: [...b.locks].map(([value, l]) => ({name: symbol(input, value), lane: l.holder.done()})),
		lockWaiters: [...b.locks.values()].map((l) => l.waiters.done()),
		stacks: b.stacks.flatMap((s, i) => s ? [{name: `stack ${i}`, lane: s.done()}] : []),
		flags, lost: b.lost, texts: input.texts,
	};
}
