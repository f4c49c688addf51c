/** The page: loads a trace, keeps the view, and ties canvas, panel, dock, keys and URL together. */
import {checksTab, eventsTab, histogramTab, matchesTab, statsTab} from "./dock.js";
import {el, save} from "./dom.js";
import {parse, matches, type Filter} from "./filter.js";
import {upper} from "./grow.js";
import {KEYS} from "./keys.js";
import type {Problem} from "./input.js";
import {IDLE, OFFLINE, S, STATE_NAMES, UNKNOWN, stateOf, type Model} from "./model.js";
import {panel} from "./panels.js";
import {Query} from "./query.js";
import {CLOSED_AT_FIRST, rows, type Row} from "./rows.js";
import {AXIS, GUTTER, Painter, overview, type Scene, type Sel} from "./scene.js";
import {DARK, LIGHT, cssOf} from "./theme.js";
import {duration, instant, parseTime} from "./time.js";
import {EXTRA_TABS, MENU, type Extra} from "./extras.js";
import type {Ask} from "./worker.js";

const TABS = ["events", "range", "histogram", "matches", "checks", ...EXTRA_TABS.map((t) => t.id)];
const TAB_NAMES: Record<string, string> = {events: "Events", range: "Range", histogram: "Histograms", matches: "Matches", checks: "Checks",
	...Object.fromEntries(EXTRA_TABS.map((t) => [t.id, t.name]))};
const MIN_SPAN_NS = 20;

export class App implements Extra {
	q!: Query;
	scene!: Scene;
	filter!: Filter;
	painter!: Painter;
	other: Query | undefined;
	tab = "";
	side = true;
	playing = false;
	quiz: {index: number; answered: number | undefined; score: string} | undefined;
	teaching = false;
	score = {right: 0, asked: 0};
	frames: number[] = [];
	private playTimer = 0;
	private row = -1;
	private dirty = false;
	private readonly cache: {key: string; data: ImageData | undefined} = {key: "", data: undefined};
	private readonly root = document.getElementById("app")!;
	private readonly canvas = el("canvas", {tabindex: "0", role: "application", "aria-label": "Timeline", id: "timeline"}) as HTMLCanvasElement;
	private readonly over = el("canvas", {"aria-hidden": "true"}) as HTMLCanvasElement;
	private readonly aside = el("aside", {"aria-label": "Selection", tabindex: "0"});
	private readonly dockBody = el("div", {class: "dockbody", role: "tabpanel", tabindex: "0", "aria-label": "Details"});
	private readonly tabBar = el("div", {class: "tabs", role: "tablist", "aria-label": "Details"});
	private readonly input = el("input", {type: "text", "aria-label": "Filter", spellcheck: "false", autocomplete: "off", id: "filter",
		placeholder: "filter: imu state=ready dur>500us   class=edf missed   rule=first_come"}) as HTMLInputElement;
	private readonly inputError = el("output", {"aria-live": "polite"});
	private readonly live = el("div", {class: "sr", "aria-live": "polite", id: "live"});
	private readonly grid = el("div", {class: "grid-wrap"});
	private readonly tip = el("div", {class: "tip"});
	private readonly title = el("h1", {}, "Fermata");
	private readonly chips = el("span", {});
	private readonly view = el("div", {class: "view"});
	private readonly drop = el("div", {class: "drop"});

	/** @param source the page's own script, which is the worker's too */
	constructor(private readonly source: string) {
		const hash = this.hash();
		this.scene = {theme: this.preferred(hash.get("theme")), rows: [], t0: 0, t1: 1, scroll: 0, sel: undefined, task: 0, range: undefined, hover: undefined,
			notes: [], pins: new Set(), closed: new Set(CLOSED_AT_FIRST), wants: undefined, hideFuture: Infinity} as unknown as Scene;
		this.layout();
		this.applyTheme();
		this.painter = new Painter(this.canvas);
		this.listen();
		const embedded = document.getElementById("trace");
		if (embedded) {
			this.load({base64: embedded.textContent ?? "", name: embedded.dataset["name"] ?? "trace"});
			embedded.remove();
		} else {
			this.welcome();
		}
	}

	/* ---- page ---- */

	private preferred(name: string | null): typeof DARK {
		const light = name ? name === "light" : window.matchMedia("(prefers-color-scheme: light)").matches;
		return light ? LIGHT : DARK;
	}

	private applyTheme(): void {
		document.documentElement.style.cssText = `${cssOf(this.scene.theme)};color-scheme:${this.scene.theme.name}`;
	}

	private layout(): void {
		const button = (text: string, f: () => void, attrs: Record<string, string> = {}): HTMLElement => el("button", {type: "button", click: f, ...attrs}, text);
		const menu = el("div", {class: "menu"});
		const toggle = button("Export ▾", () => menu.classList.toggle("open"), {"aria-haspopup": "true"});
		menu.append(toggle, el("div", {}, ...MENU.map((m) => button(m.name, () => {
			menu.classList.remove("open");
			if (this.q)
				m.run(this);
		}))));
		document.addEventListener("pointerdown", (e) => {
			if (!menu.contains(e.target as Node))
				menu.classList.remove("open");
		});
		const header = el("header", {}, this.title, this.chips, el("div", {class: "filter"}, this.input, this.inputError),
			button("Open…", () => this.pick()), button("Compare…", () => this.pick(true), {class: "wide"}), menu,
			button("Link", () => void this.copyLink(), {class: "wide"}), button("Learn", () => this.toggleTeaching(), {id: "learn", "aria-pressed": "false"}),
			button("?", () => this.help(), {"aria-label": "Keys and help"}));
		const legend = (cls: string, text: string): HTMLElement => el("span", {class: "legend"}, el("i", {class: `l-${cls}`}), text);
		this.view.append(this.canvas, this.grid, this.tip, this.drop);
		this.root.append(header, el("div", {class: "over"}, this.over), el("main", {class: "view-main", style: "display:contents"}, this.view), this.aside,
			el("div", {class: "dock"}, this.tabBar, this.dockBody),
			el("footer", {}, legend("running", "running"), legend("ready", "ready"), legend("preempted", "preempted"), legend("waiting", "waiting"), legend("irq", "interrupt"),
				legend("unknown", "unknown"), el("span", {}, "▲ release  ▽ deadline  ◆ decision  ◇ without rivals  → woke"), el("span", {class: "keys"}, "W S zoom · A D pan · [ ] decisions · J K lanes · / filter · ? keys")), this.live);
		for (const tab of TABS)
			this.tabBar.append(el("button", {type: "button", role: "tab", id: `tab-${tab}`, "aria-selected": "false", click: () => this.openTab(this.tab === tab ? "" : tab)}, TAB_NAMES[tab]!));
	}

