/** The page: loads a trace, keeps the view, and ties canvas, panel, dock, keys and URL together. */
import {checksTab, eventsTab, histogramTab, matchesTab, statsTab} from "./dock.js";
import {el} from "./dom.js";
import {parse, matches, type Filter} from "./filter.js";
import {upper} from "./grow.js";
import type {Problem} from "./input.js";
import {IDLE, OFFLINE, S, UNKNOWN, stateOf, type Model} from "./model.js";
import {panel} from "./panels.js";
import {Query} from "./query.js";
import {CLOSED_AT_FIRST, rows, type Row} from "./rows.js";
import {overview} from "./overview.js";
import {AXIS, Painter, type Scene, type Sel} from "./scene.js";
import {key} from "./keys.js";
import {ask, help, readNotes, saveNotes} from "./dialogs.js";
import {mirror} from "./mirror.js";
import {brush, dropped, pointer} from "./pointer.js";
import {follow} from "./live.js";
import {fromHash, link, readHash} from "./url.js";
import {DARK, LIGHT, cssOf} from "./theme.js";
import {EXTRA_TABS, MENU, type Extra} from "./extras.js";
import type {Ask} from "./worker.js";

const TABS = ["events", "range", "histogram", "matches", "checks", ...EXTRA_TABS.map((t) => t.id)];
const TAB_NAMES: Record<string, string> = {events: "Events", range: "Range", histogram: "Histograms", matches: "Matches", checks: "Checks",
	...Object.fromEntries(EXTRA_TABS.map((t) => [t.id, t.name]))};
const MIN_SPAN_NS = 20;
const PRACTICE_FRAMES = 80;

export class App implements Extra {
	q!: Query;
	scene!: Scene;
	filter!: Filter;
	painter!: Painter;
	other: Query | undefined;
	compares = "";
	tab = "";
	side = true;
	playing = false;
	quiz: {index: number; answered: number | undefined; score: string} | undefined;
	teaching = false;
	onlyActive = false;
	/** Whether a run is being followed. */
	following = false;
	busy = false;
	score = {right: 0, asked: 0};
	frames: number[] = [];
	private playTimer = 0;
	row = -1;
	private dirty = false;
	private readonly cache: {key: string; data: ImageData | undefined} = {key: "", data: undefined};
	private readonly root = document.getElementById("app")!;
	readonly canvas = el("canvas", {tabindex: "0", role: "application", "aria-label": "Timeline", id: "timeline"}) as HTMLCanvasElement;
	readonly over = el("canvas", {"aria-hidden": "true"}) as HTMLCanvasElement;
	readonly aside = el("aside", {"aria-label": "Selection", tabindex: "0"});
	readonly dockBody = el("div", {class: "dockbody", role: "tabpanel", tabindex: "0", "aria-label": "Details"});
	private readonly tabBar = el("div", {class: "tabs", role: "tablist", "aria-label": "Details"});
	readonly input = el("input", {type: "text", "aria-label": "Filter", spellcheck: "false", autocomplete: "off", id: "filter",
		placeholder: "filter: imu state=ready dur>500us   class=edf missed   rule=first_come"}) as HTMLInputElement;
	private readonly inputError = el("output", {"aria-live": "polite"});
	readonly live = el("div", {class: "sr", "aria-live": "polite", id: "live"});
	readonly grid = el("div", {class: "grid-wrap"});
	readonly tip = el("div", {class: "tip"});
	private readonly title = el("h1", {}, "Fermata");
	private readonly chips = el("span", {});
	readonly view = el("div", {class: "view"});
	private readonly drop = el("div", {class: "drop"});

