/** The level-of-detail tree against loops over all steps, the painter's columns against sampling, and more of the pure parts. */
import assert from "node:assert/strict";
import {test} from "node:test";
import {build} from "../../viewer/src/build.js";
import {exercise} from "../../viewer/src/exercise.js";
import {open} from "../../viewer/src/input.js";
import {UUID} from "../../viewer/src/packets.js";
import {renew} from "../../viewer/src/live.js";
import {gallop, upper} from "../../viewer/src/grow.js";
import {Lod, Sampled, columns, type Busy} from "../../viewer/src/lod.js";
import {histogram, percentile} from "../../viewer/src/stats.js";
import {taskColour} from "../../viewer/src/scene.js";
import {DARK, LIGHT, mix, textOn} from "../../viewer/src/theme.js";
import {duration, instant, parseTime, ticks} from "../../viewer/src/time.js";

let state = 1;
const rnd = (n: number): number => (state = (Math.imul(state, 1103515245) + 12345) >>> 0) / 4294967296 * n;

function lane(n: number, values: number): {start: Float64Array; val: Uint32Array; t1: number} {
	let t = 0;
	const start = new Float64Array(n);
	const val = new Uint32Array(n);
	for (let i = 0; i < n; i++) {
		start[i] = t;
		t += rnd(4) < 1 ? 1 + Math.floor(rnd(3)) : 1 + Math.floor(rnd(1000));
		val[i] = Math.floor(rnd(values));
	}
	return {start, val, t1: t};
}

for (const kind of ["some", "running"] as Busy[])
	for (const n of [1, 2, 15, 16, 17, 31, 255, 256, 257, 4097])
		test(`longest and busy time of ${n} steps (${kind})`, () => {
			const l = lane(n, kind === "some" ? 3 : 6);
			const lod = new Lod(l, l.t1, kind);
			const busy = (i: number): boolean => kind === "some" ? l.val[i] !== 0 : l.val[i] === 4;
			const end = (i: number): number => i + 1 < n ? l.start[i + 1]! : l.t1;
			for (let k = 0; k < 300; k++) {
				const from = Math.floor(rnd(n));
				const to = from + 1 + Math.floor(rnd(n - from));
				let best = -1;
				let any = false;
				for (let i = from; i < to; i++)
					if (busy(i)) {
						any = true;
						best = Math.max(best, end(i) - l.start[i]!);
					}
				const got = lod.longest(from, to - 1);
				assert.ok(got >= from && got < to, `${got} is not in [${from}, ${to})`);
				assert.equal(busy(got), any);
				if (any)
					assert.equal(end(got) - l.start[got]!, best);
				const a = rnd(l.t1);
				const b = a + rnd(l.t1 - a);
				let sum = 0;
				for (let i = 0; i < n; i++)
					if (busy(i))
						sum += Math.max(0, Math.min(b, end(i)) - Math.max(a, l.start[i]!));
				assert.ok(Math.abs(lod.busyIn(a, b) - sum) < 1e-6 * l.t1, `${lod.busyIn(a, b)} for ${sum}`);
			}
		});

test("columns cover the view once, in order, and show what is there", () => {
	for (const n of [1, 40, 3000]) {
		const l = lane(n, 3);
		const lod = new Lod(l, l.t1, "some");
		for (let k = 0; k < 60; k++) {
			const t0 = rnd(l.t1) - l.t1 * 0.2;
			const t1 = t0 + 1 + rnd(k % 2 ? l.t1 * 1.3 : 500);
			const px = 1 + Math.floor(rnd(700));
			const dt = (t1 - t0) / px;
			let next = -1;
			columns(lod, t0, t1, px, (x0, x1, i, many, share) => {
				assert.ok(next < 0 ? x0 >= 0 : x0 === next, `gap or overlap at ${x0}, expected ${next}`);
				assert.ok(x1 > x0 && x1 <= px);
				next = x1;
				const a = t0 + x0 * dt;
				const b = t0 + x1 * dt;
				assert.ok(lod.end(i) >= a - 1e-6 && l.start[i]! <= b + 1e-6, "the step is not in its columns");
				if (!many)
					assert.ok(lod.end(i) >= t0 + (x1 - 1) * dt - 1e-6, "the step has ended before its last column");
				if (many) {
					assert.equal(x1, x0 + 1);
					assert.ok(Math.abs(share - lod.busyIn(Math.max(a, 0), Math.min(b, l.t1)) / dt) < 1e-6);
				}
			});
			if (t1 > 0 && t0 < l.t1) {
				const last = Math.min(px, Math.ceil((l.t1 - t0) / dt));
				assert.ok(next === last || last <= 0 || next === -1 && Math.floor(-t0 / dt) >= last, `ends at ${next} of ${last}`);
			}
		}
	}
});

