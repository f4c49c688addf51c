/**
 * The page in a real Chromium, used as a person would. Run by test_browser.py, which makes the pages
 * and reads the results: node --test browser.mjs, with FERMATA_PAGES naming a folder of
 *   demo.html     the simulator's demo, seed 1        viewer.html  the page without a trace
 *   trace/        the same trace as files             shots/       where pictures go
 */
import assert from "node:assert/strict";
import {execFileSync, spawn} from "node:child_process";
import {copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync} from "node:fs";
import {join} from "node:path";
import {after, before, test} from "node:test";
import {chromium} from "../../viewer/node_modules/playwright-core/index.mjs";

const DIR = process.env.FERMATA_PAGES;
const AXE = readFileSync(new URL("../../viewer/node_modules/axe-core/axe.min.js", import.meta.url), "utf8");
const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const STALL_MS = 60_000;
let browser;

before(async () => {
	browser = await chromium.launch({executablePath: process.env.FERMATA_CHROMIUM ?? "/usr/bin/chromium", args: FLAGS});
});
after(() => browser?.close());

/** A page that fails the test on any error of its own. */
async function open(name = "demo.html", {hash = "theme=dark", width = 1280, height = 800, ready = true, ...more} = {}) {
	const context = await browser.newContext({viewport: {width, height}, ...more});
	const page = await context.newPage();
	page.setDefaultTimeout(STALL_MS);
	page.faults = [];
	page.on("pageerror", (e) => page.faults.push(String(e)));
	page.on("console", (m) => m.type() === "error" && page.faults.push(m.text()));
	page.on("request", (r) => !/^(file|blob|data):/.test(r.url()) && page.faults.push(`asks for ${r.url()}`));
	await page.goto(`file://${join(DIR, name)}#${hash}`);
	if (ready)
		await page.waitForFunction(() => document.documentElement.dataset.state === "ready");
	return page;
}

async function done(page) {
	assert.deepEqual(page.faults, []);
	await page.context().close();
}

/** Where a time is on the canvas, in the lane with this label. */
function spot(page, label, ns, dy = 0) {
	return page.evaluate(([name, t, off]) => {
		const {scene, painter} = window.fermata;
		const box = document.getElementById("timeline").getBoundingClientRect();
		const row = scene.rows.find((r) => r.label === name && r.kind !== "head");
		return {x: box.left + painter.x(scene, t), y: box.top + 26 + row.y - scene.scroll + (off || row.h / 2)};
	}, [label, ns, dy]);
}

const BOOK = new URL("../../docs/images/viewer/", import.meta.url);
/** Mean difference of two pictures, both made small: 0 the same, 1 black against white. */
const DIFFERENCE_MAX = 0.06;

/**
 * Takes a picture, and compares it with the book's of that name. Made small, so that fonts, versions of
 * the browser and small changes of the demo count little, and a lane or panel that is gone much.
 */
async function shot(page, name) {
	await page.mouse.move(2, 2);
	await frame(page);
	const now = await page.screenshot({path: join(DIR, `shots/${name}.png`)});
	const file = new URL(`${name}.png`, BOOK);
	if (process.env.FERMATA_SHOTS || !existsSync(file))
		return assert.ok(process.env.FERMATA_SHOTS, `the book lacks ${name}.png: make viewer-pictures`);
	const judge = await browser.newPage();
	const difference = await judge.evaluate(async (urls) => {
		const [a, b] = await Promise.all(urls.map(async (url) => {
			const image = new Image();
			image.src = url;
			await image.decode();
			const canvas = new OffscreenCanvas(64, 40);
			const ctx = canvas.getContext("2d");
			ctx.imageSmoothingQuality = "high";
			ctx.drawImage(image, 0, 0, 64, 40);
			return ctx.getImageData(0, 0, 64, 40).data;
		}));
		return a.reduce((sum, v, i) => sum + Math.abs(v - b[i]), 0) / a.length / 255;
	}, [now, readFileSync(file)].map((png) => `data:image/png;base64,${png.toString("base64")}`));
	await judge.close();
	assert.ok(difference < DIFFERENCE_MAX, `${name}.png is ${difference.toFixed(3)} away from the book's; if it is meant to be: make viewer-pictures`);
}

const span = (page) => page.evaluate(() => [window.fermata.scene.t0, window.fermata.scene.t1]);
const heading = (page) => page.locator("aside h2").first().textContent();
/** Frames are drawn when something changed; this waits for the one that is due. */
const frame = (page) => page.evaluate(() => new Promise((ok) => requestAnimationFrame(() => requestAnimationFrame(ok))));

test("the trace in the page opens by itself", async () => {
	const page = await open();
	assert.match(await heading(page), /events of 4 CPUs/);
	assert.match(await page.locator("aside").textContent(), /Every recorded decision is what its candidates say/);
	assert.match(await page.title(), /sim seed 1/);
	await shot(page, "overview");
	await done(page);
});

test("a click on a diamond explains the decision", async () => {
	const page = await open();
	const d = await page.evaluate(() => {
		const {q} = window.fermata;
		const i = q.m.decisions.flags.findIndex((f, k) => f & 1 && q.m.decisions.time[k] > 9e6);
		return {i, t: q.m.decisions.time[i], cpu: q.m.decisions.cpu[i]};
	});
	await page.evaluate((t) => window.fermata.setView(t - 2e6, t + 2e6), d.t);
	await frame(page);
	const at = await spot(page, `CPU ${d.cpu}`, d.t, 36);
	await page.mouse.click(at.x, at.y);
	assert.match(await heading(page), /^CPU \d picks \S+ over \d other/);
	const panel = await page.locator("aside").textContent();
	for (const part of ["Why:", "Candidates", "lost because", "The rule, recomputed", "What other policies would pick", "This decision only", "What followed", "kernel/sched/"])
		assert.ok(panel.includes(part), `the panel lacks ${part}:\n${panel}`);
	assert.equal(await page.locator("aside tr.chosen").count(), 1);
	await shot(page, "decision");
	await done(page);
});

test("keys zoom, pan, step, fit and scroll", async () => {
	const page = await open();
	const all = await span(page);
	await page.keyboard.press("w");
	const near = await span(page);
	assert.ok(near[1] - near[0] < (all[1] - all[0]) * 0.75);
	await page.keyboard.press("d");
	const right = await span(page);
	assert.ok(right[0] > near[0] && Math.abs(right[1] - right[0] - near[1] + near[0]) < 2);
	await page.keyboard.press("a");
	await page.keyboard.press("s");
	const back = await span(page);
	assert.ok(back[1] - back[0] > near[1] - near[0]);
	await page.keyboard.press("f");
	assert.deepEqual(await span(page), all);
	await page.keyboard.press("]");
	const first = await page.locator("aside .sub").first().textContent();
	await page.keyboard.press("]");
	const second = await page.locator("aside .sub").first().textContent();
	assert.notEqual(first, second);
	await page.keyboard.press("[");
	assert.equal(await page.locator("aside .sub").first().textContent(), first);
	await done(page);
});

