/**
 * Writes a large invented trace as one file: node bigtrace.mjs EVENTS CPUS OUT. Tasks of each CPU take
 * turns with it, with all that a kernel records of that, so that sizes and mixture are those of a real one.
 */
import {closeSync, openSync, writeSync} from "node:fs";

const [EVENTS, CPUS, OUT] = [Number(process.argv[2]), Number(process.argv[3]), process.argv[4]];
const PACKET = 65536;
const TASKS = 24;
const UUID = [0x66, 0x65, 0x72, 0x6d, 0x61, 0x74, 0x61, 0, 0x80, 0, 0, 0, 0, 0, 0, 0];
const file = openSync(OUT, "w");
let random = 12345;
const rnd = (n) => (random = (Math.imul(random, 1664525) + 1013904223) >>> 0) % n;
let seq = 0;
let events = 0;

class Ring {
	constructor(cpu) {
		this.cpu = cpu;
		this.time = 1000 + cpu;
		this.n = 0;
		this.running = 0;
		this.job = 0;
		this.begin();
	}
	begin() {
		this.buf = new DataView(new ArrayBuffer(PACKET));
		this.at = 80;
		this.first = this.time;
	}
	flush() {
		const b = this.buf;
		b.setUint32(0, 0xc1fc1fc1, true);
		UUID.forEach((v, i) => b.setUint8(4 + i, v));
		b.setBigUint64(24, BigInt(this.first), true);
		b.setBigUint64(32, BigInt(this.time), true);
		b.setBigUint64(40, BigInt(this.at * 8), true);
		b.setBigUint64(48, BigInt(PACKET * 8), true);
		b.setBigUint64(56, BigInt(this.n++), true);
		b.setUint32(72, this.cpu, true);
		writeSync(file, new Uint8Array(b.buffer));
		this.begin();
	}
	/** Starts a record of `bytes` of payload; the payload's offset. */
	put(id, bytes) {
		this.time += 5 + rnd(60);
		if (this.at + 8 + bytes > PACKET || Math.floor(this.first / 2 ** 32) !== Math.floor(this.time / 2 ** 32))
			this.flush();
		const at = this.at;
		this.buf.setUint32(at, this.time % 2 ** 32, true);
		this.buf.setUint16(at + 4, id, true);
		this.buf.setUint16(at + 6, bytes / 8 + 1, true);
		this.at += 8 + bytes;
		events++;
		return at + 8;
	}
	task(i) {
		return 1 + this.cpu * TASKS + i;
	}
	spawn() {
		for (let i = 0; i < TASKS; i++) {
			const p = this.put(14, 72);
			this.buf.setInt32(p + 4, this.task(i), true);
			this.buf.setInt32(p + 8, this.task(i), true);
			this.buf.setUint8(p + 12, [1, 2, 3, 4][i % 4]);
			this.buf.setUint8(p + 13, i % 32);
			[...`task${this.task(i)}`].forEach((c, k) => this.buf.setUint8(p + 16 + k, c.charCodeAt(0)));
		}
	}
	/** One turn: a wake-up, the decision, the switch, the poll and its end. */
	turn() {
		const b = () => this.buf;
		const next = this.task(rnd(TASKS));
		const cls = [1, 2, 3, 4][(next - 1) % TASKS % 4];
		let p;
		if (rnd(3) === 0) {
			p = this.put(4, 8);
		b().setInt32(p, -1, true);
			p = this.put(5, 8);
		b().setInt32(p, -1, true);
		}
		const wake = ++seq;
		p = this.put(11, 32);
		b().setInt32(p, next, true);
		b().setUint32(p + 4, ++this.job, true);
		b().setBigUint64(p + 8, BigInt(this.time), true);
		b().setBigUint64(p + 16, BigInt(this.time + 1e6), true);
		b().setUint32(p + 24, wake, true);
		p = this.put(3, 32);
		b().setInt32(p, next, true);
		b().setUint8(p + 4, cls);
		b().setBigUint64(p + 8, BigInt(this.time + 1e6), true);
		b().setUint32(p + 16, wake, true);
		p = this.put(2, 16);
		b().setInt32(p, next, true);
		b().setUint8(p + 6, 1);
		b().setInt32(p + 8, this.running, true);
		b().setUint32(p + 12, wake, true);
		const op = ++seq;
		p = this.put(10, 16 + 24 * 2);
		b().setUint32(p, op, true);
		b().setUint8(p + 4, 2);
		b().setUint8(p + 5, cls);
		b().setUint8(p + 7, 2);
		b().setUint32(p + 8, 2, true);
		[[next, 0, 10], [this.task(0), 4, 20]].forEach(([tid, c, key], i) => {
			b().setInt32(p + 16 + i * 24, tid, true);
			b().setUint8(p + 20 + i * 24, c);
			b().setUint32(p + 24 + i * 24, key, true);
		});
		p = this.put(1, 16);
		b().setInt32(p, this.running, true);
		b().setInt32(p + 4, next, true);
		b().setUint8(p + 8, 1);
		b().setUint8(p + 11, this.running ? 1 : 6);
		b().setUint32(p + 12, op, true);
		this.running = next;
		p = this.put(17, 8);
		b().setInt32(p, next, true);
		this.time += rnd(4000);
		p = this.put(19, 16);
		b().setInt32(p, next, true);
		b().setUint16(p + 4, 1, true);
		p = this.put(18, 8);
		b().setInt32(p, next, true);
		p = this.put(23, 32);
		b().setInt32(p, next, true);
		b().setUint32(p + 4, this.job, true);
		b().setBigUint64(p + 8, BigInt(this.time), true);
		b().setBigUint64(p + 16, BigInt(this.time + 1000), true);
		b().setUint32(p + 24, ++seq, true);
	}
}

const rings = Array.from({length: CPUS}, (_, c) => new Ring(c));
rings.forEach((r) => r.spawn());
while (events < EVENTS) {
	let best = rings[0];
	for (const r of rings)
		if (r.time < best.time)
			best = r;
	best.turn();
}
rings.forEach((r) => r.flush());
closeSync(file);
console.log(`${events} events`);
