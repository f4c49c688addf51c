/**
 * Packets of each CPU, checked: a damaged one ends behind its last good record, and what is no
 * packet is skipped and named. So all that follows sees only well-formed records.
 */
import {LAYOUTS, fits} from "./decode.js";
import {Columns} from "./grow.js";
import type {Input} from "./input.js";

const HEAD = 80;
export const MAGIC = 0xc1fc1fc1;
export const UUID = [0x66, 0x65, 0x72, 0x6d, 0x61, 0x74, 0x61, 0, 0x80, 0, 0, 0, 0, 0, 0, 0];
const PROBLEMS_MAX = 200;
/** Packets that are counted for an estimate, and by how much more there is room. */
const SAMPLES = 96;
const ROOM = 1.06;

export interface Packet {
	at: number;
	/** Where its good records end. */
	end: number;
	/** The clock's high half times 2^32. */
	high: number;
	begin: number;
	until: number;
	seq: number;
	discarded: number;
	/** Events of this CPU in front of the packet are missing. */
	afterLoss: boolean;
	/** Its operations are ops [opFrom, opTo). */
	opFrom: number;
	opTo: number;
}

/** Operations of the scheduler, in the order of the records: number, and how many events in a row carry it. */
export interface Ops {
	seq: Uint32Array;
	events: Uint32Array;
}

export interface CpuStream {
	cpu: number;
	packets: Packet[];
	/** Of all streams; empty of those whose records nobody has looked at yet. */
	ops: Ops;
}

const NO_OPS: Ops = {seq: new Uint32Array(0), events: new Uint32Array(0)};

/** Word of `seq` in the record by event number, 0 without one. */
export const SEQ_WORD = new Uint8Array(65536);
/** Size of the record in its own unit of 8 bytes, when it is always the same; else no size that there is. */
const SIZE = new Uint32Array(65536).fill(65536);
LAYOUTS.forEach((l, id) => {
	if (!l)
		return;
	if (l.seq >= 0)
		SEQ_WORD[id] = 2 + l.seq / 4;
	if (l.count < 0)
		SIZE[id] = 1 + l.bytes / 8;
});

/** Whether event `id`, whose record begins at word `w`, can have `size` times 8 bytes. What nobody knows can have any. */
export function sized(raw: Uint8Array, w: number, id: number, size: number): boolean {
	return SIZE[id] === size || (size > 0 && (!LAYOUTS[id] || fits(raw, id, w * 4 + 8, size * 8 - 8)));
}

function double64(u32: Uint32Array, word: number): number {
	return u32[word + 1]! * 4294967296 + u32[word]!;
}

/** The end of the good records of the packet at `at`, which lies before `limit`. */
function recordsEnd(raw: Uint8Array, u32: Uint32Array, at: number, limit: number, cut: boolean, ops: Columns, say: (byte: number, text: string) => void): number {
	let pos = at + HEAD;
	let last = 0;
	const first = ops.n;
	while (pos + 8 <= limit) {
		const time = u32[pos >> 2]!;
		const word = u32[(pos >> 2) + 1]!;
		const id = word & 0xffff;
		const bytes = (word >>> 16) * 8;
		if (!time && !word)
			break;
		if (!bytes || pos + bytes > limit) {
			/* That the file is cut has been said. */
			if (!cut || !bytes)
				say(pos, `a record of ${bytes} bytes does not fit into its packet, which ends at byte ${limit}; the rest of the packet is left out`);
			break;
		}
		if (time < last) {
			say(pos, "a record's time is before the last one's; the rest of the packet is left out");
			break;
		}
		if (!sized(raw, pos >> 2, id, bytes / 8)) {
			say(pos, `a record of event ${LAYOUTS[id]!.name} has ${bytes - 8} bytes, which that event cannot have; the rest of the packet is left out`);
			break;
		}
		const seqWord = SEQ_WORD[id]!;
		if (seqWord) {
			const seq = u32[(pos >> 2) + seqWord]!;
			if (ops.n > first && ops.u[0]![ops.n - 1] === seq) {
				ops.u[1]![ops.n - 1]!++;
			} else {
				const k = ops.add();
				ops.u[0]![k] = seq;
				ops.u[1]![k] = 1;
			}
		}
		last = time;
		pos += bytes;
	}
	return pos;
}

/** Whether a packet's head begins here. */
function begins(raw: Uint8Array, u32: Uint32Array, at: number): boolean {
	return u32[at >> 2] === MAGIC && UUID.every((b, i) => raw[at + 4 + i] === b);
}

/** What the head at `at` says of its packet, whose records end at `end`. */
function headAt(u32: Uint32Array, at: number): {cpu: number; size: number; content: number; packet: Packet} {
	const word = at >> 2;
	const begin = double64(u32, word + 6);
	const content = double64(u32, word + 10) / 8;
	return {cpu: u32[word + 18]!, size: double64(u32, word + 12) / 8, content,
		packet: {at, end: at + content, high: u32[word + 7]! * 4294967296, begin, until: Math.max(begin, double64(u32, word + 8)),
			seq: double64(u32, word + 14), discarded: double64(u32, word + 16), afterLoss: false, opFrom: 0, opTo: 0}};
}

function possible(cpu: number, size: number, content: number): boolean {
	return size >= HEAD && size % 8 === 0 && content <= size && cpu <= 4095;
}

