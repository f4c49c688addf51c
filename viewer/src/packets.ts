/**
 * Packets of each CPU, checked: a damaged one ends behind its last good record, and what is no
 * packet is skipped and named. So all that follows sees only well-formed records.
 */
import {LAYOUTS, fits} from "./decode.js";
import {Columns} from "./grow.js";
import type {Input} from "./input.js";

const HEAD = 80;
const UUID = [0x66, 0x65, 0x72, 0x6d, 0x61, 0x74, 0x61, 0, 0x80, 0, 0, 0, 0, 0, 0, 0];
const PROBLEMS_MAX = 200;

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
	ops: Ops;
	/** Of all streams: how many events have which number. */
	counts: Uint32Array;
}

/** Word of `seq` in the record by event number, 0 without one. */
const SEQ_WORD = new Uint8Array(65536);
LAYOUTS.forEach((l, id) => {
	if (l && l.seq >= 0)
		SEQ_WORD[id] = 2 + l.seq / 4;
});

export function hasSeq(id: number): boolean {
	return SEQ_WORD[id] !== 0;
}

function double64(u32: Uint32Array, word: number): number {
	return u32[word + 1]! * 4294967296 + u32[word]!;
}

/** The end of the good records of the packet at `at`, which lies before `limit`. */
function recordsEnd(raw: Uint8Array, u32: Uint32Array, at: number, limit: number, cut: boolean, ops: Columns, counts: Uint32Array, say: (byte: number, text: string) => void): number {
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
		if (!fits(raw, id, pos + 8, bytes - 8) && LAYOUTS[id]) {
			say(pos, `a record of event ${LAYOUTS[id]!.name} has ${bytes - 8} bytes, which that event cannot have; the rest of the packet is left out`);
			break;
		}
		counts[id]!++;
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

export function packets(input: Input): CpuStream[] {
	const {raw, pieces, problems} = input;
	const u32 = new Uint32Array(raw.buffer, raw.byteOffset, raw.byteLength >> 2);
	const byCpu = new Map<number, Packet[]>();
	const ops = new Columns(0, 2, raw.length >> 8);
	const counts = new Uint32Array(65536);
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
			const word = at >> 2;
			if (u32[word] !== 0xc1fc1fc1 || UUID.some((b, i) => raw[at + 4 + i] !== b)) {
				let next = at + 8;
				while (next + HEAD <= stop && u32[next >> 2] !== 0xc1fc1fc1)
					next += 8;
				const gone = Math.min(next, stop) - at;
				say(at, `${gone} bytes are no packet and are skipped`);
				at = next;
				continue;
			}
			const size = double64(u32, word + 12) / 8;
			const content = double64(u32, word + 10) / 8;
			const cpu = u32[word + 18]!;
			if (size < HEAD || size % 8 || content > size || cpu > 4095) {
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
			const end = recordsEnd(raw, u32, at, limit & ~7, cut, ops, counts, say);
			const begin = double64(u32, word + 6);
			let list = byCpu.get(cpu);
			if (!list)
				byCpu.set(cpu, list = []);
			list.push({at, end, high: u32[word + 7]! * 4294967296, begin, until: Math.max(begin, double64(u32, word + 8)),
				seq: double64(u32, word + 14), discarded: double64(u32, word + 16),
				afterLoss: content > 0 && end < limit, opFrom, opTo: ops.n});
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
		streams.push({cpu, packets: list, ops: {seq, events}, counts});
	}
	return streams;
}