	private welcome(error = ""): void {
		this.drop.hidden = false;
		this.drop.style.display = "";
		this.drop.replaceChildren(el("div", {}, el("h2", {}, "Open a Fermata trace"),
			el("p", {}, "Drop a trace folder, one of its files, a tar archive or gz of these here. Nothing leaves this page."),
			el("div", {class: "buttons"}, el("button", {type: "button", click: () => this.pick(false, true)}, "Choose a folder…"), el("button", {type: "button", click: () => this.pick()}, "Choose files…")),
			el("p", {class: "sub"}, "make trace writes one, and a copy of this page with the trace inside."), error ? el("p", {class: "error", role: "alert"}, error) : undefined));
	}

	private pick(compare = false, folder = false): void {
		const input = el("input", {type: "file", multiple: true}) as HTMLInputElement;
		if (folder)
			input.setAttribute("webkitdirectory", "");
		input.addEventListener("change", () => {
			const files = [...input.files ?? []].map((file) => ({name: file.webkitRelativePath || file.name, file}));
			if (files.length)
				this.load({files}, compare);
		});
		input.id = compare ? "pick-compare" : "pick";
		input.style.display = "none";
		document.getElementById(input.id)?.remove();
		document.body.append(input);
		input.click();
	}

	/* ---- loading ---- */

	load(ask: Ask, compare = false): void {
		if (!compare) {
			this.drop.style.display = "";
			this.drop.replaceChildren(el("div", {}, el("h2", {}, "Reading…")));
		}
		const begin = performance.now();
		const worker = new Worker(URL.createObjectURL(new Blob([this.source], {type: "text/javascript"})));
		worker.onerror = (e) => this.welcome(`The reader stopped: ${e.message}`);
		worker.onmessage = (e: MessageEvent<{model?: Model; error?: string}>) => {
			worker.terminate();
			if (!e.data.model)
				this.welcome(`The trace could not be read: ${e.data.error}`);
			else if (!e.data.model.cpus.length)
				this.welcome(`Nothing of this could be read as a trace.\n${problemText(e.data.model.problems)}`);
			else if (compare)
				this.compareWith(e.data.model);
			else
				this.show(e.data.model);
			document.documentElement.dataset["readyMs"] = String(Math.round(performance.now() - begin));
			document.documentElement.dataset["state"] = e.data.model?.cpus.length ? "ready" : "error";
		};
		worker.postMessage(ask);
	}

	private compareWith(m: Model): void {
		this.other = new Query(m);
		this.openTab("compare");
	}

	private show(m: Model): void {
		this.q = new Query(m);
		this.drop.style.display = "none";
		const s = this.scene;
		s.q = this.q;
		s.t0 = m.t0;
		s.t1 = m.t1;
		s.sel = undefined;
		s.range = undefined;
		s.notes = readNotes(m.texts.get("notes.json"));
		this.cache.key = "";
		const name = m.about.name || [m.about.board, m.about.seed && `seed ${m.about.seed}`].filter(Boolean).join(" · ");
		document.title = name ? `${name} – Fermata trace` : "Fermata trace";
		const classes = [...new Set(m.tasks.slice(1).map((t) => t.cls))].filter((c) => c >= 0);
		this.chips.replaceChildren(el("span", {class: "chip"}, `${name} · ${m.cpus.length} CPUs`), " ", el("span", {class: "chip"}, `${classes.length} classes, ${m.tasks.length - 1} tasks`));
		this.fromHash();
		this.setFilter(this.input.value);
		this.openTab(this.tab || (m.problems.length ? "checks" : ""));
		this.select(s.sel, false);
		this.row = s.rows.findIndex((r) => r.kind === "cpu");
		this.canvas.focus({preventScroll: true});
		this.redraw();
	}

	/* ---- view ---- */

	redraw(): void {
		if (this.dirty || !this.q)
			return;
		this.dirty = true;
		requestAnimationFrame(() => {
			this.dirty = false;
			const begin = performance.now();
			const box = this.view.getBoundingClientRect();
			this.painter.resize(box.width, box.height, devicePixelRatio);
			this.painter.draw(this.scene);
			const over = this.over.getBoundingClientRect();
			overview(this.over, this.scene, Math.min(2, devicePixelRatio), over.width, over.height, this.cache);
			this.frames.push(performance.now() - begin);
			if (this.frames.length > 600)
				this.frames.shift();
			this.saveHash();
		});
	}

	private lay(): void {
		const s = this.scene;
		s.rows = rows(this.q, s.closed, s.pins, this.filter.task);
		this.scrollTo(s.scroll);
	}

