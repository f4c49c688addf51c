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

/**
 * Calls `each` for every event in order; `word` is the record's first word. Where events of a CPU are
 * missing it calls `gap` behind the last one before, and says so at the first one behind.
 */
export function merge(streams: CpuStream[], u32: Uint32Array,
		each: (word: number, id: number, ticks: number, cpu: number, afterLoss: boolean) => void,
		gap: (cpu: number, from: number) => void = () => undefined): void {
	const cursors = streams.map((s) => new Cursor(s.cpu, s.packets, u32)).filter((c) => c.some);
	let n = cursors.length;
	while (n > 0) {
		let least = 0;
		let someSeq = false;
		let first: Cursor | undefined;
		for (let i = 0; i < n; i++) {
			const c = cursors[i]!;
			if (c.moreSeq && (!someSeq || ((c.nextSeq - least) | 0) < 0)) {
				least = c.nextSeq;
				someSeq = true;
				first = c;
			}
		}
		let best: Cursor | undefined;
		let second = Infinity;
		for (let i = 0; i < n; i++) {
			const c = cursors[i]!;
			if (c.hasSeq && c.nextSeq !== least)
				continue;
			if (!best || c.ticks < best.ticks) {
				if (best)
					second = best.ticks;
				best = c;
			} else if (c.ticks < second) {
				second = c.ticks;
			}
		}
		if (!best)
			return;
		/* Until the next operation nothing changes about who may go: events are taken in a row. */
		const c = best;
		for (;;) {
			each(c.word, c.id, c.ticks, c.cpu, c.afterLoss);
			c.advance();
			if (c.afterLoss)
				gap(c.cpu, c.lossFrom);
			if (!c.some) {
				cursors.splice(cursors.indexOf(c), 1);
				n--;
				break;
			}
			if (c.ticks >= second || (c === first ? c.nextSeq !== least || !c.moreSeq : c.hasSeq))
				break;
		}
	}
}
