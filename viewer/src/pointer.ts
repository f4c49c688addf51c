/** Mouse, touch pad and touch on the timeline, the brush of the overview, and files that are dropped. */
import type {App} from "./main.js";
import {hit} from "./hit.js";
import {OFFLINE, STATE_NAMES, UNKNOWN, stateOf} from "./model.js";
import {AXIS, GUTTER} from "./scene.js";
import {stackText} from "./panels.js";
import {duration} from "./time.js";

export function pointer(app: App): void {
	const c = app.canvas;
	const held = new Map<number, {x: number; y: number}>();
	let start: {x: number; y: number; t0: number; t1: number; scroll: number; range: boolean} | undefined;
	let moved = false;
	const at = (e: PointerEvent | MouseEvent): {x: number; y: number} => {
		const box = c.getBoundingClientRect();
		return {x: e.clientX - box.left, y: e.clientY - box.top};
	};
	c.addEventListener("pointerdown", (e) => {
		if (!app.q || e.button !== 0)
			return;
		c.setPointerCapture(e.pointerId);
		const p = at(e);
		held.set(e.pointerId, p);
		start = {...p, t0: app.scene.t0, t1: app.scene.t1, scroll: app.scene.scroll, range: e.shiftKey || p.y < AXIS};
		moved = false;
	});
	c.addEventListener("pointermove", (e) => {
		if (!app.q)
			return;
		const p = at(e);
		const before = held.get(e.pointerId);
		if (!before || !start) {
			app.scene.hover = p;
			showTip(app, p);
			app.redraw();
			return;
		}
		if (held.size === 2) {
			const [a, b] = [...held.values()] as [{x: number; y: number}, {x: number; y: number}];
			const was = Math.abs(a.x - b.x);
			held.set(e.pointerId, p);
			const [x, y] = [...held.values()] as [{x: number; y: number}, {x: number; y: number}];
			if (was > 4 && Math.abs(x.x - y.x) > 4)
				app.zoom(was / Math.abs(x.x - y.x), app.painter.t(app.scene, (x.x + y.x) / 2));
			moved = true;
			return;
		}
		held.set(e.pointerId, p);
		if (Math.abs(p.x - start.x) + Math.abs(p.y - start.y) > 4)
			moved = true;
		if (!moved)
			return;
		app.tip.replaceChildren();
		if (start.range) {
			const a = app.painter.t(app.scene, start.x);
			const b = app.painter.t(app.scene, p.x);
			app.scene.range = [Math.min(a, b), Math.max(a, b)];
			app.redraw();
		} else {
			app.view.classList.add("drag");
			const d = (start.x - p.x) / (app.painter.width - GUTTER) * (start.t1 - start.t0);
			app.setView(start.t0 + d, start.t1 + d);
			app.scrollTo(start.scroll + start.y - p.y);
		}
	});
	const up = (e: PointerEvent): void => {
		if (!held.delete(e.pointerId) || !start)
			return;
		app.view.classList.remove("drag");
		if (moved && start.range) {
			if (app.tab !== "range" && app.tab !== "histogram" && app.tab !== "events")
				app.openTab("range");
			app.refreshDock();
		} else if (!moved && held.size === 0) {
			click(app, start.x, start.y);
		}
		if (!held.size)
			start = undefined;
	};
	c.addEventListener("pointerup", up);
	c.addEventListener("pointercancel", up);
	c.addEventListener("pointerleave", () => {
		app.scene.hover = undefined;
		app.tip.replaceChildren();
		app.redraw();
	});
	c.addEventListener("dblclick", () => app.q && app.fit());
	c.addEventListener("wheel", (e) => {
		if (!app.q)
			return;
		e.preventDefault();
		const p = at(e);
		const last = app.scene.rows[app.scene.rows.length - 1];
		const overflows = last !== undefined && last.y + last.h > app.view.clientHeight - AXIS;
		if (e.ctrlKey || e.metaKey || (!overflows && !e.shiftKey && Math.abs(e.deltaX) < Math.abs(e.deltaY)))
			app.zoom(Math.exp(Math.max(-0.8, Math.min(0.8, e.deltaY * 0.003))), app.painter.t(app.scene, Math.max(p.x, GUTTER)));
		else if (e.shiftKey || Math.abs(e.deltaX) > Math.abs(e.deltaY))
			app.pan((e.deltaX || e.deltaY) / app.painter.width);
		else
			app.scrollTo(app.scene.scroll + e.deltaY);
	}, {passive: false});
}

