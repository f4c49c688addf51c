/**
 * A trace of no meaning, which has in it what most of a trace consists of. Reading it makes a reader that waits
 * for its question fast: an engine translates to good machine code only what has run for a while.
 */
import {EV} from "events";
import {LAYOUTS} from "./decode.js";

const CPUS = 4;
const HEAD = 80;
/* Beyond what the engine takes for a small integer, as times of a trace are. */
const BEGIN = 5e9;
const TURN = [EV.IRQ_ENTRY, EV.IRQ_EXIT, EV.SCHED_RELEASE, EV.SCHED_ENQUEUE, EV.SCHED_WAKEUP, EV.SCHED_DECISION, EV.SCHED_SWITCH, EV.POLL_BEGIN, EV.AWAIT, EV.POLL_END, EV.JOB_DONE];
/* Events whose `seq` is that of the one before. */
const SAME = new Set<number>([EV.SCHED_ENQUEUE, EV.SCHED_WAKEUP, EV.SCHED_SWITCH]);

/** One packet of `bytes` for each CPU. */
export function exercise(bytes: number, uuid: number[]): Uint8Array {
	const out = new Uint8Array(CPUS * bytes);
	const view = new DataView(out.buffer);
	const at = Array.from({length: CPUS}, (_, cpu) => cpu * bytes + HEAD);
	let seq = 0;
	let time = BEGIN;
	for (let turn = 0; at[0]! < bytes - 1024; turn++) {
		const cpu = turn % CPUS;
		let to = at[cpu]!;
		for (const id of TURN) {
			const l = LAYOUTS[id]!;
			const items = l.count < 0 ? 0 : turn % 3;
			const size = 8 + l.bytes + items * l.itemBytes;
			/* Small numbers here and there: states, classes, keys, reasons. */
			for (let k = 8; k < size; k++)
				out[to + k] = k % 4 ? 0 : (turn * 7 + k) % 5;
			view.setUint32(to, (time += 40) % 2 ** 32, true);
			view.setUint32(to + 4, id | size / 8 << 16, true);
			for (const {name, offset} of l.fields)
				if (name === "seq")
					view.setUint32(to + 8 + offset, SAME.has(id) ? seq : ++seq, true);
				else if (/^(next_)?tid$/.test(name))
					view.setInt32(to + 8 + offset, 1 + turn * 5 % 24, true);
				else if (/why|class|state/.test(name))
					out[to + 8 + offset] = turn % 6;
			if (l.count > 0)
				out[to + 8 + l.count] = items;
			to += size;
		}
		at[cpu] = to;
	}
	at.forEach((end, cpu) => {
		const from = cpu * bytes;
		out.set([0xc1, 0x1f, 0xfc, 0xc1, ...uuid], from);
		for (const [offset, value] of [[24, BEGIN], [32, time], [40, (end - from) * 8], [48, bytes * 8], [72, cpu]] as const)
			view.setBigUint64(from + offset, BigInt(value), true);
	});
	return out;
}
