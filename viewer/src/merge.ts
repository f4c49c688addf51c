/**
 * All streams as one: by time, but never against the order of the scheduler's operations (`seq`),
 * whatever the CPUs' clocks say. tools/trace/merge.c does the same for fermata-trace.
 */
import {LAYOUTS} from "./decode.js";
import type {CpuStream, Packet} from "./packets.js";

/** Word of `seq` in the record by event number, 0 without one. */
const SEQ_WORD = new Uint8Array(65536);
LAYOUTS.forEach((l, id) => {
	if (l && l.seq >= 0)
		SEQ_WORD[id] = 2 + l.seq / 4;
});

class Cursor {
	packet = 0;
	/** Word of the event, and of what is behind it. */
	word = 0;
	next = 0;
	end = 0;
	ticks = 0;
	id = 0;
	hasSeq = false;
	some = false;
	/** Set on the first event behind a loss, with when the loss began. */
	afterLoss = false;
	lossFrom = 0;
	high = 0;
	aheadPacket = 0;
	aheadWord = 0;
	aheadEnd = 0;
	moreSeq = false;
	nextSeq = 0;

	constructor(readonly cpu: number, readonly packets: Packet[], readonly u32: Uint32Array) {
		if (packets.length) {
			this.enter(0);
			this.aheadWord = this.next;
			this.aheadEnd = this.end;
			this.findSeq();
		}
		this.advance();
	}

	private enter(i: number): void {
		const p = this.packets[i]!;
		this.packet = i;
		this.next = (p.at + 80) >> 2;
		this.end = p.end >> 2;
		this.high = p.high;
		if (p.afterLoss) {
			this.afterLoss = true;
			this.lossFrom = i ? this.packets[i - 1]!.until : 0;
		}
	}

	private findSeq(): void {
		const {u32, packets} = this;
		for (;;) {
			while (this.aheadWord < this.aheadEnd) {
				const w = this.aheadWord;
				const head = u32[w + 1]!;
				const seq = SEQ_WORD[head & 0xffff]!;
				this.aheadWord = w + (head >>> 16) * 2;
				if (seq) {
					this.nextSeq = u32[w + seq]!;
					this.moreSeq = true;
					return;
				}
			}
			if (++this.aheadPacket >= packets.length) {
				this.moreSeq = false;
				return;
			}
			const p = packets[this.aheadPacket]!;
			this.aheadWord = (p.at + 80) >> 2;
			this.aheadEnd = p.end >> 2;
		}
	}

	/** To the next event; `some` says whether there is one. */
	advance(): void {
		if (this.some && this.hasSeq)
			this.findSeq();
		this.afterLoss = this.afterLoss && !this.some;
		while (this.next >= this.end) {
			if (this.packet + 1 >= this.packets.length) {
				this.some = false;
				return;
			}
			this.enter(this.packet + 1);
		}
		const w = this.next;
		const head = this.u32[w + 1]!;
		this.word = w;
		this.next = w + (head >>> 16) * 2;
		this.id = head & 0xffff;
		this.hasSeq = SEQ_WORD[this.id] !== 0;
		this.ticks = this.high + this.u32[w]!;
		this.some = true;
	}
}

/** Who has the least key, the first of equals: a change costs the tree's height. */
class Tournament {
	private readonly size: number;
	private readonly key: Float64Array;
	/** Winner below each node; the root is 1, leaf i is size + i. */
	private readonly win: Int32Array;

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
export function merge(streams: CpuStream[], u32: Uint32Array,
		each: (word: number, id: number, ticks: number, cpu: number, afterLoss: boolean) => void,
		gap: (cpu: number, from: number) => void = () => undefined): void {
	const cursors = streams.map((s) => new Cursor(s.cpu, s.packets, u32)).filter((c) => c.some);
	const n = cursors.length;
	/* When each may go: the time of its event, or never while an operation before it is still to come. */
	const when = new Tournament(n);
	/* The operation that each comes to next. Numbers wrap, so they count from one of them. */
	const operation = new Tournament(n);
	const base = cursors.find((c) => c.moreSeq)?.nextSeq ?? 0;
	let first = -1;
	const allow = (i: number): void => {
		const c = cursors[i]!;
		when.set(i, !c.some || (c.hasSeq && i !== first) ? Infinity : c.ticks);
	};
	const count = (i: number): void => {
		const c = cursors[i]!;
		operation.set(i, c.moreSeq ? (c.nextSeq - base) | 0 : Infinity);
	};
	for (let i = 0; i < n; i++)
		count(i);
	first = operation.least();
	for (let i = 0; i < n; i++)
		allow(i);
	for (let best = when.least(); best >= 0; best = when.least()) {
		const c = cursors[best]!;
		const seq = c.hasSeq;
		const before = c.nextSeq;
		each(c.word, c.id, c.ticks, c.cpu, c.afterLoss);
		c.advance();
		if (c.afterLoss)
			gap(c.cpu, c.lossFrom);
		if (seq && (c.nextSeq !== before || !c.moreSeq)) {
			count(best);
			first = operation.least();
			if (first >= 0 && first !== best)
				allow(first);
		}
		allow(best);
	}
}
