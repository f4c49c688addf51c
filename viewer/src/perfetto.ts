/** Perfetto's format, as much as its scheduling tracks need: ftrace bundles, and decisions as instants on a track of each CPU. */
import {EV} from "events";
import {codeName, type Fields} from "./decode.js";
import type {Query} from "./query.js";

class Proto {
	bytes: number[] = [];
	varint(v: number | bigint): void {
		let n = BigInt.asUintN(64, BigInt(v));
		while (n > 127n) {
			this.bytes.push(Number(n & 127n) | 128);
			n >>= 7n;
		}
		this.bytes.push(Number(n));
	}
	int(field: number, v: number | bigint): this {
		this.varint(field << 3);
		this.varint(v);
		return this;
	}
	text(field: number, s: string): this {
		return this.raw(field, new TextEncoder().encode(s));
	}
	message(field: number, fill: (p: Proto) => void): this {
		const inner = new Proto();
		fill(inner);
		return this.raw(field, inner.bytes);
	}
	private raw(field: number, bytes: ArrayLike<number>): this {
		this.varint(field << 3 | 2);
		this.varint(bytes.length);
		for (let i = 0; i < bytes.length; i++)
			this.bytes.push(bytes[i]!);
		return this;
	}
}

const TRACK = 0x4645524d00n;

export function perfetto(q: Query, t0: number, t1: number, max = 500_000): Uint8Array {
	const out = new Proto();
	for (const c of q.m.cpus)
		out.message(1, (p) => p.message(60, (d) => d.int(1, TRACK + BigInt(c.cpu)).text(2, `CPU ${c.cpu} decisions`)));
	const running = new Map<number, number>();
	for (const e of q.events(t0, t1, max)) {
		const f = q.fields(e.word) as Record<string, number>;
		const ftrace = (fill: (p: Proto) => void): void => {
			out.message(1, (p) => p.message(1, (b) => b.int(1, e.cpu).message(2, (v) => {
				v.int(1, e.time).int(2, running.get(e.cpu) ?? 0);
				fill(v);
			})));
		};
		switch (e.id) {
		case EV.SCHED_SWITCH:
			running.set(e.cpu, f["prev_tid"]!);
			ftrace((v) => v.message(4, (s) => s.text(1, q.nameOf(f["prev_tid"]!)).int(2, f["prev_tid"]!).int(3, f["prev_prio"]!).int(4, f["prev_state"]!)
				.text(5, q.nameOf(f["next_tid"]!)).int(6, f["next_tid"]!).int(7, f["next_prio"]!)));
			running.set(e.cpu, f["next_tid"]!);
			break;
		case EV.SCHED_WAKEUP:
			if (f["result"] === 0)
				ftrace((v) => {
					if (f["source"] !== 1)
						v.int(5, 0x0c);
					v.message(20, (s) => s.text(1, q.nameOf(f["tid"]!)).int(2, f["tid"]!).int(3, f["prio"]!).int(4, 1).int(5, f["target_cpu"] === 255 ? e.cpu : f["target_cpu"]!));
				});
			break;
		case EV.CPU_IDLE: ftrace((v) => v.message(13, (s) => s.int(1, f["state"]!).int(2, e.cpu))); break;
		case EV.IRQ_ENTRY: ftrace((v) => v.message(36, (s) => s.int(1, f["irq"]!).text(2, codeName("irq_name", f["name"]!)))); break;
		case EV.IRQ_EXIT: ftrace((v) => v.message(37, (s) => s.int(1, f["irq"]!).int(2, f["ret"]!))); break;
		case EV.HINT_ENTRY: ftrace((v) => v.message(21, (s) => s.text(1, "hint"))); break;
		case EV.HINT_EXIT: ftrace((v) => v.message(22, (s) => s.text(1, "hint"))); break;
		case EV.SCHED_DECISION:
			out.message(1, (p) => p.int(8, e.time).int(10, 1).message(11, (t) => {
				t.int(9, 3).int(11, TRACK + BigInt(e.cpu)).text(22, "sched_decision").text(23, "decision");
				t.message(4, (a) => a.text(10, "rule").text(6, codeName("rule", f["rule"]!)));
				t.message(4, (a) => {
					a.text(10, "candidates");
					for (const c of q.fields(e.word)["candidates"] as Fields[])
						a.message(12, (item) => item.message(11, (k) => k.text(10, "task").text(6, q.nameOf(Number(c["tid"])))).message(11, (k) => k.text(10, "key").int(3, c["key"] as number | bigint)));
				});
			}));
			break;
		}
	}
	return Uint8Array.from(out.bytes);
}
