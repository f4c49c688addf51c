/** Rows that grow by doubling: some columns of doubles, some of 32-bit numbers, one count. */
export class Columns {
	f: Float64Array[] = [];
	u: Uint32Array[] = [];
	n = 0;

	/** @param room rows that are expected */
	constructor(doubles: number, words: number, private room = 64) {
		this.room = room = Math.max(room, 64);
		for (let i = 0; i < doubles; i++)
			this.f.push(new Float64Array(room));
		for (let i = 0; i < words; i++)
			this.u.push(new Uint32Array(room));
	}

	/** A new row's index. Columns may be others after it. */
	add(): number {
		if (this.n === this.room)
			this.grow();
		return this.n++;
	}

	private grow(): void {
		this.room *= 2;
		this.f = this.f.map((a) => {
			const b = new Float64Array(this.room);
			b.set(a);
			return b;
		});
		this.u = this.u.map((a) => {
			const b = new Uint32Array(this.room);
			b.set(a);
			return b;
		});
	}

	/** The filled part of a column; a copy when much room is left. */
	doubles(i: number): Float64Array {
		return filled(this.f[i]!, this.n);
	}
	words(i: number): Uint32Array {
		return filled(this.u[i]!, this.n);
	}
}

/** The first n of a; what is left over of it must not be much. */
export function filled<A extends Float64Array | Uint32Array | Uint8Array>(a: A, n: number): A {
	return (n * 8 > a.length * 7 ? a.subarray(0, n) : a.slice(0, n)) as A;
}

/** The first index in [from, n) with a[i] > x: where x would be inserted behind its equals. */
export function upper(a: Float64Array, x: number, from = 0, n = a.length): number {
	let lo = from;
	let hi = n;
	while (lo < hi) {
		const mid = (lo + hi) >>> 1;
		if (a[mid]! <= x)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/** As upper, for neighbouring questions: gallops from `from`, so a short way costs little. */
export function gallop(a: Float64Array, x: number, from: number, n: number): number {
	let step = 1;
	let lo = from;
	while (lo + step < n && a[lo + step]! <= x) {
		lo += step;
		step <<= 1;
	}
	return upper(a, x, lo, Math.min(n, lo + step + 1));
}