	private scrollTo(y: number): void {
		const last = this.scene.rows[this.scene.rows.length - 1];
		const total = last ? last.y + last.h : 0;
		this.scene.scroll = Math.max(0, Math.min(y, total - (this.view.clientHeight - AXIS) + 12));
		this.redraw();
	}

	setView(t0: number, t1: number): void {
		const {m} = this.q;
		const all = (m.t1 - m.t0) * 1.04;
		let span = Math.min(Math.max(t1 - t0, MIN_SPAN_NS), all);
		const mid = (t0 + t1) / 2;
		if (span !== t1 - t0)
			t0 = mid - span / 2;
		t0 = Math.max(m.t0 - all * 0.02, Math.min(t0, m.t1 + all * 0.02 - span));
		this.scene.t0 = t0;
		this.scene.t1 = t0 + span;
		this.redraw();
		this.refreshDockSoon();
	}

	zoom(factor: number, at: number): void {
		const {t0, t1} = this.scene;
		this.setView(at - (at - t0) * factor, at + (t1 - at) * factor);
	}

	pan(share: number): void {
		const d = (this.scene.t1 - this.scene.t0) * share;
		this.setView(this.scene.t0 + d, this.scene.t1 + d);
	}

	goTime(t: number): void {
		const {t0, t1} = this.scene;
		if (t < t0 + (t1 - t0) * 0.1 || t > t1 - (t1 - t0) * 0.1)
			this.setView(t - (t1 - t0) / 2, t + (t1 - t0) / 2);
		this.redraw();
	}

	span(): [number, number] {
		return this.scene.range ?? [this.scene.t0, this.scene.t1];
	}

	get task(): number {
		return this.scene.task;
	}

	/* ---- selection ---- */

	go(sel: Sel): void {
		this.select(sel);
		const [a, b] = this.extent(sel);
		const {t0, t1} = this.scene;
		if (a < t0 || b > t1) {
			const span = Math.max(t1 - t0, (b - a) * 1.5);
			this.setView((a + b) / 2 - span / 2, (a + b) / 2 + span / 2);
		}
		const row = this.scene.rows.findIndex((r) => (sel.k === "state" && r.kind === "task" && r.index === sel.task) || (sel.k === "slice" && r.kind === "cpu" && r.index === sel.cpu) ||
			(sel.k === "dec" && r.kind === "cpu" && this.q.m.cpus[r.index]!.cpu === this.q.m.decisions.cpu[sel.i]));
		if (row >= 0) {
			this.row = row;
			this.reveal(this.scene.rows[row]!);
		}
	}

	private reveal(r: Row): void {
		const h = this.view.clientHeight - AXIS;
		if (r.y < this.scene.scroll)
			this.scrollTo(r.y - 24);
		else if (r.y + r.h > this.scene.scroll + h)
			this.scrollTo(r.y + r.h - h + 8);
	}

	private extent(sel: Sel): [number, number] {
		const {m} = this.q;
		const step = (start: Float64Array, i: number): [number, number] => [start[i]!, start[i + 1] ?? m.t1];
		switch (sel.k) {
		case "dec": return [m.decisions.time[sel.i]!, m.decisions.time[sel.i]!];
		case "flag": return [m.flags[sel.i]!.time, m.flags[sel.i]!.time];
		case "queue": return [sel.t, sel.t];
		case "slice": return step(m.cpus[sel.cpu]!.lane.start, sel.i);
		case "state": return step(m.tasks[sel.task]!.lane.start, sel.i);
		case "lock": return step(m.locks[sel.lock]!.lane.start, sel.i);
		}
	}

	/** A selection that the trace does not have is none. */
	private valid(sel: Sel | undefined): Sel | undefined {
		if (!sel)
			return undefined;
		const {m} = this.q;
		const within = (n: number, i: number): boolean => Number.isInteger(i) && i >= 0 && i < n;
		const ok = sel.k === "dec" ? within(m.decisions.time.length, sel.i) : sel.k === "flag" ? within(m.flags.length, sel.i)
			: sel.k === "slice" ? within(m.cpus.length, sel.cpu) && within(m.cpus[sel.cpu]!.lane.start.length, sel.i)
			: sel.k === "state" ? within(m.tasks.length, sel.task) && within(m.tasks[sel.task]!.lane.start.length, sel.i)
			: sel.k === "lock" ? within(m.locks.length, sel.lock) && within(m.locks[sel.lock]!.lane.start.length, sel.i) : Number.isFinite(sel.t);
		return ok ? sel : undefined;
	}

	select(sel: Sel | undefined, say = true): void {
		const s = this.scene;
		s.sel = sel = this.valid(sel);
		s.task = 0;
		if (sel?.k === "state")
			s.task = sel.task;
		if (sel?.k === "slice") {
			const v = this.q.m.cpus[sel.cpu]!.lane.val[sel.i]!;
			s.task = v === UNKNOWN || v === OFFLINE || v === IDLE ? 0 : v;
		}
		if (this.teaching && sel?.k === "dec" && this.quiz?.index !== sel.i && this.q.m.decisions.flags[sel.i]! & 1)
			this.quiz = {index: sel.i, answered: undefined, score: this.scoreText()};
		s.hideFuture = this.teaching && this.quiz?.answered === undefined && sel?.k === "dec" && this.quiz?.index === sel.i ? this.q.m.decisions.time[sel.i]! : Infinity;
		this.aside.replaceChildren(...panel(this, sel));
		for (const i of this.aside.querySelectorAll<HTMLElement>("[data-w]"))
			i.style.width = `${Number(i.dataset["w"]) * 100}%`;
		if (say)
			this.live.textContent = this.aside.querySelector("h2")?.textContent + ". " + (this.aside.querySelector(".why, .sub")?.textContent ?? "");
		this.mirror();
		this.refreshDockSoon();
		this.redraw();
	}