	/** @param source the page's own script, which is the worker's too */
	constructor(private readonly source: string) {
		const hash = readHash();
		this.scene = {theme: this.preferred(hash.get("theme")), rows: [], t0: 0, t1: 1, scroll: 0, sel: undefined, task: 0, range: undefined, hover: undefined,
			notes: [], pins: new Set(), closed: new Set(CLOSED_AT_FIRST), wants: undefined, hideFuture: Infinity} as unknown as Scene;
		this.layout();
		this.applyTheme();
		this.painter = new Painter(this.canvas);
		this.listen();
		if (this.loadEmbedded("trace"))
			return;
		if (hash.get("live")) {
			follow(this, hash.get("live")!);
		} else {
			this.welcome();
			this.reader = this.startReader();
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
		const button = (text: string, f: () => void, attrs: Record<string, string> = {}): HTMLElement => el("button", {click: f, ...attrs}, text);
		const menu = el("div", {class: "menu needs"});
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
			button("Open…", () => this.pick()), button("Compare…", () => this.pick(true), {class: "wide needs"}), menu,
			button("Link", () => void this.copyLink(), {class: "wide needs"}), button("Learn", () => this.toggleTeaching(), {id: "learn", class: "needs", "aria-pressed": "false"}),
			button("?", () => help(), {"aria-label": "Keys and help"}));
		const legend = (cls: string, text: string): HTMLElement => el("span", {class: "legend"}, el("i", {class: `l-${cls}`}), text);
		this.view.append(this.canvas, this.grid, this.tip, this.drop);
		this.root.replaceChildren(header, el("div", {class: "over"}, this.over), el("main", {class: "view-main", style: "display:contents"}, this.view), this.aside,
			el("div", {class: "dock"}, this.tabBar, this.dockBody),
			el("footer", {}, legend("running", "running"), legend("ready", "ready"), legend("preempted", "preempted"), legend("waiting", "waiting"), legend("irq", "interrupt"),
				legend("unknown", "unknown"), el("span", {class: "signs"}, "▲ release  ▽ deadline  ◆ decision  ◇ without rivals  → woke"), el("span", {class: "keys"}, "W S zoom · A D pan · [ ] decisions · J K lanes · / filter · ? keys")), this.live);
		for (const tab of TABS)
			this.tabBar.append(el("button", {role: "tab", id: `tab-${tab}`, "aria-selected": "false", click: () => this.openTab(this.tab === tab ? "" : tab)}, TAB_NAMES[tab]!));
	}

	welcome(error = ""): void {
		this.root.classList.add("empty");
		this.drop.hidden = false;
		this.drop.style.display = "";
		this.drop.replaceChildren(el("div", {}, el("h2", {}, "Open a Fermata trace"),
			el("p", {}, "Drop a trace folder, one of its files, a tar archive or gz of these here. Nothing leaves this page."),
			el("div", {class: "buttons"}, el("button", {click: () => this.pick(false, true)}, "Choose a folder…"), el("button", {click: () => this.pick()}, "Choose files…"), this.q && el("button", {click: () => this.back()}, "Back to the trace")),
			el("p", {class: "sub"}, "make trace writes one, and a copy of this page with the trace inside."), error ? el("p", {class: "error", role: "alert"}, error) : undefined));
	}

	private back(): void {
		this.root.classList.remove("empty");
		this.drop.style.display = "none";
		this.redraw();
	}

