/** The keys: their help, and what they do. */
import {addNote, ask, help} from "./dialogs.js";
import type {App} from "./main.js";
import {GUTTER} from "./scene.js";
import {instant, parseTime} from "./time.js";

export const KEYS: [string, string][] = [
	["W S", "zoom in, out"], ["A D", "pan left, right"], ["← → ↑ ↓", "pan, and scroll the lanes"],
	["[ ]", "decision before, after, on the lane's CPU or on any"], [", .", "step before, after, on the selected lane"],
	["J K", "lane below, above"], ["Enter", "select what is in the middle of the lane"], ["Space", "play decisions"],
	["F", "fit the selection; again: the whole trace"], ["M", "mark the selection's range; Shift+M adds a note"], ["Q", "panel on or off"],
	["G", "go to a time"], ["/", "filter"], ["N", "next match of the filter"], ["P", "pin the selected task"], ["I", "hide tasks that are not there in what is in view"], ["T", "dark or light"],
	["L", "teaching mode: predict decisions"], ["Esc", "clear selection, range, filter"], ["?", "this help"],
];

export function key(app: App, e: KeyboardEvent): void {
	if (!app.q || e.ctrlKey || e.metaKey || e.altKey || document.querySelector("dialog[open]"))
		return;
	const inside = e.target as HTMLElement;
	const control = inside.closest("button, input, select, [role=grid]") !== null;
	if (control && (e.key === " " || e.key === "Enter" || e.key.startsWith("Arrow")))
		return;
	if (inside.closest("select"))
		return;
	if (inside === app.aside || inside === app.dockBody)
		if (e.key.startsWith("Arrow") || e.key === " ")
			return;
	const mid = app.scene.hover && app.scene.hover.x > GUTTER ? app.painter.t(app.scene, app.scene.hover.x) : (app.scene.t0 + app.scene.t1) / 2;
	const keys: Record<string, () => void> = {
		w: () => app.zoom(0.7, mid), s: () => app.zoom(1 / 0.7, mid), a: () => app.pan(-0.2), d: () => app.pan(0.2),
		ArrowLeft: () => app.pan(-0.1), ArrowRight: () => app.pan(0.1), ArrowUp: () => app.scrollTo(app.scene.scroll - 44), ArrowDown: () => app.scrollTo(app.scene.scroll + 44),
		"[": () => app.step(-1), "]": () => app.step(1), ",": () => app.stepLane(-1), ".": () => app.stepLane(1), j: () => app.moveRow(1), k: () => app.moveRow(-1),
		Enter: () => app.stepLane(0), " ": () => app.play(), f: () => app.fit(), q: () => app.setSide(!app.side), i: () => app.toggleActive(), t: () => app.toggleTheme(), l: () => app.toggleTeaching(),
		m: () => {
			app.scene.range = app.scene.sel ? app.extent(app.scene.sel) : undefined;
			app.refreshDock();
			app.redraw();
		},
		M: () => addNote(app), n: () => app.nextMatch(),
		p: () => {
			const t = app.scene.task;
			if (t && !app.scene.pins.delete(t))
				app.scene.pins.add(t);
			app.lay();
		},
		g: () => ask(app, "Go to time", instant(app.scene.t0), (text) => {
			const t = parseTime(text);
			if (Number.isNaN(t))
				app.live.textContent = `${text} is no time: write 12.5 ms, 300us, 1.2s`;
			else
				app.setView(t - (app.scene.t1 - app.scene.t0) / 2, t + (app.scene.t1 - app.scene.t0) / 2);
		}, "A number with s, ms, us or ns"),
		"/": () => app.input.select(), "?": () => help(),
		Escape: () => {
			app.scene.range = undefined;
			if (app.input.value)
				app.setFilter(app.input.value = "");
			app.select(undefined);
		},
	};
	const f = keys[e.key] ?? keys[e.key.toLowerCase()];
	if (f) {
		e.preventDefault();
		f();
	}
}
