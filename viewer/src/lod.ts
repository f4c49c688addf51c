/**
 * Level of detail for one lane: for any stretch of steps the longest busy one, through a tree of
 * fan-out 16, and for any stretch of time how much of it was busy, through a sum for each 16.
 */
import {gallop, upper} from "./grow.js";
import {S, type Lane} from "./model.js";

const FAN = 16;

/** What `longest` finds besides. */
const reach = new Float64Array(1);

/** What counts as busy: a value other than 0, or a running task. */
export type Busy = "some" | "running";

export class Lod {
	readonly n: number;
	/** By level: the longest step below each node, and its weight. */
	private readonly levels: Uint32Array[] = [];
	private readonly weights: Float32Array[] = [];
	/** Busy time before block b of 16 steps. */
	private readonly sums: Float64Array;
	private readonly runs: boolean;

	constructor(readonly lane: Lane, readonly t1: number, kind: Busy) {
		this.runs = kind === "running";
		this.n = lane.start.length;
		let blocks = this.n + FAN - 1 >>> 4;
		this.sums = new Float64Array(blocks + 1);
		let below = new Uint32Array(blocks);
		let heavy = new Float32Array(blocks);
		const {start, val} = lane;
		/* As busy() says, written out: this loop is most of the time to the first picture. Idle steps count, but less than any busy one. */
		const mask = this.runs ? 15 : -1;
		const value = this.runs ? S.running : 0;
		const other = this.runs ? 1e-12 : 1;
		const same = this.runs ? 1 : 1e-12;
		let sum = 0;
		for (let b = 0; b < blocks; b++) {
			this.sums[b] = sum;
			const to = Math.min(this.n, (b + 1) << 4);
			let weight = -1;
			for (let i = b << 4; i < to; i++) {
				let w = (i + 1 < this.n ? start[i + 1]! : t1) - start[i]!;
				if ((val[i]! & mask) === value) {
					if (this.runs)
						sum += w;
					w *= same;
				} else {
					if (!this.runs)
						sum += w;
					w *= other;
				}
				if (w > weight) {
					weight = w;
					below[b] = i;
				}
			}
			heavy[b] = weight;
		}
		this.sums[blocks] = sum;
		this.levels.push(below);
		this.weights.push(heavy);
		while (below.length > 1) {
			blocks = below.length + FAN - 1 >>> 4;
			const above = new Uint32Array(blocks);
			const aboveHeavy = new Float32Array(blocks);
			for (let b = 0; b < blocks; b++) {
				let best = b << 4;
				for (let i = best + 1; i < Math.min(below.length, (b + 1) << 4); i++)
					if (heavy[i]! > heavy[best]!)
						best = i;
				above[b] = below[best]!;
				aboveHeavy[b] = heavy[best]!;
			}
			this.levels.push(above);
			this.weights.push(aboveHeavy);
			below = above;
			heavy = aboveHeavy;
		}
	}

	busy(val: number): boolean {
		return this.runs ? (val & 15) === S.running : val !== 0;
	}

	end(i: number): number {
		return i + 1 < this.n ? this.lane.start[i + 1]! : this.t1;
	}

	/** The step at time t, -1 before the first. */
	at(t: number): number {
		return upper(this.lane.start, t) - 1;
	}

	/** As at, from a step that is not behind it. */
	atFrom(t: number, from: number): number {
		return gallop(this.lane.start, t, Math.max(from, 0), this.n) - 1;
	}

	/**
	 * The longest busy step of [from, to], or the longest idle one. `reach[0]` becomes the busy time from the lane's
	 * start to t, which lies in step `to`: both look at the steps of its block.
	 */
	longest(from: number, to: number, t = Infinity): number {
		const {start, val} = this.lane;
		const {runs} = this;
		/* As busy() says, written out: this is most of the time that a picture takes. */
		const mask = runs ? 15 : -1;
		const value = runs ? S.running : 0;
		const block = to & ~(FAN - 1);
		let best = from;
		let weight = -1;
		/* The rest of the first block, when it is another than the last. */
		let lo = from;
		for (; lo < block && lo & FAN - 1; lo++) {
			let d = start[lo + 1]! - start[lo]!;
			if (((val[lo]! & mask) === value) !== runs)
				d *= 1e-12;
			if (d > weight) {
				weight = d;
				best = lo;
			}
		}
		let sum = this.sums[block >>> 4]!;
		for (let k = block; k <= to; k++) {
			let d = (k + 1 < this.n ? start[k + 1]! : this.t1) - start[k]!;
			if (((val[k]! & mask) === value) !== runs)
				d *= 1e-12;
			else
				sum += k < to ? d : Math.max(0, Math.min(t - start[k]!, d));
			if (k >= from && d > weight) {
				weight = d;
				best = k;
			}
		}
		reach[0] = sum;
		let hi = block;
		for (let level = 0; lo < hi; level++) {
			const nodes = this.levels[level]!;
			const heavy = this.weights[level]!;
			const last = level + 1 === this.levels.length;
			lo >>>= 4;
			hi >>>= 4;
			while (lo < hi && (last || lo & FAN - 1)) {
				if (heavy[lo]! > weight) {
					weight = heavy[lo]!;
					best = nodes[lo]!;
				}
				lo++;
			}
			while (lo < hi && hi & FAN - 1) {
				if (heavy[--hi]! > weight) {
					weight = heavy[hi]!;
					best = nodes[hi]!;
				}
			}
		}
		return best;
	}