test("wheel, drag and brush move the view", async () => {
	const page = await open();
	const all = await span(page);
	const at = await spot(page, "CPU 1", 20e6);
	await page.mouse.move(at.x, at.y);
	await page.keyboard.down("Control");
	await page.mouse.wheel(0, -300);
	await page.keyboard.up("Control");
	await frame(page);
	const near = await span(page);
	assert.ok(near[1] - near[0] < all[1] - all[0] && near[0] < 20e6 && near[1] > 20e6);
	await page.mouse.down();
	await page.mouse.move(at.x - 200, at.y, {steps: 4});
	await page.mouse.up();
	assert.ok((await span(page))[0] > near[0]);
	const over = await page.locator(".over canvas").boundingBox();
	await page.keyboard.press("f");
	await page.mouse.move(over.x + over.width * 0.25, over.y + 20);
	await page.mouse.down();
	await page.mouse.move(over.x + over.width * 0.5, over.y + 20, {steps: 4});
	await page.mouse.up();
	const brushed = await span(page);
	const share = (t) => (t - all[0]) / (all[1] - all[0]);
	assert.ok(Math.abs(share(brushed[0]) - 0.25) < 0.01 && Math.abs(share(brushed[1]) - 0.5) < 0.01, String(brushed));
	await done(page);
});

test("a waiting task shows who had the CPUs", async () => {
	const page = await open();
	const s = await page.evaluate(() => {
		const {q} = window.fermata;
		const i = q.m.tasks.findIndex((t) => t.name === "work5");
		const k = q.m.tasks[i].lane.val.findIndex((v) => (v & 15) === 3);
		return {label: q.label(i), t: (q.m.tasks[i].lane.start[k] + q.m.tasks[i].lane.start[k + 1]) / 2};
	});
	await page.evaluate(() => window.fermata.openTab(""));
	await page.evaluate(() => window.fermata.go({k: "state", task: window.fermata.q.m.tasks.findIndex((t) => t.name === "work5"), i: 0}));
	await frame(page);
	const at = await spot(page, s.label, s.t, 15);
	await page.mouse.click(at.x, at.y);
	assert.match(await heading(page), /work5 is preempted/);
	assert.match(await page.locator("aside").textContent(), /Who had the CPUs meanwhile/);
	await done(page);
});

test("the strip under a CPU tells who is in the run queue", async () => {
	const page = await open();
	const at = await spot(page, "run queue", 2e6);
	await page.mouse.click(at.x, at.y);
	assert.match(await heading(page), /^\d+ tasks? in the run queue/);
	const listed = await page.locator("aside table").first().locator("tbody tr").count();
	const counted = await page.evaluate(() => window.fermata.q.queueAt(window.fermata.scene.sel.t).length);
	assert.equal(listed, counted);
	await done(page);
});

test("files and folders open from the disk", async () => {
	const page = await open("viewer.html", {ready: false});
	assert.match(await page.locator(".drop").textContent(), /Nothing leaves this page/);
	const [chooser] = await Promise.all([page.waitForEvent("filechooser"), page.getByRole("button", {name: "Choose files…"}).click()]);
	await chooser.setFiles(readdirSync(join(DIR, "trace")).map((f) => join(DIR, "trace", f)));
	await page.waitForFunction(() => document.documentElement.dataset.state === "ready");
	assert.match(await heading(page), /events of 4 CPUs/);
	await done(page);
});

test("files that are dropped open", async () => {
	const page = await open("viewer.html", {ready: false});
	const files = readdirSync(join(DIR, "trace")).map((name) => ({name, base64: readFileSync(join(DIR, "trace", name)).toString("base64")}));
	await page.waitForSelector(".drop h2");
	await page.evaluate((list) => {
		const data = new DataTransfer();
		for (const f of list)
			data.items.add(new File([Uint8Array.from(atob(f.base64), (c) => c.charCodeAt(0))], f.name));
		document.querySelector(".drop").dispatchEvent(new DragEvent("drop", {dataTransfer: data, bubbles: true, cancelable: true}));
	}, files);
	await page.waitForFunction(() => document.documentElement.dataset.state === "ready");
	assert.match(await heading(page), /events of 4 CPUs/);
	assert.equal(await page.evaluate(() => window.fermata.q.m.problems.length), 0);
	await done(page);
});

test("what is no trace gets a message with byte and reason", async () => {
	const page = await open("viewer.html", {ready: false});
	writeFileSync(join(DIR, "junk.bin"), Buffer.from([0, 1, 2, 3, 4, 5, 6, 7, 8]));
	const [chooser] = await Promise.all([page.waitForEvent("filechooser"), page.getByRole("button", {name: "Choose files…"}).click()]);
	await chooser.setFiles(join(DIR, "junk.bin"));
	await page.waitForFunction(() => document.documentElement.dataset.state === "error");
	assert.match(await page.locator("[role=alert]").textContent(), /junk\.bin, byte 0: begins with 0x03020100/);
	await done(page);
});

test("a wrong file leaves the trace that is open", async () => {
	const page = await open();
	writeFileSync(join(DIR, "no-trace.bin"), Buffer.from([9, 9, 9, 1, 2, 3, 0, 0]));
	const before = await page.evaluate(() => window.fermata.q.m.events);
	const [chooser] = await Promise.all([page.waitForEvent("filechooser"), page.getByRole("button", {name: "Open…"}).click()]);
	await chooser.setFiles(join(DIR, "no-trace.bin"));
	await page.waitForFunction(() => document.documentElement.dataset.state === "error");
	assert.match(await page.locator("[role=alert]").textContent(), /no-trace\.bin, byte 0/);
	await page.getByRole("button", {name: "Back to the trace"}).click();
	assert.equal(await page.locator(".drop").isVisible(), false);
	assert.equal(await page.evaluate(() => window.fermata.q.m.events), before);
	assert.match(await heading(page), /events of 4 CPUs/);
	await done(page);
});

test("files of two traces at once, and the metadata alone, get a message", async () => {
	for (const [names, says] of [[["metadata"], /metadata, byte 0: alone it tells of no event/], [["trace/metadata", "trace2/metadata", "trace/channel0_0"], /a second metadata: these are files of two traces/]]) {
		const page = await open("viewer.html", {ready: false});
		assert.equal(await page.locator("aside").isVisible(), false, "without a trace there is nothing beside it");
		const [chooser] = await Promise.all([page.waitForEvent("filechooser"), page.getByRole("button", {name: "Choose files…"}).click()]);
		await chooser.setFiles(names.map((n) => ({name: n.replace("/", "-"), mimeType: "", buffer: readFileSync(join(DIR, n.includes("/") ? n : `trace/${n}`))})).map((f) => ({...f, name: f.name.replace(/^trace2?-/, "")})));
		await page.waitForFunction(() => document.documentElement.dataset.state);
		assert.match(await page.locator("body").textContent(), says);
		await done(page);
	}
});

test("no key, tab or selection does harm, in whatever trace", async () => {
	const packet = readFileSync(join(DIR, "trace/channel0_0")).subarray(0, 80);
	packet.writeBigUInt64LE(640n, 40);
	packet.writeBigUInt64LE(640n, 48);
	writeFileSync(join(DIR, "nothing"), packet);
	for (const files of [["nothing"], ["trace/channel0_1"], readdirSync(join(DIR, "trace")).map((f) => `trace/${f}`)]) {
		const page = await open("viewer.html", {ready: false});
		for (const key of "wsadfjkq[].,mnpiltge?/")
			await page.keyboard.press(key); /* without a trace */
		const [chooser] = await Promise.all([page.waitForEvent("filechooser"), page.getByRole("button", {name: "Choose files…"}).click()]);
		await chooser.setFiles(files.map((f) => join(DIR, f)));
		await page.waitForFunction(() => document.documentElement.dataset.state === "ready");
		for (const key of ["w", "s", "a", "d", "ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight", "]", "[", "j", "k", "Enter", ",", ".", "m", "f", "f", "n", "p", "i", "t", "l", "l", "q", "q", "Space", "Space", "g", "Shift+M", "?", "Escape"]) {
			await page.keyboard.press(key);
			if (await page.locator("dialog[open]").count())
				await page.keyboard.press("Escape");
		}
		await page.evaluate(() => {
			const app = window.fermata;
			const {m} = app.q;
			for (const tab of ["events", "range", "histogram", "matches", "checks", "sequence", "compare"])
				app.openTab(tab);
			for (const sel of [{k: "queue", t: m.t0}, {k: "queue", t: m.t1, cpu: 0}, {k: "dec", i: 0}, {k: "flag", i: 0}, {k: "lock", lock: 0, i: 0}, {k: "stack", stack: 0, i: 0}, {k: "slice", cpu: 0, i: 0}, {k: "state", task: 1, i: 0}])
				app.select(sel);
			for (const span of [1, 1e3, 1e9, 1e15])
				app.setView(m.t0, m.t0 + span);
		});
		await frame(page);
		await done(page);
	}
});

