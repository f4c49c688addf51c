/** A range as SVG fit for a paper, and as PNG. */
import {columns} from "./lod.js";
import {IDLE, OFFLINE, S, UNKNOWN, stateOf} from "./model.js";
import {Painter, classPart, taskColour, type Scene} from "./scene.js";
import {LIGHT, mix, textOn} from "./theme.js";
import {ticks} from "./time.js";

const escape = (s: string): string => s.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
const n = (x: number): string => x.toFixed(2).replace(/\.?0+$/, "");

/** CPUs and the tasks that do anything in [t0, t1), black on white, text as text. */
export function svg(s: Scene, t0: number, t1: number, width = 900): string {
	const {q} = s;
	const {m} = q;
	const left = 92;
	const w = width - left - 8;
	const theme = LIGHT;
	const tasks = s.rows.filter((r) => r.kind === "task" && q.ranIn(r.index, t0, t1) > 0);
	const height = 30 + m.cpus.length * 30 + tasks.length * 20 + 34;
	const out: string[] = [];
	const x = (t: number): number => left + (t - t0) / (t1 - t0) * w;
	const rect = (a: number, y: number, b: number, h: number, fill: string, title = ""): void => {
		out.push(`<rect x="${n(a)}" y="${n(y)}" width="${n(Math.max(b - a, 0.3))}" height="${n(h)}" fill="${fill}">${title ? `<title>${escape(title)}</title>` : ""}</rect>`);
	};
	const text = (at: number, y: number, t: string, more = ""): void => {
		out.push(`<text x="${n(at)}" y="${n(y)}"${more}>${escape(t)}</text>`);
	};
	const axis = ticks(t0, t1, w);
	for (const t of axis.at) {
		out.push(`<path d="M${n(x(t))} 24V${height - 30}" stroke="#cccccc" stroke-width=".5"/>`);
		text(x(t), 16, axis.label(t), ` text-anchor="middle"`);
	}
	let y = 28;
	const px = Math.round(w * 3);
	const at = (c: number): number => left + c / px * w;
	for (const c of m.cpus) {
		text(left - 8, y + 15, `CPU ${c.cpu}`, ` text-anchor="end"`);
		columns(q.lod(c.lane, "cpu"), t0, t1, px, (a, b, i, many, share) => {
			const v = c.lane.val[i]!;
			if (v === IDLE || v === OFFLINE)
				return;
			const h = many ? 22 * share : 22;
			rect(at(a), y + 22 - h, at(b), h, v === UNKNOWN ? "url(#unknown)" : taskColour(theme, m.tasks[v]!.cls, v), v === UNKNOWN ? "unknown" : q.label(v));
			if (v !== UNKNOWN && !many && at(b) - at(a) > q.label(v).length * 7 + 4)
				text(at(a) + 3, y + 15, q.label(v), ` fill="${textOn(taskColour(theme, m.tasks[v]!.cls, v))}"`);
		});
		y += 30;
	}
	for (const r of tasks) {
		const lane = m.tasks[r.index]!.lane;
		text(left - 8, y + 12, r.label, ` text-anchor="end"`);
		rect(left - 5, y + 3, left - 1, 10, theme.cls[classPart(m.tasks[r.index]!.cls)]);
		columns(q.lod(lane, "task"), t0, t1, px, (a, b, i, many, share) => {
			const state = stateOf(lane.val[i]!);
			if (state === S.running && !many)
				rect(at(a), y, at(b), 15, theme.state.running);
			else if (state === S.ready || state === S.preempted)
				rect(at(a), y + 6, at(b), 9, state === S.ready ? "url(#ready)" : "url(#preempted)");
			else if (state === S.waiting)
				rect(at(a), y + 7, at(b), 1, mix(theme.state.waiting, "#ffffff", 0.3));
			else if (state === S.unknown)
				rect(at(a), y, at(b), 15, "url(#unknown)");
			if (many && share > 0)
				rect(at(a), y + 15 - 15 * share, at(b), 15 * share, theme.state.running);
		});
		y += 20;
	}
	let lx = left;
	for (const [fill, name, h] of [[theme.state.running, "running", 12], ["url(#ready)", "ready", 8], ["url(#preempted)", "preempted", 8], ["url(#unknown)", "unknown", 12]] as const) {
		rect(lx, height - 10 - h, lx + 18, h, fill);
		text(lx + 23, height - 11, name);
		lx += 98;
	}
	const hatch = (id: string, c: string, d: string, ground: string): string => `<pattern id="${id}" width="5" height="5" patternUnits="userSpaceOnUse"><rect width="5" height="5" fill="${ground}"/><path d="${d}" stroke="${c}" stroke-width="1.4"/></pattern>`;
	return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="Helvetica, Arial, sans-serif" font-size="12"><defs>` +
		hatch("ready", theme.state.ready, "M-1 6L6 -1M-1 1L1 -1M4 6L6 4", "#ffffff") + hatch("preempted", theme.state.preempted, "M-1 -1L6 6M-1 4L1 6M4 -1L6 1", "#f3dfd6") +
		hatch("unknown", theme.state.unknown, "M0 0L5 5M5 0L0 5", "#ffffff") + `</defs><rect width="${width}" height="${height}" fill="#ffffff"/>${out.join("")}</svg>\n`;
}

/** The lanes that are in sight, over the marked range or what is in view. */
export async function png(s: Scene, width: number, height: number): Promise<Blob> {
	const canvas = document.createElement("canvas");
	const painter = new Painter(canvas);
	painter.resize(width, height, 2);
	const [t0, t1] = s.range ?? [s.t0, s.t1];
	painter.draw({...s, t0, t1, range: undefined, hover: undefined});
	return new Promise((ok, no) => canvas.toBlob((b) => b ? ok(b) : no(new Error("the picture is too large for this browser")), "image/png"));
}
