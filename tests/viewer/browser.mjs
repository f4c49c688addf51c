/**
 * The page in a real Chromium, used as a person would. Run by test_browser.py, which makes the pages
 * and reads the results: node --test browser.mjs, with FERMATA_PAGES naming a folder of
 *   demo.html     the simulator's demo, seed 1        viewer.html  the page without a trace
 *   trace/        the same trace as files             shots/       where pictures go
 */
import assert from "node:assert/strict";
import {readdirSync, readFileSync, writeFileSync} from "node:fs";
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
async function open(name = "demo.html", {hash = "theme=dark", width = 1600, height = 1000, ready = true, ...more} = {}) {
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

const span = (page) => page.evaluate(() => [window.fermata.scene.t0, window.fermata.scene.t1]);
const heading = (page) => page.locator("aside h2").first().textContent();
/** Frames are drawn when something changed; this waits for the one that is due. */
const frame = (page) => page.evaluate(() => new Promise((ok) => requestAnimationFrame(() => requestAnimationFrame(ok))));

test("the trace in the page opens by itself", async () => {
	const page = await open();
	assert.match(await heading(page), /events of 4 CPUs/);
	assert.match(await page.locator("aside").textContent(), /Every recorded decision is what its candidates say/);
	assert.match(await page.title(), /sim seed 1/);
	await page.screenshot({path: join(DIR, "shots/overview.png")});
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
	await page.screenshot({path: join(DIR, "shots/decision.png")});
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

test("what is no trace gets a message with byte and reason", async () => {
	const page = await open("viewer.html", {ready: false});
	writeFileSync(join(DIR, "junk.bin"), Buffer.from([0, 1, 2, 3, 4, 5, 6, 7, 8]));
	const [chooser] = await Promise.all([page.waitForEvent("filechooser"), page.getByRole("button", {name: "Choose files…"}).click()]);
	await chooser.setFiles(join(DIR, "junk.bin"));
	await page.waitForFunction(() => document.documentElement.dataset.state === "error");
	assert.match(await page.locator("[role=alert]").textContent(), /junk\.bin, byte 0: begins with 0x03020100/);
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