test("every table can be saved as CSV", async () => {
	const page = await open();
	await page.evaluate(() => window.fermata.go({k: "dec", i: 100}));
	const shown = await page.locator("aside table").first().evaluate((t) => [...t.rows].map((r) => [...r.cells].map((c) => c.textContent.replace(/[⤓]|^✔ /g, ""))));
	const [download] = await Promise.all([page.waitForEvent("download"), page.locator("aside button.csv").first().click()]);
	await download.saveAs(join(DIR, "table.csv"));
	assert.equal(download.suggestedFilename(), "candidates-of-the-decision.csv");
	const saved = readFileSync(join(DIR, "table.csv"), "utf8").trim().split("\r\n").map((l) => l.match(/"(?:[^"]|"")*"|[^,]+/g).map((c) => c.replace(/^"|"$/g, "")));
	assert.deepEqual(saved, shown);
	for (const tab of ["range", "checks"]) {
		await page.evaluate((t) => window.fermata.openTab(t), tab);
		assert.equal(await page.locator(".dockbody table").count() - await page.locator(".dockbody table button.csv").count(), 0);
	}
	await done(page);
});

test("the view is in the URL and comes back from it", async () => {
	const page = await open();
	await page.evaluate(() => {
		window.fermata.setView(5e6, 9e6);
		window.fermata.go({k: "dec", i: 100});
		window.fermata.setView(5e6, 9e6);
		window.fermata.openTab("range");
		window.fermata.scene.pins.add(3);
	});
	await page.locator("#filter").fill("class=rr");
	const link = await page.evaluate(() => window.fermata.link());
	const title = await heading(page);
	await done(page);
	const again = await open("demo.html", {hash: link});
	assert.equal(await again.evaluate(() => window.fermata.link()), link);
	assert.equal(await heading(again), title);
	assert.equal(await again.locator("#filter").inputValue(), "class=rr");
	await done(again);
});

test("a filter keeps lanes, dims steps and lists what matches", async () => {
	const page = await open();
	await page.keyboard.press("/");
	await page.keyboard.type("class=rr state=preempted dur>1ms");
	const kept = await page.evaluate(() => window.fermata.scene.rows.filter((r) => r.kind === "task").map((r) => window.fermata.q.m.tasks[r.index].cls));
	assert.ok(kept.length > 0 && kept.every((c) => c === 3));
	const listed = await page.locator(".dockbody tbody tr").count();
	const counted = await page.evaluate(() => {
		const {m} = window.fermata.q;
		let n = 0;
		for (const t of m.tasks)
			if (t.cls === 3)
				t.lane.val.forEach((v, i) => n += (v & 15) === 3 && (t.lane.start[i + 1] ?? m.t1) - t.lane.start[i] > 1e6 ? 1 : 0);
		return n;
	});
	assert.ok(listed > 0);
	assert.equal(listed, counted);
	await page.keyboard.press("Enter");
	await page.keyboard.press("n");
	assert.match(await heading(page), /is preempted/);
	await shot(page, "filter");
	await page.locator("#filter").fill("colour=red");
	assert.match(await page.locator(".filter output").textContent(), /colour: not a word of the filter/);
	await done(page);
});

test("a range has statistics, histograms and events", async () => {
	const page = await open();
	const a = await spot(page, "CPU 1", 5e6);
	const b = await spot(page, "CPU 1", 20e6);
	await page.keyboard.down("Shift");
	await page.mouse.move(a.x, a.y);
	await page.mouse.down();
	await page.mouse.move(b.x, b.y, {steps: 5});
	await page.mouse.up();
	await page.keyboard.up("Shift");
	const range = await page.evaluate(() => window.fermata.scene.range);
	assert.ok(Math.abs(range[0] - 5e6) < 1e5 && Math.abs(range[1] - 20e6) < 1e5);
	assert.match(await page.locator(".dockbody").textContent(), /15 ms from|14\.9\d* ms from|15\.0\d* ms from/);
	assert.ok(await page.locator(".dockbody tbody tr").count() > 8);
	await shot(page, "range");
	await page.locator("#tab-histogram").click();
	const bins = await page.locator(".bin span:first-child").allTextContents();
	const jobs = await page.evaluate(() => {
		const {scene, q} = window.fermata;
		return q.m.jobs.release.reduce((n, r, i) => n + (r >= scene.range[0] && r < scene.range[1] && q.m.jobs.done[i] === q.m.jobs.done[i] ? 1 : 0), 0);
	});
	const figures = await page.locator(".hist").first().locator(".bin span:first-child").allTextContents();
	assert.equal(figures.map(Number).reduce((x, y) => x + y, 0), jobs);
	assert.ok(bins.length > 2);
	await shot(page, "histogram");
	await page.locator("#tab-events").click();
	assert.ok(await page.locator(".dockbody tbody tr").count() > 50);
	await done(page);
});

