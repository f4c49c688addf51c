/** Times and durations as text. Groups of three digits stand apart, units are those of physics. */
const UNITS: [number, string][] = [[1e9, "s"], [1e6, "ms"], [1e3, "µs"], [1, "ns"]];

export function duration(ns: number): string {
	const sign = ns < 0 ? "−" : "";
	const a = Math.abs(ns);
	if (!Number.isFinite(a))
		return sign + "∞";
	for (const [unit, name] of UNITS)
		if (a >= unit)
			return sign + trim(a / unit) + " " + name;
	return a ? sign + trim(a) + " ns" : "0 ns";
}

function trim(x: number): string {
	const digits = x >= 100 ? 1 : x >= 10 ? 2 : 3;
	return x.toFixed(digits).replace(/\.?0+$/, "");
}

/** A point in time, in milliseconds with all its digits: 404.277 851 ms. */
export function instant(ns: number): string {
	const whole = Math.floor(ns / 1e6);
	const rest = String(Math.floor(ns - whole * 1e6)).padStart(6, "0");
	return `${String(whole).replace(/\B(?=(\d{3})+$)/g, " ")}.${rest.slice(0, 3)} ${rest.slice(3)} ms`;
}

/** As `fermata-trace` prints it, for commands. */
export function seconds(ns: number): string {
	return `${Math.floor(ns / 1e9)}.${String(Math.floor(ns % 1e9)).padStart(9, "0")}`;
}

/** "1.5ms", "200us", "3 s", "17" (ns) as ns; NaN when it is none. */
export function parseTime(text: string): number {
	const m = /^\s*([0-9]+(?:[ _]?[0-9]{3})*(?:\.[0-9]+(?:[ _]?[0-9]+)*)?)\s*(s|ms|us|µs|ns)?\s*$/.exec(text);
	if (!m)
		return NaN;
	const unit = {s: 1e9, ms: 1e6, us: 1e3, "µs": 1e3, ns: 1}[m[2] ?? "ns"]!;
	return Math.round(Number(m[1]!.replace(/[ _]/g, "")) * unit);
}

/** Where the axis has ticks, and how each is labelled. */
export function ticks(t0: number, t1: number, px: number): {step: number; at: number[]; label: (t: number) => string} {
	const want = (t1 - t0) / Math.max(1, px / 130);
	const power = 10 ** Math.floor(Math.log10(Math.max(want, 1)));
	const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= want) ?? power * 10;
	const at: number[] = [];
	for (let t = Math.ceil(t0 / step) * step; t <= t1 && at.length < 200; t += step)
		at.push(t);
	const [unit, name] = step >= 1e8 ? [1e9, "s"] as const : step >= 1e2 ? [1e6, "ms"] as const : [1e3, "µs"] as const;
	const digits = Math.max(0, Math.ceil(Math.log10(unit / step)));
	return {step, at, label: (t) => `${(t / unit).toFixed(Math.min(digits, 6))} ${name}`};
}