	step(by: number): void {
		const d = this.q.m.decisions;
		const sel = this.scene.sel;
		const row = this.scene.rows[this.row];
		const cpu = row?.kind === "cpu" && this.rowChosen ? this.q.m.cpus[row.index]!.cpu : -1;
		let i = sel?.k === "dec" ? sel.i + by : by > 0 ? upper(d.time, sel ? this.extent(sel)[0] : this.scene.t0) : upper(d.time, sel ? this.extent(sel)[0] : this.scene.t1) - 1;
		while (i >= 0 && i < d.time.length && ((cpu >= 0 && d.cpu[i] !== cpu) || (this.filter.hasDecision && !this.filter.decision(i)) || (this.teaching && !(d.flags[i]! & 1))))
			i += by;
		if (i >= 0 && i < d.time.length)
			this.go({k: "dec", i});
		else
			this.live.textContent = by > 0 ? "This was the last decision." : "This was the first decision.";
	}
	/** Whether the user went to a lane with J or K, so that [ and ] keep to its CPU. */
	private rowChosen = false;

	play(): void {
		this.playing = !this.playing;
		clearInterval(this.playTimer);
		if (this.playing)
			this.playTimer = window.setInterval(() => {
				const before = this.scene.sel;
				this.step(1);
				if (this.scene.sel === before)
					this.play();
			}, 900);
		this.select(this.scene.sel, false);
	}

	private stepLane(by: number): void {
		const row = this.scene.rows[this.row];
		const sel = this.scene.sel;
		if (!row)
			return;
		if (row.kind === "cpu") {
			const n = this.q.m.cpus[row.index]!.lane.start.length;
			const i = sel?.k === "slice" && sel.cpu === row.index ? sel.i + by : this.q.lod(this.q.m.cpus[row.index]!.lane, "cpu").at((this.scene.t0 + this.scene.t1) / 2);
			if (i >= 0 && i < n)
				this.go({k: "slice", cpu: row.index, i});
		} else if (row.kind === "task" || row.kind === "async" || row.kind === "slack") {
			const n = this.q.m.tasks[row.index]!.lane.start.length;
			const i = sel?.k === "state" && sel.task === row.index ? sel.i + by : this.q.stateAt(row.index, (this.scene.t0 + this.scene.t1) / 2).i;
			if (i >= 0 && i < n)
				this.go({k: "state", task: row.index, i});
		}
	}

	private moveRow(by: number): void {
		let i = this.row;
		do
			i += by;
		while (this.scene.rows[i]?.kind === "head");
		const r = this.scene.rows[i];
		if (!r)
			return;
		this.row = i;
		this.rowChosen = true;
		this.reveal(r);
		this.live.textContent = `Lane ${r.label}`;
		this.scene.task = r.kind === "task" || r.kind === "async" ? r.index : this.scene.task;
		this.mirror();
		this.redraw();
	}

	private fit(): void {
		const sel = this.scene.sel;
		const {m} = this.q;
		if (this.scene.range)
			this.setView(...this.scene.range);
		else if (sel) {
			const [a, b] = this.extent(sel);
			const margin = Math.max((b - a) * 0.2, 5000);
			if (Math.abs(this.scene.t0 - (a - margin)) > 1)
				return this.setView(a - margin, b + margin);
		}
		if (!this.scene.range)
			this.setView(m.t0, m.t1);
	}

	/* ---- filter, teaching, tabs ---- */

	setFilter(text: string): void {
		this.filter = parse(this.q, text);
		this.inputError.textContent = this.filter.error;
		this.input.setAttribute("aria-invalid", String(this.filter.error !== ""));
		const f = this.filter;
		this.scene.wants = f.hasStep ? (task, val, from, to, cpu) => f.step(task, val & 15 ? val : S.running, from, to, cpu) : undefined;
		this.lay();
		if (f.text && this.tab === "")
			this.openTab(f.hasDecision || f.hasStep || f.hasEvent ? "matches" : "");
		this.refreshDock();
	}

	private nextMatch(): void {
		const f = this.filter;
		if (f.hasDecision || !f.text)
			return this.step(1);
		const at = this.scene.sel ? this.extent(this.scene.sel)[0] : this.scene.t0 - 1;
		const list = matches(this.q, f, 5000);
		const next = list.find((m) => m.from > at) ?? list[0];
		if (next)
			this.go({k: "state", task: next.task, i: next.i});
		else
			this.live.textContent = "Nothing matches the filter.";
	}

	private scoreText(): string {
		return `${this.score.right} of ${this.score.asked} right so far.`;
	}

	toggleTeaching(): void {
		this.teaching = !this.teaching;
		document.getElementById("learn")!.setAttribute("aria-pressed", String(this.teaching));
		this.score = {right: 0, asked: 0};
		this.quiz = undefined;
		if (this.teaching)
			this.step(1);
		else
			this.select(this.scene.sel);
	}

	answer(task: number): void {
		if (!this.quiz || this.quiz.answered !== undefined)
			return;
		const i = this.quiz.index;
		const word = this.q.m.decisions.word[i]!;
		const cands = this.q.fields(word)["candidates"] as Record<string, number>[];
		const chosen = this.q.taskOf(cands[this.q.m.raw[word * 4 + 14]!]?.["tid"] ?? 0);
		this.score.asked++;
		if (chosen === task)
			this.score.right++;
		this.quiz = {index: i, answered: task, score: this.scoreText()};
		this.select(this.scene.sel);
		this.aside.focus();
	}