test("a picture that is moved finds only the columns that come into it, and has all of them", () => {
	for (const n of [1, 40, 3000])
		for (const dt of [0.5, 8, 256]) {
			const l = lane(n, 3);
			const lod = new Lod(l, l.t1, "some");
			const search: ConstructorParameters<typeof Sampled>[0] = (a, b, w, put) => columns(lod, a, b, w, (x0, x1, i, many, share) => put(x0, x1, i, many ? share : -1));
			const shown = (s: Sampled): string => {
				const out: unknown[] = [];
				s.each((...run) => out.push(run));
				return JSON.stringify(out);
			};
			const px = 200;
			let t0 = Math.floor(rnd(l.t1) / dt) * dt;
			const moved = new Sampled(search);
			moved.look(t0, t0 + px * dt, px);
			for (let k = 0; k < 40; k++) {
				const by = Math.floor(rnd(k % 4 ? 9 : 300)) - (k % 4 ? 4 : 150);
				t0 += by * dt;
				const before = Sampled.found;
				const beside = (rnd(0.9) - 0.45) * dt; /* the view need not stand on whole columns */
				moved.look(t0 + beside, t0 + beside + px * dt, px);
				assert.equal(Sampled.found - before, Math.min(Math.abs(by), px));
				const fresh = new Sampled(search);
				fresh.look(t0, t0 + px * dt, px);
				assert.equal(shown(moved), shown(fresh), `${n} steps, ${dt} wide, moved by ${by}`);
				if (Math.abs(by) >= px)
					moved.look(t0, t0 + px * dt * 2, px), moved.look(t0, t0 + px * dt, px);
			}
		}
});

test("what a reader practises on is a trace in which all is sound", async () => {
	const m = build(await open([{name: "x", bytes: exercise(1 << 16, UUID)}]));
	assert.deepEqual(m.problems.map((p) => p.file), ["metadata"]);
	assert.ok(m.lost.length === 0 && m.events > 4000 && m.tasks.length > 20 && m.cpus.length === 4);
	const states = new Set(m.tasks.flatMap((t) => [...t.lane.val].map((v) => v & 15)));
	assert.ok([1, 2, 3, 4].every((s) => states.has(s)), [...states].join());
	assert.ok(m.decisions.wrong.length > 0 && m.decisions.wrong.length < m.decisions.time.length);
});

test("bounds by search and by galloping are those of a scan", () => {
	const a = Float64Array.from({length: 200}, () => Math.floor(rnd(50))).sort();
	for (let x = -1; x < 52; x += 0.5) {
		const scan = [...a].filter((v) => v <= x).length;
		assert.equal(upper(a, x), scan);
		for (let from = 0; from <= scan; from += 7)
			if (from < scan)
				assert.equal(gallop(a, x, from, a.length), scan);
	}
});

test("histograms lose nothing, percentiles are ranks", () => {
	const values = Array.from({length: 500}, () => 10 ** rnd(7));
	const h = histogram(values);
	assert.equal(h.reduce((n, b) => n + b.n, 0), 500);
	for (const b of h)
		assert.equal(b.n, values.filter((v) => v >= b.from && v < b.to).length);
	const sorted = [5, 7, 9, 11];
	assert.deepEqual([percentile(sorted, 50), percentile(sorted, 99), percentile(sorted, 1), percentile([], 50)], [7, 11, 5, NaN]);
});

test("times are written and read", () => {
	assert.equal(instant(404277851), "404.277 851 ms");
	assert.deepEqual([0, 999, 1500, 2.5e6, 3e9, -1500].map(duration), ["0 ns", "999 ns", "1.5 µs", "2.5 ms", "3 s", "−1.5 µs"]);
	assert.deepEqual(["1.5ms", "200us", "3 s", "17", "404.277 851 ms"].map(parseTime), [1.5e6, 2e5, 3e9, 17, 404277851]);
	for (const bad of ["", "ms", "1.5 hours", "-3ms", "1e9"])
		assert.ok(Number.isNaN(parseTime(bad)), bad);
	for (let k = 0; k < 200; k++) {
		const t0 = rnd(1e10);
		const t = ticks(t0, t0 + 10 ** (1 + rnd(9)), 1400);
		assert.ok(t.at.length >= 3 && t.at.length < 30, `${t.at.length} ticks`);
		assert.equal(new Set(t.at.map(t.label)).size, t.at.length, `ticks that read alike: ${t.at.map(t.label)}`);
	}
});

/* Colours as people with protanopia, deuteranopia and tritanopia see them (Machado, Oliveira, Fernandes, "A
 * Physiologically-based Model for Simulation of Color Vision Deficiency", IEEE TVCG 15(6), 2009, severity 1),
 * and their distance in OKLab (Ottosson, 2020). */
