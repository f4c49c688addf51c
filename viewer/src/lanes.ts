/**
 * Steps as they are found, of one lane or of many. All go by one clock, so that its time is handed to nobody:
 * an engine makes an object of each number with a fraction or of more than 31 bits that is an argument.
 */
import {filled} from "./grow.js";
import type {Lane} from "./model.js";

/** now[0] is the time of the event that is being read. */
export const now = new Float64Array(1);

export class LaneMaker {
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
	put(v: number): void {
		const {n, val} = this;
		const t = now[0]!;
		if (n) {
			if (val[n - 1] === v)
				return;
			if (t <= this.start[n - 1]!) {
				/* Clocks differ a little: what came later in seq counts. */
				if (n > 1 && val[n - 2] === v)
					this.n--;
				else
					val[n - 1] = v;
				return;
			}
		}
		if (n === val.length)
			this.grow();
		this.start[n] = t;
		this.val[n] = v;
		this.n = n + 1;
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

const BLOCK = 128;

/** Many lanes in common arrays, which each fills by blocks: growing copies none of them. */
export class LanesMaker {
	private start: Float64Array;
	private val: Uint32Array;
	/** By lane: where its next step goes, which is a multiple of BLOCK when its block is full; 0 while it has none. */
	private to = new Uint32Array(256);
	private readonly blocks: number[][] = [];
	private used = BLOCK;

	/** @param room steps that are expected of all */
	constructor(room: number) {
		room += 64 * BLOCK;
		this.start = new Float64Array(room);
		this.val = new Uint32Array(room);
	}
	/** A new lane's number. */
	add(): number {
		if (this.blocks.push([]) > this.to.length) {
			const {to} = this;
			this.to = new Uint32Array(to.length * 2);
			this.to.set(to);
		}
		return this.blocks.length - 1;
	}
	put(lane: number, v: number): void {
		const {val, start} = this;
		let p = this.to[lane]!;
		const t = now[0]!;
		if (p) {
			if (val[p - 1] === v)
				return;
			if (t <= start[p - 1]!)
				return this.again(lane, p, v);
		}
		if (!(p & BLOCK - 1))
			return this.block(lane, t, v);
		start[p] = t;
		val[p] = v;
		this.to[lane] = p + 1;
	}
	/** As LaneMaker does when time stands. */
	private again(lane: number, p: number, v: number): void {
		const mine = this.blocks[lane]!;
		const first = p - 1 & ~(BLOCK - 1);
		const before = p - 1 > first ? p - 2 : mine.length > 1 ? mine[mine.length - 2]! + BLOCK - 1 : 0;
		if (!before || this.val[before] !== v) {
			this.val[p - 1] = v;
			return;
		}
		this.to[lane] = before + 1;
		if (p - 1 === first)
			mine.pop();
	}
	private block(lane: number, t: number, v: number): void {
		const p = this.used;
		this.used += BLOCK;
		if (this.used > this.val.length) {
			const {start, val} = this;
			this.start = new Float64Array(val.length * 2);
			this.val = new Uint32Array(val.length * 2);
			this.start.set(start);
			this.val.set(val);
		}
		this.blocks[lane]!.push(p);
		this.start[p] = t;
		this.val[p] = v;
		this.to[lane] = p + 1;
	}
	/** What it begins with is something else. */
	begin(lane: number, v: number): void {
		this.val[this.blocks[lane]![0]!] = v;
	}
	/** All lanes, as parts of two arrays. */
	done(): Lane[] {
		const ends = this.blocks.map((b, lane) => b.length ? b.length * BLOCK - (-this.to[lane]! & BLOCK - 1) : 0);
		const all = ends.reduce((a, b) => a + b, 0);
		const start = new Float64Array(all);
		const val = new Uint32Array(all);
		let at = 0;
		return this.blocks.map((blocks, lane) => {
			const from = at;
			blocks.forEach((p, k) => {
				const end = Math.min(p + BLOCK, p + ends[lane]! - k * BLOCK);
				start.set(this.start.subarray(p, end), at);
				val.set(this.val.subarray(p, end), at);
				at += end - p;
			});
			return {start: start.subarray(from, at), val: val.subarray(from, at)};
		});
	}
}