	openTab(tab: string): void {
		this.tab = TABS.includes(tab) ? tab : "";
		for (const b of this.tabBar.querySelectorAll("[role=tab]"))
			b.setAttribute("aria-selected", String(b.id === `tab-${this.tab}`));
		this.dockBody.style.display = this.tab ? "" : "none";
		this.refreshDock();
		this.redraw();
	}

	private dockTimer = 0;
	private refreshDockSoon(): void {
		clearTimeout(this.dockTimer);
		this.dockTimer = window.setTimeout(() => this.refreshDock(), 120);
	}

	refreshDock(): void {
		if (!this.q || !this.tab)
			return;
		const make: Record<string, () => HTMLElement> = {events: () => eventsTab(this), range: () => statsTab(this), histogram: () => histogramTab(this), matches: () => matchesTab(this),
			checks: () => checksTab(this), ...Object.fromEntries(EXTRA_TABS.map((t) => [t.id, () => t.make(this)]))};
		this.dockBody.replaceChildren(make[this.tab]!());
		for (const i of this.dockBody.querySelectorAll<HTMLElement>("[data-h]"))
			i.style.height = `${Number(i.dataset["h"]) * 100}px`;
	}

	/* ---- for screen readers: the chosen lane as a grid ---- */

	private mirror(): void {
		const row = this.scene.rows[this.row];
		if (!row || !this.q)
			return;
		const {m} = this.q;
		const lane = row.kind === "cpu" ? m.cpus[row.index]!.lane : row.kind === "lock" ? m.locks[row.index]!.lane : row.kind === "stack" ? m.stacks[row.index]!.lane : row.kind === "queue" ? m.queue : m.tasks[row.index]?.lane;
		if (!lane)
			return;
		const first = Math.max(0, upper(lane.start, this.scene.t0) - 1);
		const name = (v: number): string => row.kind === "cpu" || row.kind === "lock" ? v === UNKNOWN ? "unknown" : v === OFFLINE ? "not online" : this.q.label(v)
			: row.kind === "stack" ? !v ? "free" : v >= 0x80000000 ? `${this.q.label(v & 0x7fffffff)} frozen` : `CPU ${v - 1}` : row.kind === "queue" ? `${(v & 1023) + (v >>> 10 & 1023) + (v >>> 20)} waiting` : STATE_NAMES[stateOf(v)]!;
		const body: HTMLElement[] = [];
		for (let i = first; i < lane.start.length && i < first + 40 && lane.start[i]! < this.scene.t1; i++)
			body.push(el("tr", {role: "row"}, el("td", {role: "gridcell", tabindex: body.length ? "-1" : "0"}, instant(lane.start[i]!)), el("td", {role: "gridcell", tabindex: "-1"}, name(lane.val[i]!)),
				el("td", {role: "gridcell", tabindex: "-1"}, duration((lane.start[i + 1] ?? m.t1) - lane.start[i]!))));
		this.grid.replaceChildren(el("table", {role: "grid", "aria-label": `${row.label}, ${body.length} steps in view`, keydown: (e) => this.gridKey(e as KeyboardEvent)},
			el("thead", {}, el("tr", {role: "row"}, ...["from", "what", "for"].map((h) => el("th", {role: "columnheader", scope: "col"}, h)))), el("tbody", {}, ...body)));
		this.canvas.setAttribute("aria-label", `Timeline from ${instant(this.scene.t0)} to ${instant(this.scene.t1)}, lane ${row.label}`);
	}

	private gridKey(e: KeyboardEvent): void {
		const cell = e.target as HTMLElement;
		const tr = cell.parentElement;
		const to = e.key === "ArrowDown" ? tr?.nextElementSibling?.children[(cell as HTMLTableCellElement).cellIndex] : e.key === "ArrowUp" ? tr?.previousElementSibling?.children[(cell as HTMLTableCellElement).cellIndex]
			: e.key === "ArrowRight" ? cell.nextElementSibling : e.key === "ArrowLeft" ? cell.previousElementSibling : undefined;
		if (to instanceof HTMLElement) {
			to.focus();
			e.preventDefault();
			e.stopPropagation();
		} else if (e.key === "Escape") {
			this.canvas.focus();
		}
	}

	/* ---- URL ---- */

	private hash(): URLSearchParams {
		return new URLSearchParams(location.hash.slice(1));
	}

	private hashTimer = 0;
	private saveHash(): void {
		clearTimeout(this.hashTimer);
		this.hashTimer = window.setTimeout(() => history.replaceState(null, "", `#${this.link()}`), 250);
	}

	link(): string {
		const s = this.scene;
		const p = new URLSearchParams();
		p.set("t", `${Math.round(s.t0)}-${Math.round(s.t1)}`);
		if (s.sel)
			p.set("sel", s.sel.k + ":" + (s.sel.k === "slice" ? [s.sel.cpu, s.sel.i] : s.sel.k === "state" ? [s.sel.task, s.sel.i] : s.sel.k === "lock" ? [s.sel.lock, s.sel.i] : s.sel.k === "queue" ? [s.sel.t] : [s.sel.i]).join(","));
		if (s.range)
			p.set("range", s.range.map(Math.round).join("-"));
		if (this.filter.text)
			p.set("q", this.filter.text);
		if (s.pins.size)
			p.set("pins", [...s.pins].join(","));
		const toggled = [...new Set([...s.closed, ...CLOSED_AT_FIRST])].filter((g) => s.closed.has(g) !== CLOSED_AT_FIRST.includes(g));
		if (toggled.length)
			p.set("groups", toggled.join(","));
		if (this.tab)
			p.set("tab", this.tab);
		if (!this.side)
			p.set("side", "0");
		if (s.scroll)
			p.set("y", String(Math.round(s.scroll)));
		p.set("theme", s.theme.name);
		return p.toString();
	}