/**
 * Packets of a trace that may still be coming in. Only their heads are looked at, which `Turns` makes up for, and
 * only as long as all are sound and none is missing.
 */
export class Arrival {
	readonly streams: CpuStream[] = [];
	private readonly byCpu = new Map<number, CpuStream>();
	/** By piece: the byte that the next packet begins at. */
	private readonly at: number[];
	private readonly u32: Uint32Array;

	constructor(private readonly input: Input) {
		const {raw, pieces} = input;
		this.u32 = new Uint32Array(raw.buffer, raw.byteOffset, raw.byteLength >> 2);
		this.at = pieces.map((p) => p.at);
	}

	/** Takes what is there by now. False: this is for `packets`. */
	take(): boolean {
		const {raw, pieces} = this.input;
		return pieces.every((piece, k) => {
			const have = piece.at + (piece.coming?.got ?? piece.bytes);
			for (let at = this.at[k]!; at + HEAD <= have; this.at[k] = at) {
				if (!begins(raw, this.u32, at))
					return false;
				const {cpu, size, content, packet} = headAt(this.u32, at);
				if (!possible(cpu, size, content) || content < HEAD || at + size > piece.at + piece.bytes)
					return false;
				if (at + size > have)
					return true;
				const stream = this.byCpu.get(cpu);
				const before = stream?.packets[stream.packets.length - 1];
				if (before ? packet.seq !== before.seq + 1 || packet.discarded > before.discarded : packet.seq || packet.discarded)
					return false;
				if (stream)
					stream.packets.push(packet);
				else
					this.byCpu.set(cpu, this.streams[this.streams.push({cpu, packets: [packet], ops: NO_OPS}) - 1]!);
				at += size;
			}
			return have < piece.at + piece.bytes || this.at[k] === have;
		});
	}
}

export function packets(input: Input): CpuStream[] {
	const {raw, pieces, problems} = input;
	const u32 = new Uint32Array(raw.buffer, raw.byteOffset, raw.byteLength >> 2);
	const byCpu = new Map<number, Packet[]>();
	const ops = new Columns(0, 2, raw.length >> 8);
	let hidden = 0;
	for (const piece of pieces) {
		const say = (byte: number, text: string): void => {
			if (problems.length < PROBLEMS_MAX)
				problems.push({file: piece.name, byte: byte - piece.at, text});
			else
				hidden++;
		};
		const stop = piece.at + piece.bytes;
		let at = piece.at;
		while (at + HEAD <= stop) {
			if (!begins(raw, u32, at)) {
				let next = at + 8;
				while (next + HEAD <= stop && u32[next >> 2] !== MAGIC)
					next += 8;
				const gone = Math.min(next, stop) - at;
				say(at, `${gone} bytes are no packet and are skipped`);
				at = next;
				continue;
			}
			const {cpu, size, content, packet} = headAt(u32, at);
			if (!possible(cpu, size, content)) {
				say(at, `a packet has impossible sizes: ${content} of ${size} bytes, CPU ${cpu}; it is skipped`);
				at += 8;
				continue;
			}
			let limit = at + (content || size);
			const cut = limit > stop;
			if (cut) {
				say(stop, `the file is cut inside a packet: ${limit - stop} bytes are missing`);
				limit = stop;
			}
			const opFrom = ops.n;
			const end = recordsEnd(raw, u32, at, limit & ~7, cut, ops, say);
			let list = byCpu.get(cpu);
			if (!list)
				byCpu.set(cpu, list = []);
			list.push({...packet, end, afterLoss: content > 0 && end < limit, opFrom, opTo: ops.n});
			at += size;
		}
		if (at < stop && stop - at < HEAD)
			say(at, `${stop - at} bytes behind the last packet are no packet`);
	}
	if (hidden)
		problems.push({file: "", byte: 0, text: `and ${hidden} more problems of this kind`});
	const streams: CpuStream[] = [];
	const [seq, events] = ops.u as [Uint32Array, Uint32Array];
	for (const [cpu, list] of [...byCpu].sort((a, b) => a[0] - b[0])) {
		list.sort((a, b) => a.seq - b.seq || a.begin - b.begin);
		let damaged = false;
		for (let i = 0; i < list.length; i++) {
			const p = list[i]!;
			const before = list[i - 1];
			const broken = p.afterLoss;
			p.afterLoss = damaged || (before ? p.seq !== before.seq + 1 || p.discarded > before.discarded : p.seq > 0 || p.discarded > 0);
			damaged = broken;
		}
		streams.push({cpu, packets: list, ops: {seq, events}});
	}
	return streams;
}

/** How many events of each number there are in so many bytes, about: some of the packets that are there are counted. */
export function estimate(streams: CpuStream[], u32: Uint32Array, total: number): (id: number) => number {
	const counts = new Uint32Array(65536);
	const all = streams.flatMap((s) => s.packets);
	const step = Math.ceil(all.length / SAMPLES);
	let bytes = 0;
	all.forEach((p, i) => {
		if (i % step)
			return;
		bytes += p.end - p.at;
		for (let w = (p.at + HEAD) >> 2; w < p.end >> 2; w += Math.max(1, u32[w + 1]! >>> 16) * 2)
			counts[u32[w + 1]! & 0xffff]!++;
	});
	return (id) => Math.ceil(counts[id]! * total / Math.max(1, bytes) * ROOM);
}
