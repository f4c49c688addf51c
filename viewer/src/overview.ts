/** The strip at the top: the whole trace, and where the view is in it. */
import {columns} from "./lod.js";
import {IDLE, OFFLINE, UNKNOWN} from "./model.js";
import {Pix} from "./pix.js";
import {classPart, type Scene} from "./scene.js";
import {mix, pixel} from "./theme.js";

/** The overview: busy CPUs by class over the whole trace, flags on top, and the brush. */
export function overview(canvas: HTMLCanvasElement, s: Scene, dpr: number, w: number, h: number, cache: {key: string; data: ImageData | undefined}): void {
	const W = Math.max(1, Math.round(w * dpr));
	const H = Math.max(1, Math.round(h * dpr));
	if (canvas.width !== W || canvas.height !== H) {
		canvas.width = W;
		canvas.height = H;
	}
	const ctx = canvas.getContext("2d", {alpha: false})!;
	const {m} = s.q;
	const key = `${W} ${H} ${s.theme.name} ${m.raw.length} ${m.t1}`;
	if (cache.key !== key) {
		const pix = new Pix(W, H);
		pix.buf.fill(pixel(s.theme.panel));
		const sums = [new Float64Array(W), new Float64Array(W), new Float64Array(W), new Float64Array(W)];
		for (const cpu of m.cpus)
			columns(s.q.lod(cpu.lane, "cpu"), m.t0, m.t1, W, (x0, x1, i, _many, share) => {
				const v = cpu.lane.val[i]!;
				if (v === IDLE || v === OFFLINE)
					return;
				const part = v === UNKNOWN ? 3 : ["edf", "rt", "share"].indexOf(classPart(m.tasks[v]!.cls));
				for (let x = x0; x < x1; x++)
					sums[part]![x]! += share;
			});
		const colours = [s.theme.cls.edf, s.theme.cls.rt, s.theme.cls.share, mix(s.theme.state.unknown, s.theme.panel, 0.5)].map((c) => pixel(c));
		for (let x = 0; x < W; x++) {
			let sum = 0;
			for (let part = 0; part < 4; part++) {
				const y1 = H - Math.round(sum / m.cpus.length * (H - 10 * dpr));
				sum += sums[part]![x]!;
				pix.fill(x, H - Math.round(sum / m.cpus.length * (H - 10 * dpr)), x + 1, y1, colours[part]!);
			}
		}
		for (const f of m.flags)
			if (f.kind !== "mark") {
				const x = Math.round((f.time - m.t0) / (m.t1 - m.t0) * W);
				pix.fill(x - Math.round(dpr), 0, x + Math.round(dpr), Math.round(9 * dpr), pixel(s.theme.danger));
			}
		cache.key = key;
		cache.data = pix.data;
	}
	ctx.putImageData(cache.data!, 0, 0);
	const x0 = (s.t0 - m.t0) / (m.t1 - m.t0) * W;
	const x1 = (s.t1 - m.t0) / (m.t1 - m.t0) * W;
	ctx.globalAlpha = 0.6;
	ctx.fillStyle = s.theme.bg;
	ctx.fillRect(0, 0, x0, H);
	ctx.fillRect(x1, 0, W - x1, H);
	ctx.globalAlpha = 1;
	ctx.strokeStyle = s.theme.accent;
	ctx.lineWidth = 2 * dpr;
	ctx.strokeRect(Math.max(dpr, x0), dpr, Math.max(3 * dpr, Math.min(W - dpr, x1) - Math.max(dpr, x0)), H - 2 * dpr);
}