export function brush(app: App): void {
	const c = app.over;
	let from: {t: number; move: boolean; t0: number; t1: number} | undefined;
	const time = (e: PointerEvent): number => {
		const box = c.getBoundingClientRect();
		return app.q.m.t0 + (e.clientX - box.left) / box.width * (app.q.m.t1 - app.q.m.t0);
	};
	c.addEventListener("pointerdown", (e) => {
		if (!app.q)
			return;
		c.setPointerCapture(e.pointerId);
		const t = time(e);
		const {t0, t1} = app.scene;
		from = {t, move: t > t0 && t < t1 && t1 - t0 < (app.q.m.t1 - app.q.m.t0) * 0.98, t0, t1};
	});
	c.addEventListener("pointermove", (e) => {
		if (!from)
			return;
		const t = time(e);
		if (from.move)
			app.setView(from.t0 + t - from.t, from.t1 + t - from.t);
		else if (Math.abs(t - from.t) > (app.q.m.t1 - app.q.m.t0) / 500)
			app.setView(Math.min(t, from.t), Math.max(t, from.t));
	});
	c.addEventListener("pointerup", (e) => {
		if (from && !from.move && Math.abs(time(e) - from.t) <= (app.q.m.t1 - app.q.m.t0) / 500) {
			const half = (app.scene.t1 - app.scene.t0) / 2;
			app.setView(from.t - half, from.t + half);
		}
		from = undefined;
	});
}

export async function dropped(app: App, e: DragEvent): Promise<void> {
	const files: {name: string; file: File}[] = [];
	const walk = async (entry: FileSystemEntry, path: string): Promise<void> => {
		if (entry.isFile)
			files.push({name: path + entry.name, file: await new Promise<File>((ok, no) => (entry as FileSystemFileEntry).file(ok, no))});
		else {
			const reader = (entry as FileSystemDirectoryEntry).createReader();
			for (;;) {
				const some = await new Promise<FileSystemEntry[]>((ok, no) => reader.readEntries(ok, no));
				if (!some.length)
					break;
				for (const x of some)
					await walk(x, `${path}${entry.name}/`);
			}
		}
	};
	const items = [...e.dataTransfer?.items ?? []].map((i) => i.webkitGetAsEntry()).filter((x): x is FileSystemEntry => x !== null);
	if (items.length)
		for (const i of items)
			await walk(i, "");
	else
		for (const file of e.dataTransfer?.files ?? [])
			files.push({name: file.name, file});
	if (files.length)
		app.load({files});
}

function click(app: App, x: number, y: number): void {
	const found = hit(app.painter, app.scene, x, y);
	if (!found.row)
		return app.select(undefined);
	app.row = app.scene.rows.indexOf(found.row);
	app.rowChosen = false;
	if (found.row.kind === "head") {
		if (!app.scene.closed.delete(found.row.group))
			app.scene.closed.add(found.row.group);
		return app.lay();
	}
	if (x < GUTTER && (found.row.kind === "task" || found.row.kind === "async"))
		return app.select({k: "state", task: found.row.index, i: Math.max(0, app.q.stateAt(found.row.index, (app.scene.t0 + app.scene.t1) / 2).i)});
	app.select(found.sel);
}

function showTip(app: App, p: {x: number; y: number}): void {
	const found = hit(app.painter, app.scene, p.x, p.y);
	const {m} = app.q;
	let text = "";
	const sel = found.sel;
	if (sel && found.t <= app.scene.hideFuture) {
		const [a, b] = app.extent(sel);
		if (sel.k === "slice") {
			const v = m.cpus[sel.cpu]!.lane.val[sel.i]!;
			text = `${v === UNKNOWN ? "unknown: events are missing" : v === OFFLINE ? "not online" : app.q.label(v)} · ${duration(b - a)}`;
		} else if (sel.k === "state")
			text = `${app.q.label(sel.task)} ${STATE_NAMES[stateOf(m.tasks[sel.task]!.lane.val[sel.i]!)]} · ${duration(b - a)}`;
		else if (sel.k === "dec")
			text = `decision #${sel.i + 1}`;
		else if (sel.k === "flag")
			text = m.flags[sel.i]!.text;
		else if (sel.k === "queue")
			text = `${app.q.queueAt(sel.t, sel.cpu).map((e) => app.q.label(e.task)).join(", ") || "nobody"} in the run queue`;
		else if (sel.k === "stack")
			text = `${stackText(app.q, m.stacks[sel.stack]!.lane.val[sel.i]!)} · ${duration(b - a)}`;
		else
			text = m.locks[sel.lock]!.lane.val[sel.i] ? `held by ${app.q.label(m.locks[sel.lock]!.lane.val[sel.i]!)} · ${duration(b - a)}` : "free";
	}
	app.tip.textContent = text;
	const right = p.x > app.painter.width - 260;
	app.tip.style.left = right ? "" : `${p.x + 14}px`;
	app.tip.style.right = right ? `${app.painter.width - p.x + 14}px` : "";
	app.tip.style.top = `${p.y + 16}px`;
}