	private fromHash(): void {
		const p = this.hash();
		const s = this.scene;
		const pair = (text: string | null): [number, number] | undefined => {
			const m = /^(-?\d+)-(-?\d+)$/.exec(text ?? "");
			return m && Number(m[2]) > Number(m[1]) ? [Number(m[1]), Number(m[2])] : undefined;
		};
		const t = pair(p.get("t"));
		if (t)
			this.setView(...t);
		s.range = pair(p.get("range"));
		const sel = /^(dec|slice|state|lock|flag|queue):([\d.]+)(?:,(\d+))?$/.exec(p.get("sel") ?? "");
		if (sel) {
			const [a, b] = [Number(sel[2]), Number(sel[3])];
			s.sel = sel[1] === "slice" ? {k: "slice", cpu: a, i: b} : sel[1] === "state" ? {k: "state", task: a, i: b} : sel[1] === "lock" ? {k: "lock", lock: a, i: b}
				: sel[1] === "queue" ? {k: "queue", t: a} : {k: sel[1] as "dec" | "flag", i: a};
		}
		this.input.value = p.get("q") ?? "";
		s.pins = new Set((p.get("pins") ?? "").split(",").map(Number).filter((i) => i > 0 && i < this.q.m.tasks.length));
		for (const g of (p.get("groups") ?? "").split(",").filter(Boolean))
			if (!s.closed.delete(g))
				s.closed.add(g);
		this.tab = p.get("tab") ?? "";
		this.setSide(p.get("side") !== "0");
		s.scroll = Number(p.get("y") ?? 0) || 0;
	}

	private async copyLink(): Promise<void> {
		history.replaceState(null, "", `#${this.link()}`);
		try {
			await navigator.clipboard.writeText(location.href);
			this.live.textContent = "The link to this view is in the clipboard.";
		} catch {
			this.ask("Link to this view", location.href, () => undefined);
		}
	}

	private setSide(on: boolean): void {
		this.side = on;
		this.root.classList.toggle("noside", !on);
		this.redraw();
	}

	/* ---- dialogs ---- */

	ask(title: string, value: string, done: (text: string) => void, hint = ""): void {
		const input = el("input", {type: "text", "aria-label": title}) as HTMLInputElement;
		input.value = value;
		const dialog = el("dialog", {"aria-label": title}, el("form", {method: "dialog"}, el("h2", {}, title), input, hint ? el("p", {class: "sub"}, hint) : undefined,
			el("div", {class: "buttons"}, el("button", {type: "button", click: () => dialog.close()}, "Cancel"), el("button", {type: "submit", value: "ok"}, "OK")))) as HTMLDialogElement;
		document.body.append(dialog);
		dialog.addEventListener("close", () => {
			if (dialog.returnValue === "ok")
				done(input.value);
			dialog.remove();
			this.canvas.focus();
		});
		dialog.showModal();
		input.select();
	}

	help(): void {
		const dialog = el("dialog", {"aria-label": "Keys"}, el("h2", {}, "Keys"), el("dl", {}, ...KEYS.flatMap(([k, what]) => [el("dt", {}, ...k.split(" ").flatMap((x) => [el("kbd", {}, x), " "])), el("dd", {}, what)])),
			el("p", {class: "sub"}, "Wheel: scroll the lanes, with Ctrl zoom, with Shift pan. Drag pans, Shift and drag marks a range. Double click fits. On a touch screen drag and pinch."),
			el("div", {class: "buttons"}, el("button", {type: "button", click: () => dialog.close()}, "Close"))) as HTMLDialogElement;
		dialog.addEventListener("close", () => dialog.remove());
		document.body.append(dialog);
		dialog.showModal();
	}

	addNote(): void {
		const t = this.scene.sel ? this.extent(this.scene.sel)[0] : (this.scene.t0 + this.scene.t1) / 2;
		this.ask(`Note at ${instant(t)}`, "", (text) => {
			if (text.trim())
				this.scene.notes.push({time: t, text: text.trim().slice(0, 500)});
			this.redraw();
		}, "Export, Notes saves them as notes.json; beside the trace's files they open with it.");
	}

	saveNotes(): void {
		save("notes.json", JSON.stringify(this.scene.notes, null, "\t") + "\n", "application/json");
	}

	/* ---- input ---- */

	private listen(): void {
		new ResizeObserver(() => this.redraw()).observe(this.view);
		this.input.addEventListener("input", () => this.q && this.setFilter(this.input.value));
		this.input.addEventListener("keydown", (e) => {
			if (e.key === "Escape" || e.key === "Enter") {
				if (e.key === "Enter" && this.q)
					this.nextMatch();
				this.canvas.focus();
				e.preventDefault();
			}
			e.stopPropagation();
		});
		document.addEventListener("keydown", (e) => this.key(e));
		this.pointer();
		this.brush();
		for (const name of ["dragover", "drop"])
			document.addEventListener(name, (e) => e.preventDefault());
		document.addEventListener("drop", (e) => void this.dropped(e as DragEvent));
		window.addEventListener("hashchange", () => {
			if (this.q) {
				this.fromHash();
				this.setFilter(this.input.value);
				this.select(this.scene.sel, false);
			}
		});
	}

	private async dropped(e: DragEvent): Promise<void> {
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
			this.load({files});
	}

