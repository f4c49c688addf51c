/** Typed arrays that grow by doubling; `done` gives the filled part its own memory. */
export class GrowF64 {
	a = new Float64Array(64);
	n = 0;
	push(v: number): void {
		if (this.n === this.a.length) {
			const b = new Float64Array(this.n * 2);
			b.set(this.a);
			this.a = b;
		}
		this.a[this.n++] = v;
	}
	done(): Float64Array {
		return this.a.slice(0, this.n);
	}
}

export class GrowU32 {
	a = new Uint32Array(64);
	n = 0;
	push(v: number): void {
		if (this.n === this.a.length) {
			const b = new Uint32Array(this.n * 2);
			b.set(this.a);
			this.a = b;
		}
		this.a[this.n++] = v;
	}
	done(): Uint32Array {
		return this.a.slice(0, this.n);
	}
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
