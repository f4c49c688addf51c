/** Up to as many pixels are written faster than by a call of fill. */
const NARROW = 24;

/** A picture of 32-bit pixels: thousands of rectangles cost their area here, not a call each. */
export class Pix {
	data: ImageData;
	buf: Uint32Array;

	constructor(public w: number, public h: number) {
		this.data = new ImageData(w, h);
		this.buf = new Uint32Array(this.data.data.buffer);
	}

	fill(x0: number, y0: number, x1: number, y1: number, c: number): void {
		const {w, buf} = this;
		x0 = Math.max(0, x0);
		x1 = Math.min(w, x1);
		y0 = Math.max(0, y0);
		y1 = Math.min(this.h, y1);
		if (x0 >= x1)
			return;
		if (x1 - x0 === 1) {
			for (let at = y0 * w + x0, end = y1 * w; at < end; at += w)
				buf[at] = c;
			return;
		}
		for (let y = y0; y < y1; y++)
			if (x1 - x0 > NARROW)
				buf.fill(c, y * w + x0, y * w + x1);
			else
				for (let at = y * w + x0, end = y * w + x1; at < end; at++)
					buf[at] = c;
	}

	/** Stripes: kind 1 is "/" with wide gaps, 2 a dense "\", 3 a cross. */
	hatch(x0: number, y0: number, x1: number, y1: number, c: number, under: number, kind: 1 | 2 | 3, scale: number): void {
		const {w, buf} = this;
		x0 = Math.max(0, x0);
		x1 = Math.min(w, x1);
		y0 = Math.max(0, y0);
		y1 = Math.min(this.h, y1);
		const period = (kind === 1 ? 7 : kind === 2 ? 5 : 8) * scale;
		const thick = (kind === 3 ? 1 : 3) * scale;
		for (let y = y0; y < y1; y++) {
			let up = (x0 + y) % period;
			let down = (x0 - y + (1 << 20) * period) % period;
			for (let at = y * w + x0, end = y * w + x1; at < end; at++) {
				buf[at] = (kind !== 2 && up < thick) || (kind !== 1 && down < thick) ? c : under;
				if (++up === period)
					up = 0;
				if (++down === period)
					down = 0;
			}
		}
	}
}