	/** Busy time from the lane's start to t, which lies in step i. */
	busyBefore(t: number, i: number): number {
		if (i < 0)
			return 0;
		const {start, val} = this.lane;
		let sum = this.sums[i >>> 4]!;
		for (let k = i & ~(FAN - 1); k < i; k++)
			if (this.busy(val[k]!))
				sum += start[k + 1]! - start[k]!;
		if (this.busy(val[i]!))
			sum += Math.max(0, Math.min(t, this.end(i)) - start[i]!);
		return sum;
	}

	busyIn(a: number, b: number): number {
		return this.busyBefore(b, this.at(b)) - this.busyBefore(a, this.at(a));
	}
}

/**
 * Cuts [t0, t1) into `px` columns and calls `run` for each stretch of columns [x0, x1) that shows
 * step i: a single long one (many = false), or the longest of several in one column, with the share
 * of the column that was busy.
 */
export function columns(lod: Lod, t0: number, t1: number, px: number,
		run: (x0: number, x1: number, i: number, many: boolean, share: number) => void): void {
	const dt = (t1 - t0) / px;
	const first = lod.lane.start[0];
	if (first === undefined || dt <= 0)
		return;
	let x = Math.max(0, Math.floor((first - t0) / dt));
	const stop = Math.min(px, Math.ceil((lod.t1 - t0) / dt));
	if (x >= stop)
		return;
	let i = Math.max(0, lod.at(t0 + x * dt));
	let before = NaN;
	while (x < stop) {
		const b = t0 + (x + 1) * dt;
		const end = lod.end(i);
		if (end >= b) {
			const xe = end >= t1 ? stop : Math.min(stop, Math.max(x + 1, Math.floor((end - t0) / dt)));
			run(x, xe, i, false, 1);
			x = xe;
			before = NaN;
			i = lod.atFrom(t0 + x * dt, i);
			continue;
		}
		const j = lod.atFrom(b, i);
		if (before !== before)
			before = lod.busyBefore(t0 + x * dt, i);
		const longest = lod.longest(i, j, b);
		const after = reach[0]!;
		run(x, x + 1, longest, true, (after - before) / dt);
		before = after;
		i = j;
		x++;
	}
}

/**
 * The columns of a picture. One that is moved finds those that come into it, and has the others, so they
 * stand on whole columns from where they were first: up to half a column beside the view's beginning.
 */
export class Sampled {
	/** Columns that were found so far, of all lanes. */
	static found = 0;
	private base = 0;
	private dt = 0;
	/** By column: its step, -1 without; how much of it is busy when it has several, else -1. */
	private step = new Int32Array(0);
	private share = new Float32Array(0);

	/** @param search says what is in each of `px` columns from a time on: step, and -1 or how much is busy */
	constructor(private readonly search: (t0: number, t1: number, px: number, put: (x0: number, x1: number, step: number, share: number) => void) => void) {}

	/** Goes to [t0, t1) in `px` columns. */
	look(t0: number, t1: number, px: number): void {
		const dt = (t1 - t0) / px;
		const moved = Math.round((t0 - this.base) / this.dt);
		if (px !== this.step.length || Math.abs(dt - this.dt) > dt * 1e-9 || !(Math.abs(moved) < px)) {
			this.dt = dt;
			this.base = t0;
			if (px !== this.step.length) {
				this.step = new Int32Array(px);
				this.share = new Float32Array(px);
			}
			return this.find(0, px);
		}
		this.base += moved * this.dt;
		for (const a of [this.step, this.share])
			a.copyWithin(Math.max(0, -moved), Math.max(0, moved), px - Math.max(0, -moved));
		if (moved)
			this.find(moved < 0 ? 0 : px - moved, moved < 0 ? -moved : px);
	}

	private find(from: number, to: number): void {
		const {step, share, base, dt} = this;
		Sampled.found += to - from;
		step.fill(-1, from, to);
		this.search(base + from * dt, base + to * dt, to - from, (x0, x1, i, busy) => {
			for (let x = from + x0; x < from + x1; x++) {
				step[x] = i;
				share[x] = busy;
			}
		});
	}

	/** As `columns` calls it. */
	each(run: (x0: number, x1: number, i: number, many: boolean, share: number) => void): void {
		const {step, share} = this;
		for (let x = 0; x < step.length;) {
			const i = step[x]!;
			const x0 = x++;
			if (i < 0)
				continue;
			if (share[x0]! >= 0) {
				run(x0, x, i, true, share[x0]!);
				continue;
			}
			while (x < step.length && step[x] === i && share[x]! < 0)
				x++;
			run(x0, x, i, false, 1);
		}
	}
}