const VISION: Record<string, number[]> = {
	normal: [1, 0, 0, 0, 1, 0, 0, 0, 1],
	protan: [0.152286, 1.052583, -0.204868, 0.114503, 0.786281, 0.099216, -0.003882, -0.048116, 1.051998],
	deutan: [0.367322, 0.860646, -0.227968, 0.280085, 0.672501, 0.047413, -0.01182, 0.04294, 0.968881],
	tritan: [1.255528, -0.076749, -0.178779, -0.078411, 0.930809, 0.147602, 0.004733, 0.691367, 0.3039],
};
const linear = (hex: string): number[] => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16) / 255).map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
const seen = (hex: string, m: number[]): number[] => {
	const c = linear(hex);
	return [0, 1, 2].map((r) => Math.min(1, Math.max(0, m[r * 3]! * c[0]! + m[r * 3 + 1]! * c[1]! + m[r * 3 + 2]! * c[2]!)));
};
const oklab = ([r, g, b]: number[]): number[] => {
	const l = Math.cbrt(0.4122214708 * r! + 0.5363325363 * g! + 0.0514459929 * b!);
	const m = Math.cbrt(0.2119034982 * r! + 0.6806995451 * g! + 0.1073969566 * b!);
	const s = Math.cbrt(0.0883024619 * r! + 0.2817188376 * g! + 0.6299787005 * b!);
	return [0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s, 1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s, 0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s];
};
const luminance = (hex: string): number => linear(hex).reduce((s, c, i) => s + c * [0.2126, 0.7152, 0.0722][i]!, 0);
const contrast = (a: string, b: string): number => (Math.max(luminance(a), luminance(b)) + 0.05) / (Math.min(luminance(a), luminance(b)) + 0.05);

for (const theme of [DARK, LIGHT])
	test(`states can be told apart by everybody, and read: ${theme.name}`, () => {
		const {running, ready, preempted, waiting, irq, poll} = theme.state;
		const states = [running, ready, preempted, waiting, irq, poll];
		for (const [name, m] of Object.entries(VISION))
			for (let i = 0; i < states.length; i++)
				for (let k = 0; k < i; k++) {
					const a = oklab(seen(states[i]!, m));
					const b = oklab(seen(states[k]!, m));
					const d = Math.hypot(a[0]! - b[0]!, a[1]! - b[1]!, a[2]! - b[2]!) * 100;
					assert.ok(d >= 13, `${name}: ${states[i]} and ${states[k]} are ${d.toFixed(1)} apart`);
				}
		for (const c of [...states, ...Object.values(theme.cls)])
			assert.ok(contrast(c, theme.bg) >= 3, `${c} on ${theme.bg}: ${contrast(c, theme.bg).toFixed(2)}`);
		for (const [text, ground] of [[theme.text, theme.bg], [theme.text, theme.panel], [theme.text, theme.raised], [theme.dim, theme.panel], [theme.dim, theme.bg], [theme.dim, theme.raised], [theme.danger, theme.panel]] as const)
			assert.ok(contrast(text, ground) >= 4.5, `text ${text} on ${ground}: ${contrast(text, ground).toFixed(2)}`);
		for (let cls = 0; cls < 9; cls++)
			for (let i = 0; i < 7; i++) {
				const c = taskColour(theme, cls, i);
				assert.ok(contrast(textOn(c), c) >= 4.5, `${textOn(c)} on ${c}: ${contrast(textOn(c), c).toFixed(2)}`);
			}
		assert.ok(contrast(textOn(poll), poll) >= 4.5);
		assert.equal(mix("#000000", "#ffffff", 0.5), "#808080");
	});

test("files of a run that is followed are made of what they were and of what is new", () => {
	const text = (s: string): Uint8Array => new TextEncoder().encode(s);
	const message = (head: unknown, fresh: string): ArrayBuffer => {
		const json = text(JSON.stringify(head));
		const out = new Uint8Array(4 + json.length + fresh.length);
		new DataView(out.buffer).setUint32(0, json.length, true);
		out.set(json, 4);
		out.set(text(fresh), 4 + json.length);
		return out.buffer;
	};
	const first = renew([], message([["metadata", [[-1, 4]]], ["a", [[-1, 6]]], ["b", [[-1, 3]]]], "METAabcdefxyz"));
	assert.deepEqual(first.map((f) => [f.name, String.fromCharCode(...f.bytes)]), [["metadata", "META"], ["a", "abcdef"], ["b", "xyz"]]);
	const second = renew(first, message([["metadata", [[0, 4]]], ["a", [[2, 4], [-1, 3]]], ["c", [[-1, 2]]]], "ghi12"));
	assert.deepEqual(second.map((f) => [f.name, String.fromCharCode(...f.bytes)]), [["metadata", "META"], ["a", "cdefghi"], ["c", "12"]]);
});