	private key(e: KeyboardEvent): void {
		if (!this.q || e.ctrlKey || e.metaKey || e.altKey || document.querySelector("dialog[open]"))
			return;
		const inside = e.target as HTMLElement;
		const control = inside.closest("button, input, [role=grid]") !== null;
		if (control && (e.key === " " || e.key === "Enter" || e.key.startsWith("Arrow")))
			return;
		if (inside === this.aside || inside === this.dockBody)
			if (e.key.startsWith("Arrow") || e.key === " ")
				return;
		const mid = this.scene.hover && this.scene.hover.x > GUTTER ? this.painter.t(this.scene, this.scene.hover.x) : (this.scene.t0 + this.scene.t1) / 2;
		const keys: Record<string, () => void> = {
			w: () => this.zoom(0.7, mid), s: () => this.zoom(1 / 0.7, mid), a: () => this.pan(-0.2), d: () => this.pan(0.2),
			ArrowLeft: () => this.pan(-0.1), ArrowRight: () => this.pan(0.1), ArrowUp: () => this.scrollTo(this.scene.scroll - 44), ArrowDown: () => this.scrollTo(this.scene.scroll + 44),
			"[": () => this.step(-1), "]": () => this.step(1), ",": () => this.stepLane(-1), ".": () => this.stepLane(1), j: () => this.moveRow(1), k: () => this.moveRow(-1),
			Enter: () => this.stepLane(0), " ": () => this.play(), f: () => this.fit(), q: () => this.setSide(!this.side), t: () => this.toggleTheme(), l: () => this.toggleTeaching(),
			m: () => {
				this.scene.range = this.scene.sel ? this.extent(this.scene.sel) : undefined;
				this.refreshDock();
				this.redraw();
			},
			M: () => this.addNote(), n: () => this.nextMatch(),
			p: () => {
				const t = this.scene.task;
				if (t && !this.scene.pins.delete(t))
					this.scene.pins.add(t);
				this.lay();
			},
			g: () => this.ask("Go to time", instant(this.scene.t0), (text) => {
				const t = parseTime(text);
				if (Number.isNaN(t))
					this.live.textContent = `${text} is no time: write 12.5 ms, 300us, 1.2s`;
				else
					this.setView(t - (this.scene.t1 - this.scene.t0) / 2, t + (this.scene.t1 - this.scene.t0) / 2);
			}, "A number with s, ms, us or ns"),
			"/": () => this.input.select(), "?": () => this.help(),
			Escape: () => {
				this.scene.range = undefined;
				if (this.input.value)
					this.setFilter(this.input.value = "");
				this.select(undefined);
			},
		};
		const f = keys[e.key] ?? keys[e.key.toLowerCase()];
		if (f) {
			e.preventDefault();
			f();
		}
	}

	toggleTheme(): void {
		this.scene.theme = this.scene.theme === DARK ? LIGHT : DARK;
		this.applyTheme();
		this.redraw();
	}

	private pointer(): void {
		const c = this.canvas;
		const held = new Map<number, {x: number; y: number}>();
		let start: {x: number; y: number; t0: number; t1: number; scroll: number; range: boolean} | undefined;
		let moved = false;
		const at = (e: PointerEvent | MouseEvent): {x: number; y: number} => {
			const box = c.getBoundingClientRect();
			return {x: e.clientX - box.left, y: e.clientY - box.top};
		};
		c.addEventListener("pointerdown", (e) => {
			if (!this.q || e.button !== 0)
				return;
			c.setPointerCapture(e.pointerId);
			const p = at(e);
			held.set(e.pointerId, p);
			start = {...p, t0: this.scene.t0, t1: this.scene.t1, scroll: this.scene.scroll, range: e.shiftKey || p.y < AXIS};
			moved = false;
		});
		c.addEventListener("pointermove", (e) => {
			if (!this.q)
				return;
			const p = at(e);
			const before = held.get(e.pointerId);
			if (!before || !start) {
				this.scene.hover = p;
				this.showTip(p);
				this.redraw();
				return;
			}
			if (held.size === 2) {
				const [a, b] = [...held.values()] as [{x: number; y: number}, {x: number; y: number}];
				const was = Math.abs(a.x - b.x);
				held.set(e.pointerId, p);
				const [x, y] = [...held.values()] as [{x: number; y: number}, {x: number; y: number}];
				if (was > 4 && Math.abs(x.x - y.x) > 4)
					this.zoom(was / Math.abs(x.x - y.x), this.painter.t(this.scene, (x.x + y.x) / 2));
				moved = true;
				return;
			}
			held.set(e.pointerId, p);
			if (Math.abs(p.x - start.x) + Math.abs(p.y - start.y) > 4)
				moved = true;
			if (!moved)
				return;
			this.tip.replaceChildren();
			if (start.range) {
				const a = this.painter.t(this.scene, start.x);
				const b = this.painter.t(this.scene, p.x);
				this.scene.range = [Math.min(a, b), Math.max(a, b)];
				this.redraw();
			} else {
				this.view.classList.add("drag");
				const d = (start.x - p.x) / (this.painter.width - GUTTER) * (start.t1 - start.t0);
				this.setView(start.t0 + d, start.t1 + d);
				this.scrollTo(start.scroll + start.y - p.y);
			}
		});
		const up = (e: PointerEvent): void => {
			if (!held.delete(e.pointerId) || !start)
				return;
			this.view.classList.remove("drag");
			if (moved && start.range) {
				if (this.tab !== "range" && this.tab !== "histogram" && this.tab !== "events")
					this.openTab("range");
				this.refreshDock();
			} else if (!moved && held.size === 0) {
				this.click(start.x, start.y);
			}
			if (!held.size)
				start = undefined;
		};
		c.addEventListener("pointerup", up);
		c.addEventListener("pointercancel", up);
		c.addEventListener("pointerleave", () => {
			this.scene.hover = undefined;
			this.tip.replaceChildren();
			this.redraw();
		});
		c.addEventListener("dblclick", () => this.q && this.fit());
		c.addEventListener("wheel", (e) => {
			if (!this.q)
				return;
			e.preventDefault();
			const p = at(e);
			const last = this.scene.rows[this.scene.rows.length - 1];
			const overflows = last !== undefined && last.y + last.h > this.view.clientHeight - AXIS;
			if (e.ctrlKey || e.metaKey || (!overflows && !e.shiftKey && Math.abs(e.deltaX) < Math.abs(e.deltaY)))
				this.zoom(Math.exp(Math.max(-0.8, Math.min(0.8, e.deltaY * 0.003))), this.painter.t(this.scene, Math.max(p.x, GUTTER)));
			else if (e.shiftKey || Math.abs(e.deltaX) > Math.abs(e.deltaY))
				this.pan((e.deltaX || e.deltaY) / this.painter.width);
			else
				this.scrollTo(this.scene.scroll + e.deltaY);
		}, {passive: false});
	}