	pick(compare = false, folder = false): void {
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

	/** @param live called when it was read, of a run that is followed */
	load(ask: Ask, compare = false, live?: () => void): void {
		if (!compare && !live) {
			this.drop.style.display = "";
			this.drop.replaceChildren(el("div", {}, el("h2", {}, "Reading…")));
		}
		this.busy = true;
		const begin = performance.now();
		const worker = this.reader ?? this.startReader();
		this.reader = undefined;
		worker.onerror = (e) => this.welcome(`The reader stopped: ${e.message}`);
		worker.onmessage = (e: MessageEvent<{model?: Model; error?: string; practice?: Model}>) => {
			if (e.data.practice)
				return this.practise(e.data.practice);
			if (live)
				this.reader = worker;
			else
				worker.terminate();
			this.busy = false;
			if (live && this.q && !e.data.model?.cpus.length)
				this.announce("What came last could not be read; the next may be.");
			else if (!e.data.model)
				this.welcome(`The trace could not be read: ${e.data.error}`);
			else if (!e.data.model.cpus.length)
				this.welcome(`Nothing of this could be read as a trace.\n${problemText(e.data.model.problems)}`);
			else if (compare)
				this.compareWith(e.data.model);
			else
				this.show(e.data.model, live !== undefined);
			document.documentElement.dataset["readyMs"] = String(Math.round(performance.now() - begin));
			document.documentElement.dataset["state"] = e.data.model?.cpus.length ? "ready" : "error";
			live?.();
		};
		worker.postMessage(ask);
	}

	/** A worker that waits for a trace: to start one takes as long as a small trace. */
	private reader: Worker | undefined;
	private startReader(): Worker {
		const worker = new Worker(URL.createObjectURL(new Blob([this.source], {type: "text/javascript"})));
		worker.onmessage = (e: MessageEvent<{practice?: Model}>) => e.data.practice && this.practise(e.data.practice);
		return worker;
	}

	/** Paints what the reader has practised on, which nobody sees, so that the first pictures of a trace are fast, too. */
	private practise(m: Model): void {
		const q = new Query(m);
		const painter = new Painter(document.createElement("canvas"));
		const scene: Scene = {...this.scene, q, rows: rows(q, new Set(), new Set(), () => true)};
		const all = m.t1 - m.t0;
		let left = PRACTICE_FRAMES;
		const frame = (): void => {
			if (this.q || !left--)
				return;
			const share = 0.9 ** (left % (PRACTICE_FRAMES / 4));
			scene.t0 = m.t0 + all * (1 - share) / 2;
			scene.t1 = scene.t0 + all * share;
			painter.resize(500 + left % 2, 400, 1);
			painter.draw(scene);
			/* A reader that works has the processors. */
			setTimeout(frame, this.busy ? 25 : 4);
		};
		frame();
	}

	/** Loads a trace that the page brings along: the one to show, or the other to compare it with. */
	private loadEmbedded(id: string, compare = false): boolean {
		const data = document.getElementById(id);
		if (data)
			this.load({base64: data.textContent ?? "", name: data.dataset["name"] ?? id}, compare);
		data?.remove();
		return data !== null;
	}

	private compareWith(m: Model): void {
		this.other = new Query(m);
		this.openTab("compare");
		this.redraw();
	}

	private show(m: Model, live = false): void {
		const before = live && this.q ? {t0: this.scene.t0, t1: this.scene.t1, end: this.q.m.t1, notes: this.scene.notes} : undefined;
		this.use(new Query(m));
		if (!before)
			fromHash(this);
		this.setFilter(this.input.value);
		if (before) {
			/* Who looks at the newest goes on with it, who looks back is left alone. */
			const moved = before.t1 >= before.end ? m.t1 - before.end : 0;
			this.scene.notes = before.notes;
			this.setView(before.t0 + moved, before.t1 + moved);
			this.select(undefined, false);
			this.refreshDock();
			return this.redraw();
		}
		this.openTab(this.tab || (m.problems.length ? "checks" : ""));
		this.select(this.scene.sel, false);
		this.row = this.scene.rows.findIndex((r) => r.kind === "cpu");
		this.canvas.focus({preventScroll: true});
		this.redraw();
		this.loadEmbedded("other", true);
	}

	/** The other trace becomes the one that is shown, and this one the other; a selection is in what is shown then. */
	swap(sel: Sel | undefined): void {
		const {t0, t1} = this.scene;
		const {q} = this;
		this.use(this.other!);
		this.other = q;
		this.scene.pins.clear();
		this.setFilter(this.input.value);
		this.setView(t0, t1);
		if (sel)
			this.go(sel);
		else
			this.select(undefined);
		this.refreshDock();
	}

	/** Goes to another trace. */
	private use(q: Query): void {
		const {m} = this.q = q;
		this.root.classList.remove("empty");
		this.drop.style.display = "none";
		const s = this.scene;
		s.q = q;
		s.t0 = m.t0;
		s.t1 = m.t1;
		s.sel = undefined;
		s.range = undefined;
		s.notes = readNotes(m.texts.get("notes.json"));
		this.cache.key = "";
		const name = m.about.name || [m.about.board, m.about.seed && `seed ${m.about.seed}`].filter(Boolean).join(" · ");
		document.title = name ? `${name} – Fermata trace` : "Fermata trace";
		const classes = [...new Set(m.tasks.slice(1).map((t) => t.cls))].filter((c) => c >= 0);
		this.chips.replaceChildren(el("span", {class: "chip"}, [this.following && "● live", name, `${m.cpus.length} CPU${m.cpus.length === 1 ? "" : "s"}`].filter(Boolean).join(" · ")), " ", el("span", {class: "chip"}, `${classes.length} class${classes.length === 1 ? "" : "es"}, ${m.tasks.length - 1} tasks`));
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

	lay(): void {
		const s = this.scene;
		s.rows = rows(this.q, s.closed, s.pins, (i) => this.filter.task(i) && (!this.onlyActive || this.active(i)));
		this.scrollTo(s.scroll);
	}

	/** Whether the task is there at all in what is in view. */
	private active(i: number): boolean {
		const {start, val} = this.q.m.tasks[i]!.lane;
		for (let k = Math.max(0, upper(start, this.scene.t0) - 1); k < start.length && start[k]! < this.scene.t1; k++)
			if (stateOf(val[k]!) !== S.none && stateOf(val[k]!) !== S.dead)
				return true;
		return false;
	}

	toggleActive(): void {
		this.onlyActive = !this.onlyActive;
		this.lay();
	}

	scrollTo(y: number): void {
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
		const [a, b] = this.scene.range ?? [this.scene.t0, this.scene.t1];
		return [a, Math.max(a + 1, Math.min(b, this.scene.hideFuture))];
	}

	get task(): number {
		return this.scene.task;
	}

	/* ---- selection ---- */

	go(sel: Sel): void {
		this.select(sel);
		const [a, b] = this.extent(sel);
		const {t0, t1} = this.scene;
		if (this.teaching && sel.k === "dec") {
			/* What led to it is what the answer follows from. */
			this.setView(a - (t1 - t0) * 0.7, a + (t1 - t0) * 0.3);
		} else if (a < t0 || b > t1) {
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

	extent(sel: Sel): [number, number] {
		const {m} = this.q;
		const step = (start: Float64Array, i: number): [number, number] => [start[i]!, start[i + 1] ?? m.t1];
		switch (sel.k) {
		case "dec": return [m.decisions.time[sel.i]!, m.decisions.time[sel.i]!];
		case "flag": return [m.flags[sel.i]!.time, m.flags[sel.i]!.time];
		case "queue": return [sel.t, sel.t];
		case "slice": return step(m.cpus[sel.cpu]!.lane.start, sel.i);
		case "state": return step(m.tasks[sel.task]!.lane.start, sel.i);
		case "lock": return step(m.locks[sel.lock]!.lane.start, sel.i);
		case "stack": return step(m.stacks[sel.stack]!.lane.start, sel.i);
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
			: sel.k === "lock" ? within(m.locks.length, sel.lock) && within(m.locks[sel.lock]!.lane.start.length, sel.i)
			: sel.k === "stack" ? within(m.stacks.length, sel.stack) && within(m.stacks[sel.stack]!.lane.start.length, sel.i) : Number.isFinite(sel.t);
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
		mirror(this);
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
	rowChosen = false;

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

	stepLane(by: number): void {
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

	moveRow(by: number): void {
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
		mirror(this);
		this.redraw();
	}

	fit(): void {
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

	nextMatch(): void {
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
		this.root.classList.toggle("comparing", this.tab === "compare" && this.other !== undefined);
		this.refreshDock();
		this.redraw();
	}

	private dockTimer = 0;
	private refreshDockSoon(): void {
		clearTimeout(this.dockTimer);
		this.dockTimer = window.setTimeout(() => {
			this.refreshDock();
			if (this.onlyActive)
				this.lay();
		}, 120);
	}

	refreshDock(): void {
		if (!this.q || !this.tab)
			return;
		const make: Record<string, () => HTMLElement> = {events: () => eventsTab(this), range: () => statsTab(this), histogram: () => histogramTab(this), matches: () => matchesTab(this),
			checks: () => checksTab(this), ...Object.fromEntries(EXTRA_TABS.map((t) => [t.id, () => t.make(this)]))};
		const y = this.dockBody.dataset["tab"] === this.tab ? this.dockBody.scrollTop : 0;
		this.dockBody.dataset["tab"] = this.tab;
		this.dockBody.replaceChildren(make[this.tab]!());
		this.dockBody.scrollTop = y;
		for (const i of this.dockBody.querySelectorAll<HTMLElement>("[data-h]"))
			i.style.height = `${Number(i.dataset["h"]) * 100}px`;
	}

	/* ---- URL ---- */

	private hashTimer = 0;
	private saveHash(): void {
		clearTimeout(this.hashTimer);
		this.hashTimer = window.setTimeout(() => history.replaceState(null, "", `#${this.link()}`), 250);
	}

	link(): string {
		return link(this);
	}

	private async copyLink(): Promise<void> {
		history.replaceState(null, "", `#${this.link()}`);
		try {
			await navigator.clipboard.writeText(location.href);
			this.live.textContent = "The link to this view is in the clipboard.";
		} catch {
			ask(this, "Link to this view", location.href, () => undefined);
		}
	}

	saveNotes(): void {
		saveNotes(this);
	}

	setSide(on: boolean): void {
		this.side = on;
		this.root.classList.toggle("noside", !on);
		this.redraw();
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
		document.addEventListener("keydown", (e) => key(this, e));
		/* The timeline shows that it has the focus to those who need to know. */
		document.addEventListener("keydown", () => document.body.classList.add("keys"), true);
		document.addEventListener("pointerdown", () => document.body.classList.remove("keys"), true);
		pointer(this);
		brush(this);
		for (const name of ["dragover", "dragleave", "drop"])
			document.addEventListener(name, (e) => {
				e.preventDefault();
				this.drop.classList.toggle("over-it", name === "dragover");
			});
		document.addEventListener("drop", (e) => void dropped(this, e as DragEvent));
		window.addEventListener("hashchange", () => {
			if (this.q) {
				fromHash(this);
				this.setFilter(this.input.value);
				this.select(this.scene.sel, false);
			}
		});
	}

	announce(text: string): void {
		this.live.textContent = text;
		this.chips.querySelector(".chip")?.setAttribute("title", text);
	}

	toggleTheme(): void {
		this.scene.theme = this.scene.theme === DARK ? LIGHT : DARK;
		this.applyTheme();
		this.redraw();
	}
}

function problemText(list: Problem[]): string {
	return list.slice(0, 12).map((p) => `${p.file}, byte ${p.byte}: ${p.text}`).join("\n");
}

declare global {
	interface Window {
		fermata: App;
	}
}

export function start(source: string): void {
	window.fermata = new App(source);
}
