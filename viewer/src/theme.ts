/**
 * Colours. States and classes are told apart by height and pattern too; tests hold every pair of
 * states at a distance for all kinds of colour vision, and all against the background.
 */
export interface Theme {
	name: "dark" | "light";
	bg: string;
	panel: string;
	raised: string;
	line: string;
	text: string;
	dim: string;
	accent: string;
	danger: string;
	good: string;
	state: {running: string; ready: string; preempted: string; waiting: string; irq: string; poll: string; unknown: string};
	cls: {edf: string; rt: string; share: string};
}

export const DARK: Theme = {
	name: "dark", bg: "#0f141a", panel: "#141b23", raised: "#1d2733", line: "#2a3644", text: "#e8eef5", dim: "#a3b1c2",
	accent: "#ffd75e", danger: "#ff6b5e", good: "#bafcb4",
	state: {running: "#bafcb4", ready: "#ef9624", preempted: "#bd250d", waiting: "#acb8d3", irq: "#8d4d8e", poll: "#0a87fb", unknown: "#7a8797"},
	cls: {edf: "#56b4e9", rt: "#d55e00", share: "#009e73"},
};

export const LIGHT: Theme = {
	name: "light", bg: "#ffffff", panel: "#f5f7fa", raised: "#e9eef4", line: "#cdd6e0", text: "#14202c", dim: "#4a5a6b",
	accent: "#8a5a00", danger: "#b3190a", good: "#013b16",
	state: {running: "#013b16", ready: "#905616", preempted: "#c38566", waiting: "#4b6785", irq: "#5e0c86", poll: "#5390da", unknown: "#8592a0"},
	cls: {edf: "#3d93c9", rt: "#c4560a", share: "#00855f"},
};

/** Little-endian RGBA for an ImageData of 32-bit words. */
export function pixel(hex: string, alpha = 255): number {
	const v = parseInt(hex.slice(1), 16);
	return (alpha << 24 | (v & 255) << 16 | (v >> 8 & 255) << 8 | v >> 16) >>> 0;
}

export function mix(a: string, b: string, share: number): string {
	const x = parseInt(a.slice(1), 16);
	const y = parseInt(b.slice(1), 16);
	let out = 0;
	for (const shift of [16, 8, 0]) {
		const p = x >> shift & 255;
		const q = y >> shift & 255;
		out |= Math.round(p + (q - p) * share) << shift;
	}
	return "#" + out.toString(16).padStart(6, "0");
}

export function cssOf(t: Theme): string {
	const rows: [string, string][] = [["bg", t.bg], ["panel", t.panel], ["raised", t.raised], ["line", t.line], ["text", t.text], ["dim", t.dim],
		["accent", t.accent], ["danger", t.danger], ["good", t.good], ["edf", t.cls.edf], ["rt", t.cls.rt], ["share", t.cls.share],
		["running", t.state.running], ["ready", t.state.ready], ["preempted", t.state.preempted], ["waiting", t.state.waiting],
		["irq", t.state.irq], ["poll", t.state.poll], ["unknown", t.state.unknown]];
	return rows.map(([k, v]) => `--${k}:${v}`).join(";");
}

function luminance(hex: string): number {
	const v = parseInt(hex.slice(1), 16);
	const f = (c: number): number => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
	return 0.2126 * f(v >> 16) + 0.7152 * f(v >> 8 & 255) + 0.0722 * f(v & 255);
}

/** Black or white, whichever is read better on the colour: at least 4.5 to 1 (WCAG 2.2, 1.4.3). */
export function textOn(hex: string): string {
	return luminance(hex) > 0.179 ? "#000000" : "#ffffff";
}