test("a trace is compared with itself and with another seed", async () => {
	const page = await open();
	const compare = async (folder) => {
		const [chooser] = await Promise.all([page.waitForEvent("filechooser"), page.getByRole("button", {name: "Compare…"}).click()]);
		await chooser.setFiles(readdirSync(join(DIR, folder)).map((f) => join(DIR, folder, f)));
		await page.waitForFunction((name) => window.fermata.other?.m.about.seed === name, folder === "trace" ? "1" : "2");
		return page.locator("#divergence").textContent();
	};
	const decisions = await page.evaluate(() => window.fermata.q.m.decisions.word.filter((w) => window.fermata.q.m.raw[w * 4 + 14] !== 255).length);
	assert.equal(await compare("trace"), `✓ All ${decisions} dispatches are the same.`);
	assert.match(await compare("trace2"), /First divergence after \d+ dispatches: A runs .* B runs/);
	for (const side of ["A", "B"]) {
		const panel = await page.locator(`.side[aria-label="Decision of ${side}"]`).textContent();
		for (const part of [/CPU \d picks \S+/, /Decision #\d+ · /, /Why: /, /Candidates \(\d+\)/, /lost because/, /The rule, recomputed/, /What other policies would pick/, /What followed/, /The whole run again/, /kernel\/sched\//])
			assert.match(panel, part, `${side} lacks it`);
	}
	await shot(page, "compare");
	await done(page);
});

test("a page with two traces compares them, shows either, and so does its link", async () => {
	const page = await open("two.html", {hash: "theme=dark&t=1000000-9000000"});
	await page.waitForSelector(".side");
	assert.deepEqual((await span(page)).map(Math.round), [1e6, 9e6]);
	const [a, b] = await page.evaluate(() => [window.fermata.q, window.fermata.other].map((q) => [q.m.about.seed, q.m.decisions.time.length]));
	assert.deepEqual([a[0], b[0]], ["1", "2"]);
	const what = await page.locator('.side[aria-label="Decision of B"] h2').textContent();
	await page.getByRole("button", {name: "show it in B"}).click();
	assert.equal(await heading(page), what, "the decision of B is not what is shown");
	assert.deepEqual(await page.evaluate(() => [window.fermata.q, window.fermata.other].map((q) => [q.m.about.seed, q.m.decisions.time.length])), [b, a]);
	await page.getByRole("button", {name: "swap A and B"}).click();
	await page.waitForFunction(() => window.fermata.q.m.about.seed === "1");
	/* The panels stay where they were scrolled to while the view moves. */
	await page.evaluate(() => {
		document.querySelector(".dockbody").scrollTop = 300;
		window.fermata.setView(2e6, 7e6);
	});
	await page.waitForFunction(() => location.hash.includes("t=2000000-7000000"));
	assert.equal(await page.evaluate(() => document.querySelector(".dockbody").scrollTop), 300);
	const hash = await page.evaluate(() => location.hash.slice(1));
	assert.equal(new URLSearchParams(hash).get("compare").split(",")[0], "sim seed 2");
	await done(page);
	const again = await open("two.html", {hash});
	await again.waitForSelector(".side");
	assert.deepEqual((await span(again)).map(Math.round), [2e6, 7e6]);
	await done(again);
	/* Where the other is not at hand, the link says which it was. */
	const alone = await open("demo.html", {hash});
	assert.equal(await alone.getByRole("button", {name: "Choose its files…"}).count(), 1);
	assert.match(await alone.locator(".dockbody").textContent(), /This link compares the trace with sim seed 2.*: open that one with Compare…/);
	await done(alone);
	const narrow = await open("two.html", {width: 420, height: 800});
	await narrow.waitForSelector(".side");
	assert.ok((await narrow.locator("#timeline").boundingBox()).height > 150, "no room is left for the lanes");
	await done(narrow);
});

test("the run under another policy is made by the panel's command and compared", async () => {
	const page = await open();
	await page.evaluate(() => window.fermata.go({k: "dec", i: 100}));
	await page.locator("aside select").selectOption("fifo");
	const command = await page.locator("aside .command code").first().textContent();
	assert.match(command, /^tools\/sim\/fermata-sim run .*--seed 1 .*--cmdline demo=30 --sched fifo$/);
	execFileSync("/bin/sh", ["-c", command.replace("build/trace/fifo", join(DIR, "fifo"))], {cwd: new URL("../../", import.meta.url), stdio: "ignore"});
	const [chooser] = await Promise.all([page.waitForEvent("filechooser"), page.getByRole("button", {name: "Compare…"}).click()]);
	await chooser.setFiles(readdirSync(join(DIR, "fifo")).map((f) => join(DIR, "fifo", f)));
	await page.waitForFunction(() => window.fermata.other);
	assert.match(await page.locator("#divergence").textContent(), /First divergence after \d+ dispatches/);
	assert.match(await page.locator(".dockbody .sub").first().textContent(), /A is sim seed 1, demo=30, B is sim seed 1, 'demo=30 sched=fifo'/);
	assert.equal(await page.locator(".dockbody .why").count(), 2);
	await page.evaluate(() => {
		document.querySelector(".dockbody").style.height = "330px";
		document.querySelector("aside .command").scrollIntoView({block: "center"});
	});
	await frame(page);
	assert.equal(await page.evaluate(() => document.querySelector("header").getBoundingClientRect().top), 0, "the page itself was scrolled");
	await shot(page, "policy");
	assert.deepEqual(await page.evaluate(() => [...new Set(window.fermata.other.m.tasks.filter((t) => t.tid > 1).map((t) => t.cls))]), [2]);
	await done(page);
});

test("teaching mode asks first, covers what comes, and keeps score", async () => {
	const page = await open();
	await page.evaluate(() => window.fermata.setView(9e6, 14e6));
	await page.getByRole("button", {name: "Learn"}).click();
	assert.match(await heading(page), /Which task does CPU \d take/);
	assert.ok(!(await page.locator("aside").textContent()).includes("Why:"), "the answer is shown before the question is answered");
	assert.ok(await page.evaluate(() => window.fermata.scene.hideFuture <= window.fermata.q.m.decisions.time[window.fermata.scene.sel.i]));
	const [t0, t1] = await span(page);
	const asked = await page.evaluate(() => window.fermata.q.m.decisions.time[window.fermata.scene.sel.i]);
	assert.ok(asked - t0 > (t1 - t0) / 2 && asked < t1, "what led to the decision is not in view");
	await shot(page, "learn");
	const right = await page.evaluate(() => {
		const {q, scene} = window.fermata;
		const w = q.m.decisions.word[scene.sel.i];
		return q.label(q.taskOf(q.u32[w + 6 + q.m.raw[w * 4 + 14] * 6]));
	});
	await page.locator(".choices button", {has: page.getByText(right, {exact: true})}).click();
	assert.match(await page.locator("aside .verdict").first().textContent(), /✓ Right.*1 of 1/);
	await page.keyboard.press("]");
	const wrong = await page.evaluate(() => {
		const {q, scene} = window.fermata;
		const w = q.m.decisions.word[scene.sel.i];
		const n = q.m.raw[w * 4 + 15];
		return q.label(q.taskOf(q.u32[w + 6 + ((q.m.raw[w * 4 + 14] + 1) % n) * 6]));
	});
	await page.locator(".choices button", {has: page.getByText(wrong, {exact: true})}).click();
	assert.match(await page.locator("aside .verdict").first().textContent(), /✗ You said .*1 of 2/);
	await done(page);
});

test("the sequence shows each wake-up, hint and switch of the range", async () => {
	const page = await open("demo.html", {hash: "theme=light&t=20500-24000&tab=sequence"});
	const drawn = await page.locator("svg.msc text").allTextContents();
	const events = await page.evaluate(() => {
		const {q, scene} = window.fermata;
		return q.events(scene.t0, scene.t1, 1e5, (e) => [1, 2, 6].includes(e.id)).length;
	});
	assert.equal(drawn.filter((t) => /^(wakes|hint|runs|.*idle)/.test(t)).length, events);
	await shot(page, "sequence");
	await done(page);
});

test("async lanes, locks, stacks and slack unfold", async () => {
	const page = await open("demo.html", {hash: "theme=dark&groups=async,slack,stacks&t=29000000-44000000"});
	const kinds = await page.evaluate(() => [...new Set(window.fermata.scene.rows.map((r) => r.kind))]);
	for (const kind of ["cpu", "queue", "task", "async", "slack", "lock", "stack"])
		assert.ok(kinds.includes(kind), `no lane of kind ${kind}: ${kinds}`);
	const y = await page.evaluate(() => window.fermata.scene.rows.find((r) => r.kind === "async").y);
	await page.evaluate((to) => { window.fermata.scrollTo(to - 120); }, y);
	await frame(page);
	await shot(page, "async");
	const lock = await page.evaluate(() => {
		const {m} = window.fermata.q;
		const i = m.locks[0].lane.val.findIndex((v) => v > 0);
		return {i, name: window.fermata.q.label(m.locks[0].lane.val[i])};
	});
	await page.evaluate((i) => window.fermata.go({k: "lock", lock: 0, i}), lock.i);
	assert.ok((await heading(page)).endsWith(`is held by ${lock.name}`));
	/* A stack tells who owns it, and who each other one at that time. */
	const stack = await page.evaluate(() => {
		const {m} = window.fermata.q;
		const stack = m.stacks.findIndex((s) => s.lane.val.some((v) => v >= 0x80000000));
		const i = m.stacks[stack].lane.val.findIndex((v) => v >= 0x80000000);
		window.fermata.setView(29e6, 44e6);
		return {stack, i, t: m.stacks[stack].lane.start[i] + 1, task: window.fermata.q.label(m.stacks[stack].lane.val[i] & 0x7fffffff), n: m.stacks.length};
	});
	await page.evaluate(({stack, i}) => window.fermata.go({k: "stack", stack, i}), stack);
	assert.ok((await heading(page)).endsWith(`${stack.task} is frozen on it`));
	assert.equal(await page.locator("aside tbody tr").count(), stack.n);
	const at = await page.evaluate(({stack, t}) => {
		const app = window.fermata;
		app.scrollTo(1e6);
		const row = app.scene.rows.find((r) => r.kind === "stack" && r.index === stack);
		const box = document.getElementById("timeline").getBoundingClientRect();
		app.setView(t - 1e5, t + 1e5);
		return {x: box.left + app.painter.x(app.scene, t + 1000), y: box.top + 26 + row.y - app.scene.scroll + row.h / 2};
	}, stack);
	await page.evaluate(() => window.fermata.select(undefined));
	await page.mouse.click(at.x, at.y);
	assert.ok((await heading(page)).endsWith(`${stack.task} is frozen on it`));
	await page.evaluate(() => window.fermata.setView(29e6, 44e6));
	await frame(page);
	await shot(page, "stacks");
	await done(page);
});

async function exported(page, item) {
	await page.getByRole("button", {name: "Export ▾"}).click();
	const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", {name: item}).click()]);
	const path = join(DIR, download.suggestedFilename());
	await download.saveAs(path);
	return path;
}

test("exports are what their formats say", async () => {
	const page = await open();
	await page.evaluate(() => window.fermata.setView(0, 26e6));
	const svg = readFileSync(await exported(page, "Picture for a paper (SVG)"), "utf8");
	const parsed = await page.evaluate((text) => {
		const doc = new DOMParser().parseFromString(text, "image/svg+xml");
		return [doc.querySelectorAll("parsererror, script").length, [...doc.querySelectorAll("text")].map((t) => t.textContent)];
	}, svg);
	assert.equal(parsed[0], 0);
	assert.ok(["CPU 0", "imu", "lidar", "preempted"].every((t) => parsed[1].includes(t)), parsed[1].join());
	const png = readFileSync(await exported(page, "The lanes in sight (PNG)"));
	assert.deepEqual([...png.subarray(0, 4)], [0x89, 0x50, 0x4e, 0x47]);
	assert.ok(png.readUInt32BE(16) > 1000);
	/* Of a range it is what the view of that range is. */
	await page.evaluate(() => { window.fermata.scene.range = [5e6, 9e6]; });
	const ranged = readFileSync(await exported(page, "The lanes in sight (PNG)"));
	await page.evaluate(() => { window.fermata.scene.range = undefined; window.fermata.setView(5e6, 9e6); });
	assert.deepEqual(readFileSync(await exported(page, "The lanes in sight (PNG)")), ranged);
	assert.notDeepEqual(png, ranged);
	await page.evaluate(() => window.fermata.setView(0, 26e6));
	const rows = readFileSync(await exported(page, "Statistics of the range (CSV)"), "utf8").trim().split("\r\n");
	assert.equal(rows.length, await page.evaluate(() => window.fermata.q.m.tasks.length));
	assert.ok(rows.every((r) => r.split(",").length === 14));
	await page.evaluate(() => window.fermata.setView(window.fermata.q.m.t0, window.fermata.q.m.t1 + 1));
	await exported(page, "Range for Perfetto");
	await done(page);
});

test("notes travel with the trace", async () => {
	const page = await open();
	await page.evaluate(() => window.fermata.go({k: "dec", i: 40}));
	await page.keyboard.press("Shift+M");
	await page.getByRole("textbox", {name: /Note at/}).fill("look <b>here</b>");
	await page.keyboard.press("Enter");
	const file = await exported(page, "Notes (JSON)");
	const again = await open("viewer.html", {ready: false});
	const [chooser] = await Promise.all([again.waitForEvent("filechooser"), again.getByRole("button", {name: "Choose files…"}).click()]);
	await chooser.setFiles([file, ...readdirSync(join(DIR, "trace")).map((f) => join(DIR, "trace", f))]);
	await again.waitForFunction(() => document.documentElement.dataset.state === "ready");
	assert.deepEqual(await again.evaluate(() => window.fermata.scene.notes.map((n) => n.text)), ["look <b>here</b>"]);
	await done(page);
	await done(again);
});

test("everything can be reached with the keyboard", async () => {
	const page = await open();
	await page.keyboard.press("k");
	await page.keyboard.press("j");
	await page.keyboard.press("j");
	assert.match(await page.locator("#live").textContent(), /^Lane /);
	await page.keyboard.press("Enter");
	const first = await heading(page);
	await page.keyboard.press(".");
	assert.ok(await heading(page) !== first || (await page.locator("aside .sub").first().textContent()).length > 0);
	await page.keyboard.press("m");
	assert.ok(await page.evaluate(() => window.fermata.scene.range !== undefined));
	await page.keyboard.press("g");
	await page.getByRole("textbox", {name: "Go to time"}).fill("12.5 ms");
	await page.keyboard.press("Enter");
	const [a, b] = await span(page);
	assert.ok(a < 12.5e6 && b > 12.5e6);
	await page.keyboard.press("?");
	assert.match(await page.locator("dialog[open]").textContent(), /zoom in, out/);
	await page.keyboard.press("Escape");
	await page.keyboard.press("q");
	assert.equal(await page.locator("aside").isVisible(), false);
	await page.keyboard.press("q");
	await page.keyboard.press("t");
	assert.equal(await page.evaluate(() => window.fermata.scene.theme.name), "light");
	/* Tab leads from the timeline into the grid that mirrors its lane. */
	await page.locator("#timeline").focus();
	await page.keyboard.press("Tab");
	assert.equal(await page.evaluate(() => document.activeElement.getAttribute("role")), "gridcell");
	await page.keyboard.press("ArrowRight");
	assert.equal(await page.evaluate(() => document.activeElement.cellIndex), 1);
	await done(page);
});

test("a narrow window and a touch screen work", async () => {
	const page = await open("demo.html", {width: 420, height: 800, hasTouch: true});
	assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= 420), "the page is wider than the window");
	const box = await page.locator("#timeline").boundingBox();
	assert.ok(box.height > 150 && box.width > 400);
	await page.evaluate(() => window.fermata.setView(9e6, 14e6));
	const at = await spot(page, "CPU 1", 11e6);
	await page.touchscreen.tap(at.x, at.y);
	assert.match(await heading(page), /is running on CPU 1/);
	await shot(page, "narrow");
	/* Two fingers that part zoom in where they are. */
	const before = await span(page);
	const touch = await page.context().newCDPSession(page);
	const box2 = await page.locator("#timeline").boundingBox();
	const fingers = (apart) => [box2.x + 280 - apart, box2.x + 280 + apart].map((x, id) => ({x, y: box2.y + 60, id}));
	await touch.send("Input.dispatchTouchEvent", {type: "touchStart", touchPoints: fingers(20)});
	for (const apart of [30, 45, 60])
		await touch.send("Input.dispatchTouchEvent", {type: "touchMove", touchPoints: fingers(apart)});
	await touch.send("Input.dispatchTouchEvent", {type: "touchEnd", touchPoints: []});
	const after2 = await span(page);
	assert.ok(after2[1] - after2[0] < (before[1] - before[0]) * 0.6, `${before} became ${after2}`);
	assert.ok(after2[0] > before[0] && after2[1] < before[1]);
	await done(page);
});

