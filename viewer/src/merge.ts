/**
 * All streams as one: by time, but never against the order of the scheduler's operations (`seq`),
 * whatever the CPUs' clocks say. tools/trace/merge.c does the same for fermata-trace.
 */
import {SEQ_WORD, type CpuStream} from "./packets.js";

const HEAD_WORDS = 20;

/** Who has the least key, the first of equals: a change costs the tree's height. */
class Tournament {
	readonly size: number;
	readonly key: Float64Array;
	/** Winner below each node; the root is 1, leaf i is size + i. */
	readonly win: Int32Array;

	constructor(n: number) {
		this.size = 1;
		while (this.size < n)
			this.size *= 2;
		this.key = new Float64Array(this.size).fill(Infinity);
		this.win = new Int32Array(this.size * 2);
		for (let i = 0; i < this.size; i++)
			this.win[this.size + i] = i;
		for (let node = this.size - 1; node > 0; node--)
			this.win[node] = this.win[node * 2]!;
	}

	set(i: number, key: number): void {
		const {win} = this;
		const all = this.key;
		all[i] = key;
		for (let node = this.size + i >> 1; node > 0; node >>= 1) {
			const a = win[node * 2]!;
			const b = win[node * 2 + 1]!;
			win[node] = all[a]! <= all[b]! ? a : b;
		}
	}

	/** The winner, -1 when no key is finite. */
	least(): number {
		const i = this.win[1]!;
		return this.key[i]! < Infinity ? i : -1;
	}
}

/**
 * Calls `each` for every event in order; `word` is the record's first word. Where events of a CPU are
 * missing it calls `gap` behind the last one before, and says so at the first one behind.
 */
export function merge(all: CpuStream[], u32: Uint32Array,
		each: (word: number, id: number, ticks: number, cpu: number, afterLoss: boolean) => void,
		gap: (cpu: number, from: number) => void = () => undefined): void {
	const streams = all.filter((s) => s.packets.some((p) => p.end > p.at + HEAD_WORDS * 4));
	const n = streams.length;
	/* When each may go: the time of its event, or never while an operation before it is still to come. */
	const when = new Tournament(n);
	/* The operation that each comes to next. Numbers wrap, so they count from one of them. */
	const operation = new Tournament(n);
	const {key, win, size} = when;
	/* By stream: the packet, the word of its event and of the packet's end, the event's time, and that the event is the first behind a loss. */
	const packet = new Int32Array(n).fill(-1);
	const word = new Uint32Array(n);
	const end = new Uint32Array(n);
	const ticks = new Float64Array(n);
	const lost = new Uint8Array(n);
	const lossFrom = new Float64Array(n);
	/* Its next operation, in which packet's list, and how many of the operation's events are to come; 0: none. */
	const op = new Uint32Array(n);
	const opPacket = new Int32Array(n).fill(-1);
	const opLeft = new Uint32Array(n);
	const {seq = new Uint32Array(0), events = seq} = streams[0]?.ops ?? {};
	let first = -1;

	/** Goes to the next packet that has events; false when there is none. */
	const enter = (i: number): boolean => {
		const {packets} = streams[i]!;
		for (let k = packet[i]! + 1; k < packets.length; k++) {
			const p = packets[k]!;
			packet[i] = k;
			word[i] = (p.at >> 2) + HEAD_WORDS;
			end[i] = p.end >> 2;
			if (p.afterLoss && !lost[i]) {
				lost[i] = 1;
				lossFrom[i] = k ? packets[k - 1]!.until : 0;
			}
			if (word[i]! < end[i]!)
				return true;
		}
		return false;
	};
	const nextOp = (i: number): void => {
		const {packets} = streams[i]!;
		op[i]!++;
		while (opPacket[i]! < 0 || op[i]! >= packets[opPacket[i]!]!.opTo) {
			if (opPacket[i]! + 1 >= packets.length) {
				opLeft[i] = 0;
				return;
			}
			op[i] = packets[++opPacket[i]!]!.opFrom;
		}
		opLeft[i] = events[op[i]!]!;
	};
	const stamp = (i: number): void => {
		ticks[i] = streams[i]!.packets[packet[i]!]!.high + u32[word[i]!]!;
	};
	for (let i = 0; i < n; i++) {
		enter(i);
		stamp(i);
		nextOp(i);
	}
	const base = seq[op[opLeft.findIndex((left) => left > 0)] ?? 0] ?? 0;
	const count = (i: number): void => operation.set(i, opLeft[i] ? (seq[op[i]!]! - base) | 0 : Infinity);
	const allow = (i: number): void => {
		let k = Infinity;
		if (packet[i]! >= 0 && (i === first || !SEQ_WORD[u32[word[i]! + 1]! & 0xffff]))
			k = ticks[i]!;
		key[i] = k;
		for (let node = size + i >> 1; node > 0; node >>= 1) {
			const a = win[node * 2]!;
			const b = win[node * 2 + 1]!;
			win[node] = key[a]! <= key[b]! ? a : b;
		}
	};
	for (let i = 0; i < n; i++)
		count(i);
	first = operation.least();
	for (let i = 0; i < n; i++)
		allow(i);
	for (;;) {
		const i = win[1]!;
		if (!(key[i]! < Infinity))
			return;
		const w = word[i]!;
		const head = u32[w + 1]!;
		const id = head & 0xffff;
		each(w, id, ticks[i]!, streams[i]!.cpu, lost[i] === 1);
		lost[i] = 0;
		word[i] = w + (head >>> 16) * 2;
		if (word[i]! >= end[i]! && !enter(i)) {
			packet[i] = -1;
		} else {
			stamp(i);
			if (lost[i])
				gap(streams[i]!.cpu, lossFrom[i]!);
		}
		if (SEQ_WORD[id] && !--opLeft[i]!) {
			const before = seq[op[i]!]!;
			nextOp(i);
			if (!opLeft[i] || seq[op[i]!] !== before) {
				count(i);
				first = operation.least();
				if (first >= 0 && first !== i)
					allow(first);
			}
		}
		allow(i);
	}
}
