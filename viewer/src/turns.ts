/**
 * The events of a trace without losses, while it is still coming in: those of each CPU in order, and
 * operations of the scheduler in theirs, but whatever is no operation not by time against other CPUs'. What
 * a model is made of does not need that, and as it is several times as fast as `merge`, which needs all packets
 * and looks at them twice, a trace is read this way first.
 */
import {SEQ_WORD, sized, type CpuStream, type Packet} from "./packets.js";

const HEAD_WORDS = 20;
const PLACES = 256;

/** Who is told of what is in the packets. */
export interface Taker {
	/** In front of the events of a packet. */
	packet(cpu: number, p: Packet): void;
	event(word: number, id: number, cpu: number): void;
}

/** What the next operation of a stream is. */
const enum Next {
	/** To come with its next packet. */
	unknown,
	known,
	/** There is none. */
	none,
}

export class Turns {
	/* Operations are numbered one behind the other, so the next one is mostly at its number's place. */
	private readonly place = new Uint8Array(PLACES);
	/* By stream: its packet, the word of the event in it, the packet's end, the last event's time, and the operation that it comes to. */
	private readonly at: Int32Array;
	private readonly word: Uint32Array;
	private readonly stop: Uint32Array;
	private readonly time: Uint32Array;
	private readonly op: Uint32Array;
	private readonly next: Uint8Array;
	private readonly cpus: number[];
	/** The operation that was last, whose it was, and how many streams wait for a packet. */
	private last = -1;
	private lastOf = 0;
	private waiting: number;
	/** No more packets come. */
	private all = false;

	/** @param streams whose lists of packets may grow until `go(true)` was called */
	constructor(private readonly streams: CpuStream[], private readonly raw: Uint8Array, private readonly u32: Uint32Array, private readonly taker: Taker) {
		const n = streams.length;
		this.at = new Int32Array(n).fill(-1);
		this.word = new Uint32Array(n);
		this.stop = new Uint32Array(n);
		this.time = new Uint32Array(n);
		this.op = new Uint32Array(n);
		this.next = new Uint8Array(n);
		this.cpus = streams.map((s) => s.cpu);
		this.waiting = n;
	}

	/** Goes as far as the packets reach that there are. False: a record is damaged, and what was told counts nothing. */
	go(all: boolean): boolean {
		this.all = all;
		const {next} = this;
		for (let i = 0; i < next.length; i++)
			if (next[i] === Next.unknown && !this.resume(i))
				return false;
		while (!this.waiting) {
			const i = this.first();
			if (i < 0)
				return true;
			this.last = this.op[i]!;
			this.lastOf = i;
			if (!this.run(i))
				return false;
		}
		return true;
	}

	/** A stream that waited for a packet. */
	private resume(i: number): boolean {
		this.waiting--;
		return this.find(i, this.word[i]!) !== Next.none || this.run(i);
	}

	/** Looks for the stream's next operation from word w on. */
	private find(i: number, w: number): Next {
		const {u32} = this;
		const {packets} = this.streams[i]!;
		let stop = this.stop[i]!;
		for (let p = this.at[i]!;;) {
			while (w < stop) {
				const head = u32[w + 1]!;
				const seq = SEQ_WORD[head & 0xffff]!;
				if (seq) {
					const op = this.op[i] = u32[w + seq]!;
					this.place[op & PLACES - 1] = i;
					return this.next[i] = Next.known;
				}
				/* Of a damaged record's size is said when it is read. */
				if (head < 65536)
					break;
				w += (head >>> 16) * 2;
			}
			if (++p >= packets.length) {
				if (!this.all)
					this.waiting++;
				return this.next[i] = this.all ? Next.none : Next.unknown;
			}
			w = (packets[p]!.at >> 2) + HEAD_WORDS;
			stop = packets[p]!.end >> 2;
		}
	}

	/** Tells the stream's events up to the end of its operation, or to the end when there is no more. False: a damaged record. */
	private run(i: number): boolean {
		const {u32, raw, taker} = this;
		const cpu = this.cpus[i]!;
		let mine = this.op[i]!;
		let ends = this.next[i] === Next.none;
		let begun = false;
		let w = this.word[i]!;
		let stop = this.stop[i]!;
		let last = this.time[i]!;
		for (;;) {
			while (w < stop) {
				const time = u32[w]!;
				const head = u32[w + 1]!;
				const id = head & 0xffff;
				const size = head >>> 16;
				if (!sized(raw, w, id, size) || time < last || w + size * 2 > stop)
					return false;
				const seq = SEQ_WORD[id]!;
				if (!ends && (seq ? u32[w + seq]! !== mine : begun)) {
					const next = this.find(i, w);
					const op = this.op[i]!;
					if (next === Next.unknown || (next === Next.known && op !== mine && op !== (mine + 1 >>> 0))) {
						this.word[i] = w;
						this.time[i] = last;
						return true;
					}
					ends = next === Next.none;
					mine = this.last = op;
				}
				begun = seq !== 0;
				last = time;
				taker.event(w, id, cpu);
				w += size * 2;
			}
			const {packets} = this.streams[i]!;
			if (this.at[i]! + 1 >= packets.length) {
				this.word[i] = w;
				this.time[i] = last;
				this.next[i] = this.all ? Next.none : Next.unknown;
				if (!this.all)
					this.waiting++;
				return true;
			}
			const p = packets[++this.at[i]!]!;
			taker.packet(cpu, p);
			w = (p.at >> 2) + HEAD_WORDS;
			stop = this.stop[i] = p.end >> 2;
			last = 0;
		}
	}

	/** The stream whose operation comes first after the last one, -1 when none is to come. Numbers wrap. */
	private first(): number {
		const {op, next, lastOf} = this;
		/* It may go on in a packet that had to be waited for. */
		if (op[lastOf] === this.last && next[lastOf] === Next.known)
			return lastOf;
		const want = this.last + 1 >>> 0;
		const soon = this.place[want & PLACES - 1]!;
		if (op[soon] === want && next[soon] === Next.known)
			return soon;
		let best = -1;
		for (let i = 0; i < op.length; i++)
			if (next[i] === Next.known && (best < 0 || (op[i]! - op[best]! | 0) < 0))
				best = i;
		return best;
	}
}