test("nothing in a trace can run as script", async () => {
	const page = await open("hostile.html");
	await page.evaluate(() => {
		for (const tab of ["events", "range", "histogram", "matches", "checks", "sequence"])
			window.fermata.openTab(tab);
	});
	for (let i = 0; i < 12; i++)
		await page.keyboard.press("]");
	assert.ok((await page.evaluate(() => window.fermata.q.m.tasks.map((t) => t.name))).some((n) => n.includes("<img")), "the hostile name is not there");
	assert.equal(await page.locator("aside img, .dockbody img, aside script").count(), 0);
	assert.equal(await page.evaluate(() => window.owned), undefined);
	const inline = await page.evaluate(() => new Promise((ok) => {
		document.addEventListener("securitypolicyviolation", () => ok("refused"));
		const s = document.createElement("script");
		s.textContent = "window.owned = 1";
		document.body.append(s);
		setTimeout(() => ok("allowed"), 500);
	}));
	assert.equal(inline, "refused");
	assert.equal(await page.evaluate(() => window.owned), undefined);
	page.faults = page.faults.filter((f) => !f.includes("Content Security Policy"));
	await done(page);
});

test("a run is followed while it grows", async () => {
	const folder = join(DIR, "growing");
	const put = (from) => {
		mkdirSync(folder, {recursive: true});
		for (const f of readdirSync(join(DIR, from)))
			copyFileSync(join(DIR, from, f), join(folder, f));
	};
	put("trace-begin");
	const server = spawn("/usr/bin/env", ["python3", new URL("../../viewer/live.py", import.meta.url).pathname, join(DIR, "viewer.html"), folder]);
	try {
		const address = await new Promise((ok) => server.stdout.once("data", (d) => ok(String(d).match(/Open (\S+)/)[1])));
		const page = await (await browser.newContext({viewport: {width: 1280, height: 800}})).newPage();
		page.setDefaultTimeout(STALL_MS);
		await page.goto(address);
		await page.waitForFunction(() => document.documentElement.dataset.state === "ready");
		const first = await page.evaluate(() => [window.fermata.q.m.events, window.fermata.scene.t1]);
		put("trace");
		await page.waitForFunction((n) => window.fermata.q.m.events > n, first[0]);
		const second = await page.evaluate(() => [window.fermata.q.m.events, window.fermata.scene.t1]);
		assert.ok(second[1] > first[1], "the view at the end goes on with it");
		const files = readdirSync(join(DIR, "trace")).sort().filter((f) => f.startsWith("channel")).map((f) => readFileSync(join(DIR, "trace", f)));
		assert.equal(await page.evaluate(() => window.fermata.q.m.raw.reduce((sum, b, i) => (sum * 31 + b) % 1000003, 0)),
			Buffer.concat(files).reduce((sum, b) => (sum * 31 + b) % 1000003, 0), "it is another trace than the files'");
		/* Nobody without the path gets anything. */
		const stranger = await page.evaluate((port) => new Promise((ok) => {
			const s = new WebSocket(`ws://127.0.0.1:${port}/guessed`);
			s.onopen = () => ok("let in");
			s.onerror = () => ok("refused");
		}), /live=(\d+)/.exec(address)[1]);
		assert.equal(stranger, "refused");
		await page.context().close();
	} finally {
		server.kill();
	}
});

