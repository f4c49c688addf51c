/** Elements from code. Text is always text: nothing in a trace becomes markup. */
export type Child = Node | string | number | undefined | false;

export function el(tag: string, attrs: Record<string, string | boolean | ((e: Event) => void)> = {}, ...children: Child[]): HTMLElement {
	const out = document.createElement(tag);
	if (tag === "button")
		out.setAttribute("type", "button");
	for (const [k, v] of Object.entries(attrs)) {
		if (typeof v === "function")
			out.addEventListener(k, v);
		else if (v === true)
			out.setAttribute(k, "");
		else if (v !== false)
			out.setAttribute(k, v);
	}
	for (const c of children)
		if (c !== undefined && c !== false)
			out.append(c instanceof Node ? c : String(c));
	return out;
}

/** Columns of numbers stand to the right; what is text, and last, may take several lines. */
export function table(caption: string, head: string[], body: Child[][], rowAttrs: (i: number) => Record<string, string | boolean | ((e: Event) => void)> = () => ({})): HTMLElement {
	const numeric = head.map((_, k) => body.length > 0 && body.every((row) => typeof row[k] === "number" || (typeof row[k] === "string" && /^([-+\d]|–$)[\d.,]*( [%nmµ]?s?)?$/.test(row[k] as string))));
	const cls = (k: number): Record<string, string> => numeric[k] ? {class: "n"} : k === head.length - 1 ? {class: "text"} : {};
	const rows = body.map((row, i) => el("tr", rowAttrs(i), ...row.map((c, k) => el("td", cls(k), c))));
	const keep = el("button", {class: "csv", title: "save as CSV", "aria-label": `${caption}: save as CSV`,
		click: () => save(`${caption.toLowerCase().replace(/\W+/g, "-")}.csv`, csv(head, rows.map((r) => [...r.children].map((c) => c.textContent!.replace(/^✔ /, "")))), "text/csv")}, "⤓");
	return el("table", {}, el("caption", {class: "sr"}, caption), el("thead", {}, el("tr", {}, ...head.map((h, k) => el("th", {scope: "col", ...cls(k)}, h, k === head.length - 1 && keep)))), el("tbody", {}, ...rows));
}

export function save(name: string, data: BlobPart, type: string): void {
	const a = document.createElement("a");
	a.href = URL.createObjectURL(new Blob([data], {type}));
	a.download = name;
	a.click();
	setTimeout(() => URL.revokeObjectURL(a.href), 10_000);
}

export function csv(head: string[], rows: (string | number)[][]): string {
	/* A cell that a spreadsheet would run as a formula is made text. */
	const cell = (v: string | number): string => {
		const s = typeof v === "string" && /^[=+@-]/.test(v) ? `'${v}` : String(v);
		return /[",\n]/.test(s) ? `"${s.replace(/"/g, '""')}"` : s;
	};
	return [head, ...rows].map((r) => r.map(cell).join(",")).join("\r\n") + "\r\n";
}
