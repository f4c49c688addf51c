/** Questions, help and notes. */
import type {App} from "./main.js";
import {el, save} from "./dom.js";
import {KEYS} from "./keys.js";
import {instant} from "./time.js";

export function ask(app: App, title: string, value: string, done: (text: string) => void, hint = ""): void {
	const input = el("input", {type: "text", "aria-label": title}) as HTMLInputElement;
	input.value = value;
	const dialog = el("dialog", {"aria-label": title}, el("form", {method: "dialog"}, el("h2", {}, title), input, hint ? el("p", {class: "sub"}, hint) : undefined,
		el("div", {class: "buttons"}, el("button", {click: () => dialog.close()}, "Cancel"), el("button", {type: "submit", value: "ok"}, "OK")))) as HTMLDialogElement;
	document.body.append(dialog);
	dialog.addEventListener("close", () => {
		if (dialog.returnValue === "ok")
			done(input.value);
		dialog.remove();
		app.canvas.focus();
	});
	dialog.showModal();
	input.select();
}

export function help(): void {
	const dialog = el("dialog", {"aria-label": "Keys"}, el("h2", {}, "Keys"), el("dl", {}, ...KEYS.flatMap(([k, what]) => [el("dt", {}, ...k.split(" ").flatMap((x) => [el("kbd", {}, x), " "])), el("dd", {}, what)])),
		el("p", {class: "sub"}, "Wheel: scroll the lanes, with Ctrl zoom, with Shift pan. Drag pans, Shift and drag marks a range. Double click fits. On a touch screen drag and pinch."),
		el("div", {class: "buttons"}, el("button", {click: () => dialog.close()}, "Close"))) as HTMLDialogElement;
	dialog.addEventListener("close", () => dialog.remove());
	document.body.append(dialog);
	dialog.showModal();
}

export function addNote(app: App): void {
	const t = app.scene.sel ? app.extent(app.scene.sel)[0] : (app.scene.t0 + app.scene.t1) / 2;
	ask(app, `Note at ${instant(t)}`, "", (text) => {
		if (text.trim())
			app.scene.notes.push({time: t, text: text.trim().slice(0, 500)});
		app.redraw();
	}, "Export, Notes saves them as notes.json; beside the trace's files they open with it.");
}

export function saveNotes(app: App): void {
	save("notes.json", JSON.stringify(app.scene.notes, null, "\t") + "\n", "application/json");
}

export function readNotes(text: string | undefined): {time: number; text: string}[] {
	try {
		const list: unknown = JSON.parse(text ?? "[]");
		return Array.isArray(list) ? list.filter((n): n is {time: number; text: string} => typeof n?.time === "number" && typeof n?.text === "string").slice(0, 1000) : [];
	} catch {
		return [];
	}
}