test("violated invariants are marked at their event", async () => {
	const page = await open("violated.html");
	const flags = await page.evaluate(() => window.fermata.q.m.flags.filter((f) => f.kind === "violation").length);
	assert.ok(flags > 0);
	assert.match(await page.locator("aside").textContent(), /Look here first/);
	await page.locator("aside li button").first().click();
	assert.match(await heading(page), /Invariant \w+ is violated/);
	await shot(page, "violation");
	await done(page);
});

/** Chooses files for a page whose dialog opens by a click on a button, and waits for what comes of it. */
async function give(page, files, button = "Choose files…") {
	await page.evaluate(() => delete document.documentElement.dataset.state);
	const [chooser] = await Promise.all([page.waitForEvent("filechooser"), page.getByRole("button", {name: button}).click()]);
	await chooser.setFiles(files);
	await page.waitForFunction(() => document.documentElement.dataset.state);
	return page.evaluate(() => document.documentElement.dataset.state);
}

test("a folder, one file of it, and a gz open, and a cut one shows what could be read", async () => {
	const page = await open("viewer.html", {ready: false});
	const count = () => page.evaluate(() => window.fermata.q.m.events);
	assert.equal(await give(page, join(DIR, "trace"), "Choose a folder…"), "ready");
	const all = await count();
	assert.equal(await page.evaluate(() => window.fermata.q.m.problems.length), 0);
	execFileSync("tar", ["-czf", join(DIR, "whole.tar.gz"), "-C", DIR, "trace"]);
	assert.equal(await give(page, join(DIR, "whole.tar.gz"), "Open…"), "ready");
	assert.equal(await count(), all);
	assert.equal(await give(page, join(DIR, "trace/channel0_2"), "Open…"), "ready");
	assert.ok(await count() < all);
	assert.match(await page.locator(".dockbody").textContent(), /metadata0not given: times are taken to be nanoseconds/);
	const gz = readFileSync(join(DIR, "whole.tar.gz"));
	writeFileSync(join(DIR, "cut.tar.gz"), gz.subarray(0, gz.length * 0.8));
	assert.equal(await give(page, join(DIR, "cut.tar.gz"), "Open…"), "ready");
	const cut = await count();
	assert.ok(cut > 100 && cut < all, `${cut} of ${all}`);
	assert.match(await page.locator(".dockbody").textContent(), new RegExp(`cut\\.tar\\.gz${Math.floor(gz.length * 0.8)}the gz data is damaged or cut; \\d+ bytes could be unpacked`));
	await done(page);
});