	private click(x: number, y: number): void {
		const hit = this.painter.hit(this.scene, x, y);
		if (!hit.row)
			return this.select(undefined);
		this.row = this.scene.rows.indexOf(hit.row);
		this.rowChosen = false;
		if (hit.row.kind === "head") {
			if (!this.scene.closed.delete(hit.row.group))
				this.scene.closed.add(hit.row.group);
			return this.lay();
		}
		if (x < GUTTER && (hit.row.kind === "task" || hit.row.kind === "async"))
			return this.select({k: "state", task: hit.row.index, i: Math.max(0, this.q.stateAt(hit.row.index, (this.scene.t0 + this.scene.t1) / 2).i)});
		this.select(hit.sel);
	}

	private showTip(p: {x: number; y: number}): void {
		const hit = this.painter.hit(this.scene, p.x, p.y);
		const {m} = this.q;
		let text = "";
		const sel = hit.sel;
		if (sel && hit.t <= this.scene.hideFuture) {
			const [a, b] = this.extent(sel);
			if (sel.k === "slice") {
				const v = m.cpus[sel.cpu]!.lane.val[sel.i]!;
				text = `${v === UNKNOWN ? "unknown: events are missing" : v === OFFLINE ? "not online" : this.q.label(v)} · ${duration(b - a)}`;
			} else if (sel.k === "state")
				text = `${this.q.label(sel.task)} ${STATE_NAMES[stateOf(m.tasks[sel.task]!.lane.val[sel.i]!)]} · ${duration(b - a)}`;
			else if (sel.k === "dec")
				text = `decision #${sel.i + 1}`;
			else if (sel.k === "flag")
				text = m.flags[sel.i]!.text;
			else if (sel.k === "queue")
				text = `${this.q.queueAt(sel.t).map((e) => this.q.label(e.task)).join(", ") || "nobody"} in the run queue`;
			else
				text = m.locks[sel.lock]!.lane.val[sel.i] ? `held by ${this.q.label(m.locks[sel.lock]!.lane.val[sel.i]!)} · ${duration(b - a)}` : "free";
		}
		this.tip.textContent = text;
		const right = p.x > this.painter.width - 260;
		this.tip.style.left = right ? "" : `${p.x + 14}px`;
		this.tip.style.right = right ? `${this.painter.width - p.x + 14}px` : "";
		this.tip.style.top = `${p.y + 16}px`;
	}

	private brush(): void {
		const c = this.over;
		let from: {t: number; move: boolean; t0: number; t1: number} | undefined;
		const time = (e: PointerEvent): number => {
			const box = c.getBoundingClientRect();
			return this.q.m.t0 + (e.clientX - box.left) / box.width * (this.q.m.t1 - this.q.m.t0);
		};
		c.addEventListener("pointerdown", (e) => {
			if (!this.q)
				return;
			c.setPointerCapture(e.pointerId);
			const t = time(e);
			const {t0, t1} = this.scene;
			from = {t, move: t > t0 && t < t1 && t1 - t0 < (this.q.m.t1 - this.q.m.t0) * 0.98, t0, t1};
		});
		c.addEventListener("pointermove", (e) => {
			if (!from)
				return;
			const t = time(e);
			if (from.move)
				this.setView(from.t0 + t - from.t, from.t1 + t - from.t);
			else if (Math.abs(t - from.t) > (this.q.m.t1 - this.q.m.t0) / 500)
				this.setView(Math.min(t, from.t), Math.max(t, from.t));
		});
		c.addEventListener("pointerup", (e) => {
			if (from && !from.move && Math.abs(time(e) - from.t) <= (this.q.m.t1 - this.q.m.t0) / 500) {
				const half = (this.scene.t1 - this.scene.t0) / 2;
				this.setView(from.t - half, from.t + half);
			}
			from = undefined;
		});
	}
}

function problemText(list: Problem[]): string {
	return list.slice(0, 12).map((p) => `${p.file}, byte ${p.byte}: ${p.text}`).join("\n");
}

function readNotes(text: string | undefined): {time: number; text: string}[] {
	try {
		const list: unknown = JSON.parse(text ?? "[]");
		return Array.isArray(list) ? list.filter((n): n is {time: number; text: string} => typeof n?.time === "number" && typeof n?.text === "string").slice(0, 1000) : [];
	} catch {
		return [];
	}
}

declare global {
	interface Window {
		fermata: App;
	}
}

export function start(source: string): void {
	window.fermata = new App(source);
}