test("an empty file, a foreign one and an enormous one get a message", async () => {
	const page = await open("viewer.html", {ready: false});
	writeFileSync(join(DIR, "empty"), "");
	writeFileSync(join(DIR, "letter.txt"), "Dear reader,\n");
	truncateSync((writeFileSync(join(DIR, "enormous"), Buffer.from([7])), join(DIR, "enormous")), 3e9);
	for (const [name, says] of [["empty", /empty, byte 0: the file is empty/], ["letter.txt", /letter\.txt, byte 0: is text, and neither a trace's metadata/], ["enormous", /enormous has 3 GB: of which a page can hold 2\. .*fermata-trace cut/]]) {
		assert.equal(await give(page, join(DIR, name)), "error");
		assert.match(await page.locator("[role=alert]").textContent(), says);
	}
	/* The message has the whole window, however wide that is. */
	for (const width of [1280, 900, 420]) {
		await page.setViewportSize({width, height: 700});
		const box = await page.locator(".drop").boundingBox();
		assert.ok(box.width === width && box.height > 500, `${width} wide: ${JSON.stringify(box)}`);
	}
	assert.equal(await give(page, join(DIR, "trace"), "Choose a folder…"), "ready");
	await done(page);
});

test("every key of the help does what it says", async () => {
	const page = await open("demo.html", {hash: "theme=dark&t=4000000-16000000", height: 620});
	const state = () => page.evaluate(() => {
		const {scene: s, row, tab, side, playing, teaching, onlyActive} = window.fermata;
		return {t0: s.t0, t1: s.t1, scroll: s.scroll, sel: JSON.stringify(s.sel ?? null), range: JSON.stringify(s.range ?? null), pins: [...s.pins].join(), theme: s.theme.name, row, side, rows: s.rows.length,
			dialog: document.querySelectorAll("dialog[open]").length, focus: document.activeElement.id, learn: document.getElementById("learn").getAttribute("aria-pressed"), playing, input: document.getElementById("filter").value};
	});
	/** What the key changes; "view?": it may bring into view what it selects. */
	const changes = async (key, ...what) => {
		const was = await state();
		await page.keyboard.press(key);
		const is = await state();
		const moves = what.includes("view?") ? ["t0", "t1", "scroll"] : [];
		assert.deepEqual(Object.keys(is).filter((k) => is[k] !== was[k] && !moves.includes(k)).sort(), what.filter((w) => w !== "view?").sort(), `${key}: ${JSON.stringify(was)} became ${JSON.stringify(is)}`);
	};
	await changes("w", "t0", "t1");
	await changes("s", "t0", "t1");
	for (const key of ["a", "d", "ArrowLeft", "ArrowRight"])
		await changes(key, "t0", "t1");
	await changes("ArrowDown", "scroll");
	await changes("ArrowUp", "scroll");
	await changes("]", "sel", "row");
	await page.keyboard.press("]");
	await page.keyboard.press("[");
	assert.equal((await state()).sel, JSON.stringify({k: "dec", i: await page.evaluate(() => window.fermata.q.m.decisions.time.findIndex((t) => t > 4e6))}));
	await changes("Escape", "sel");
	await page.evaluate(() => { window.fermata.row = 1; });
	await changes("j", "row");
	await changes("k", "row");
	await changes("Enter", "sel");
	await changes(".", "sel", "view?");
	await changes(",", "sel", "view?");
	await changes("p", "pins", "rows");
	await changes("p", "pins", "rows");
	await changes("m", "range");
	await changes("f", "t0", "t1");
	await changes("Escape", "range", "sel");
	await changes("f", "t0", "t1");
	await changes("Shift+M", "dialog", "focus");
	await changes("Escape", "dialog", "focus");
	await changes("g", "dialog", "focus");
	await changes("Escape", "dialog", "focus");
	await changes("?", "dialog", "focus");
	await page.keyboard.press("Escape");
	await page.locator("#timeline").focus();
	await changes("t", "theme");
	await changes("q", "side");
	await changes("q", "side");
	await page.evaluate(() => window.fermata.setView(31e6, 34e6));
	await changes("i", "rows");
	await changes("i", "rows");
	await changes("/", "focus");
	await page.keyboard.type("state=preempted");
	await page.keyboard.press("Enter");
	const first = (await state()).sel;
	await page.keyboard.press("n");
	assert.notEqual((await state()).sel, first);
	await page.keyboard.press("Escape");
	await page.evaluate(() => { window.fermata.scrollTo(0); window.fermata.setView(4e6, 16e6); });
	await changes("l", "learn", "sel", "row", "view?");
	await page.keyboard.press("l");
	/* Playing goes on by itself until it is told to stop. */
	await page.keyboard.press("Space");
	assert.equal((await state()).playing, true);
	const began = (await state()).sel;
	await page.waitForFunction((sel) => JSON.stringify(window.fermata.scene.sel) !== sel, began);
	await page.keyboard.press("Space");
	assert.equal((await state()).playing, false);
	await done(page);
});

test("arrows are drawn for all when they are few, else for the selection", async () => {
	const page = await open("demo.html", {hash: "theme=dark&t=0-3000000"});
	await page.evaluate(() => {
		const draw = CanvasRenderingContext2D.prototype.bezierCurveTo;
		CanvasRenderingContext2D.prototype.bezierCurveTo = function (...a) {
			window.arrows++;
			return draw.apply(this, a);
		};
	});
	const {q} = await page.evaluate(() => ({q: [...window.fermata.q.m.wakes.time].sort((a, b) => a - b)}));
	const end = q[Math.min(20, q.length - 1)] + 1;
	await page.evaluate((t) => { window.arrows = 0; window.fermata.setView(window.fermata.q.m.t0, t); }, end);
	await frame(page);
	const near = await page.evaluate(() => window.arrows);
	assert.ok(near >= 8 && near <= 100, `${near} arrows for the first 20 wake-ups`);
	/* Events of a trace that has many more than are shown at once. */
	const many = await open("violated.html");
	await many.evaluate(() => {
		const {m} = window.fermata.q;
		window.few = m.wakes.time.length + m.sends.time.length;
	});
	if (await many.evaluate(() => window.few) >= 300) {
		await many.evaluate(() => {
			window.arrows = 0;
			const draw = CanvasRenderingContext2D.prototype.bezierCurveTo;
			CanvasRenderingContext2D.prototype.bezierCurveTo = function (...a) {
				window.arrows++;
				return draw.apply(this, a);
			};
			window.fermata.setView(window.fermata.q.m.t0, window.fermata.q.m.t1);
		});
		await frame(many);
		assert.equal(await many.evaluate(() => window.arrows), 0);
		await many.evaluate(() => window.fermata.go({k: "state", task: 1, i: 0}));
		await many.evaluate(() => { const {m} = window.fermata.q; window.fermata.setView(m.t0, m.t1); });
		await frame(many);
		assert.ok(await many.evaluate(() => window.arrows) > 0);
	}
	await done(page);
	await done(many);
});

test("what was lost is drawn crossed, never as idle", async () => {
	const page = await open("lost.html");
	const seen = await page.evaluate(async () => {
		const app = window.fermata;
		const lost = app.q.m.lost.find((l) => l.to - l.from > 10 && l.from > app.q.m.t0);
		app.openTab("");
		app.setView(lost.from, lost.to);
		await new Promise((ok) => requestAnimationFrame(() => requestAnimationFrame(ok)));
		const c = document.getElementById("timeline");
		const row = app.scene.rows.find((r) => r.kind === "cpu" && app.q.m.cpus[r.index].cpu === lost.cpu);
		const {data} = c.getContext("2d").getImageData(160, 26 + row.y - app.scene.scroll + 8, c.width - 180, 20);
		const seen = {};
		for (let i = 0; i < data.length; i += 4) {
			const hex = "#" + [...data.subarray(i, i + 3)].map((v) => v.toString(16).padStart(2, "0")).join("");
			seen[hex] = (seen[hex] ?? 0) + 4 / data.length;
		}
		return {seen, theme: app.scene.theme};
	});
	const share = seen.seen[seen.theme.state.unknown] ?? 0;
	assert.ok(share > 0.15 && share < 0.6, `${share} of the lane is crossed: ${JSON.stringify(seen.seen)}`);
	assert.match(await page.locator("aside").textContent(), /what they may have changed is drawn as unknown/);
	await done(page);
});

test("no text is smaller than 12 px, on the page, in the picture and in exports", async () => {
	const page = await open("demo.html", {hash: "theme=dark&tab=range&groups=async,slack,stacks"});
	await page.evaluate(() => {
		const least = window.least = [];
		const write = CanvasRenderingContext2D.prototype.fillText;
		CanvasRenderingContext2D.prototype.fillText = function (...a) {
			least.push(parseFloat(this.font));
			return write.apply(this, a);
		};
		window.fermata.go({k: "dec", i: 100});
	});
	await frame(page);
	const drawn = await page.evaluate(() => window.least);
	assert.ok(drawn.length > 20 && Math.min(...drawn) >= 12, `${Math.min(...drawn)} px in the picture`);
	for (const tab of ["events", "range", "histogram", "checks", "sequence"]) {
		await page.evaluate((t) => window.fermata.openTab(t), tab);
		const small = await page.evaluate(() => [...document.querySelectorAll("body *")].filter((e) => [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim()) && e.tagName !== "SCRIPT" && parseFloat(getComputedStyle(e).fontSize) < 12).map((e) => e.outerHTML.slice(0, 80)));
		assert.deepEqual(small, [], tab);
	}
	const svg = readFileSync(await exported(page, "Picture for a paper (SVG)"), "utf8");
	assert.ok([...svg.matchAll(/font-size="([\d.]+)"/g)].every((m) => Number(m[1]) >= 12), "small text in the SVG");
	await done(page);
});

test("releases, deadlines and decisions are marked where they are, and misses in the overview", async () => {
	const page = await open("demo.html", {hash: "theme=dark&t=4000000-16000000"});
	const seen = await page.evaluate(() => {
		const {q, scene, painter} = window.fermata;
		const {m} = q;
		const ctx = document.getElementById("timeline").getContext("2d");
		const at = (x, y) => [...ctx.getImageData(Math.round(x), Math.round(y), 1, 1).data].slice(0, 3);
		const hex = (h) => [1, 3, 5].map((i) => parseInt(h.slice(i, i + 2), 16));
		const task = m.tasks.findIndex((t) => t.name === "wheel");
		const row = scene.rows.find((r) => r.kind === "task" && r.index === task);
		const top = 26 + row.y - scene.scroll;
		const job = [...m.jobs.task.keys()].find((j) => m.jobs.task[j] === task && m.jobs.release[j] > scene.t0 && m.jobs.deadline[j] < scene.t1 * 1.3 && m.jobs.release[j] < scene.t1);
		const dec = m.decisions.time.findIndex((t, i) => t > 6e6 && m.decisions.flags[i] & 1 && Math.abs(t - m.decisions.time[i + 1]) > 3e5 && Math.abs(t - m.decisions.time[i - 1]) > 3e5);
		const cpu = scene.rows.find((r) => r.kind === "cpu" && m.cpus[r.index].cpu === m.decisions.cpu[dec]);
		const dx = painter.x(scene, m.jobs.deadline[job]);
		return {release: [at(painter.x(scene, m.jobs.release[job]), top + row.h - 4), hex(scene.theme.cls.edf)], decision: [at(painter.x(scene, m.decisions.time[dec]), 26 + cpu.y - scene.scroll + 36), hex(scene.theme.text)],
			deadline: [-3, -2, -1, 0, 1, 2, 3].some((k) => at(dx + k, top + 1).join() !== hex(scene.theme.bg).join())};
	});
	assert.deepEqual(seen.release[0], seen.release[1]);
	assert.deepEqual(seen.decision[0], seen.decision[1]);
	assert.ok(seen.deadline);
	await done(page);
	for (const [name, any] of [["violated.html", true], ["demo.html", false]]) {
		const other = await open(name);
		await frame(other);
		const red = await other.evaluate(() => {
			const c = document.querySelector(".over canvas");
			const {data} = c.getContext("2d").getImageData(0, 0, c.width, 4);
			const want = parseInt(window.fermata.scene.theme.danger.slice(1), 16);
			let n = 0;
			for (let i = 0; i < data.length; i += 4)
				n += (data[i] << 16 | data[i + 1] << 8 | data[i + 2]) === want ? 1 : 0;
			return n;
		});
		assert.equal(red > 0, any, `${red} red pixels in the overview of ${name}`);
		await done(other);
	}
});

test("who wants no motion gets none", async () => {
	for (const [reducedMotion, expected] of [["reduce", "0s"], ["no-preference", "0.12s"]]) {
		const page = await open("demo.html", {reducedMotion});
		const found = await page.evaluate(() => [...new Set([...document.querySelectorAll("body *")].flatMap((e) => [getComputedStyle(e).transitionDuration, getComputedStyle(e).animationDuration]))].filter((d) => d !== "0s"));
		assert.deepEqual(found, expected === "0s" ? [] : [expected]);
		await done(page);
	}
});

test("the theme follows the system until one is chosen", async () => {
	for (const colorScheme of ["dark", "light"]) {
		const page = await open("demo.html", {hash: "", colorScheme});
		assert.equal(await page.evaluate(() => window.fermata.scene.theme.name), colorScheme);
		await page.keyboard.press("t");
		assert.notEqual(await page.evaluate(() => window.fermata.scene.theme.name), colorScheme);
		await done(page);
	}
});

test("the grid has what the chosen lane shows, and goes with it", async () => {
	const page = await open("demo.html", {hash: "theme=dark&t=4000000-16000000"});
	for (let k = 0; k < 9; k++) {
		await page.keyboard.press("j");
		const [shown, lane] = await page.evaluate(() => {
			const app = window.fermata;
			const row = app.scene.rows[app.row];
			const {m} = app.q;
			const lane = row.kind === "cpu" ? m.cpus[row.index].lane : row.kind === "queue" ? m.queue : m.tasks[row.index].lane;
			let n = 0;
			lane.start.forEach((t, i) => n += t < app.scene.t1 && (lane.start[i + 1] ?? m.t1) > app.scene.t0 ? 1 : 0);
			return [document.querySelector("[role=grid]").getAttribute("aria-label") + " " + document.querySelectorAll("[role=grid] tbody tr").length, `${row.label}, ${Math.min(40, n)} steps in view ${Math.min(40, n)}`];
		});
		assert.equal(shown, lane);
	}
	await done(page);
});

for (const theme of ["dark", "light"])
	test(`the picture has every state it tells of, ${theme}`, async () => {
		const page = await open("demo.html", {hash: `theme=${theme}&t=0-26000000`, height: 1000});
		await frame(page);
		const found = await page.evaluate(() => {
			const c = document.getElementById("timeline");
			const {data} = c.getContext("2d").getImageData(0, 0, c.width, c.height);
			const seen = new Map();
			for (let i = 0; i < data.length; i += 4)
				seen.set(data[i] << 16 | data[i + 1] << 8 | data[i + 2], (seen.get(data[i] << 16 | data[i + 1] << 8 | data[i + 2]) ?? 0) + 1);
			const {state, cls} = window.fermata.scene.theme;
			const hex = (h) => seen.get(parseInt(h.slice(1), 16)) ?? 0;
			return {running: hex(state.running), ready: hex(state.ready), preempted: hex(state.preempted), irq: hex(state.irq), edf: hex(cls.edf), rt: hex(cls.rt)};
		});
		for (const [name, n] of Object.entries(found))
			assert.ok(n > 20, `${name} is drawn in ${n} pixels`);
		if (theme === "light")
			await shot(page, theme);
		await done(page);
	});

for (const theme of ["dark", "light"])
	test(`no serious finding of axe, ${theme}`, async () => {
		const page = await open("demo.html", {hash: `theme=${theme}&tab=range`, bypassCSP: true});
		await page.keyboard.press("]");
		await page.evaluate(AXE);
		const found = await page.evaluate(async () => (await window.axe.run()).violations.filter((v) => ["serious", "critical"].includes(v.impact))
			.map((v) => `${v.id}: ${v.nodes.map((n) => n.html.slice(0, 160)).join(" | ")}`));
		assert.deepEqual(found, []);
		await done(page);
	});
