/**
 * Measures the viewer in headless Chromium and prints `metric value unit`, one a line:
 *   node bench.mjs VIEWER_HTML [EVENTS...]     default: 1000000 10000000
 * Times of a busy machine say little alone: NAME.ratio is the time over that of a plain loop over 64 MiB,
 * run in the same browser just before.
 */
import {execFileSync} from "node:child_process";
import {mkdtempSync, readdirSync, readFileSync, rmSync, statSync} from "node:fs";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {inflateRawSync} from "node:zlib";
import {chromium} from "../../viewer/node_modules/playwright-core/index.mjs";

const [viewer, ...wanted] = process.argv.slice(2);
const sizes = wanted.length ? wanted.map(Number) : [1e6, 1e7];
const folder = mkdtempSync(join(tmpdir(), "viewer-bench-"));
const say = (name, value, unit) => console.log(name, typeof value === "number" ? +value.toPrecision(4) : value, unit);
const browser = await chromium.launch({executablePath: process.env.FERMATA_CHROMIUM ?? "/usr/bin/chromium",
	args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"]});

/** Milliseconds of a loop that reads 64 MiB, the best of five. */
const reference = (page) => page.evaluate(() => {
	const a = new Uint32Array(1 << 24);
	let best = Infinity;
	for (let k = 0; k < 5; k++) {
		const begin = performance.now();
		let sum = 0;
		for (let i = 0; i < a.length; i++)
			sum = sum + (a[i] ^ i) | 0;
		window.sink = sum;
		best = Math.min(best, performance.now() - begin);
	}
	return best;
});

/** CPU time of this browser's threads of that name: what a machine that others use, too, does not change. */
async function cpuMs(name) {
	let sum = 0;
	const session = await browser.newBrowserCDPSession();
	const {processInfo} = await session.send("SystemInfo.getProcessInfo");
	await session.detach();
	for (const {id} of processInfo) {
		for (const thread of readdirSync(`/proc/${id}/task`)) {
			const at = `/proc/${id}/task/${thread}`;
			if (readFileSync(`${at}/comm`, "utf8").startsWith(name))
				sum += Number(readFileSync(`${at}/schedstat`, "utf8").split(" ")[0]) / 1e6;
		}
	}
	return sum;
}

async function measure(events) {
	const name = `viewer.${events / 1e6}M`;
	const file = join(folder, `${events}.ctf`);
	execFileSync("node", [new URL("bigtrace.mjs", import.meta.url).pathname, String(events), events > 2e6 ? "16" : "8", file]);
	const page = await browser.newPage({viewport: {width: 1600, height: 900}});
	await page.addInitScript(() => { Worker.prototype.terminate = () => undefined; }); /* so that its CPU time can be read */
	await page.goto(`file://${viewer}#theme=dark`);
	const loop = await reference(page);
	const cpuBefore = await cpuMs("DedicatedWorker");
	const [chooser] = await Promise.all([page.waitForEvent("filechooser"), page.getByRole("button", {name: "Choose files…"}).click()]);
	await chooser.setFiles(file);
	await page.waitForFunction(() => document.documentElement.dataset.state, null, {timeout: 300_000});
	const read = await page.evaluate(() => window.fermata.q.m.events);
	if (read < events)
		throw new Error(`${read} of ${events} events were read`);
	const ready = Number(await page.evaluate(() => document.documentElement.dataset.readyMs));
	say(`${name}.ready`, ready, "ms");
	say(`${name}.ready.reader_cpu`, await cpuMs("DedicatedWorker") - cpuBefore, "ms");
	await page.evaluate(() => new Promise((ok) => requestAnimationFrame(() => setTimeout(ok))));
	say(`${name}.first_frame`, await page.evaluate(() => window.fermata.frames[0]), "ms");
	say(`${name}.ready.ratio`, ready / loop, "x");
	say(`${name}.arrays`, await page.evaluate(() => {
		const seen = new Set();
		let sum = 0;
		const walk = (v, depth) => {
			if (ArrayBuffer.isView(v)) {
				if (!seen.has(v.buffer))
					sum += v.buffer.byteLength;
				seen.add(v.buffer);
			} else if (v && typeof v === "object" && depth < 6) {
				Object.values(v).forEach((x) => walk(x, depth + 1));
			}
		};
		const {raw, ...rest} = window.fermata.q.m;
		seen.add(raw.buffer);
		walk(rest, 0);
		return sum / 1e6;
	}), "MB");
	const frames = await page.evaluate(async () => {
		const app = window.fermata;
		const {t0, t1} = app.q.m;
		const all = t1 - t0;
		const out = {};
		const run = async (what, n, view) => {
			app.frames.length = 0;
			for (let i = 0; i < n; i++) {
				app.setView(...view(i));
				await new Promise((ok) => requestAnimationFrame(() => setTimeout(ok)));
			}
			out[what] = app.frames.slice().sort((a, b) => a - b);
		};
		await run("warm", 12, (i) => [t0, t1 - i]);
		await run("zoom", 120, (i) => [t0 + all * 0.4, t0 + all * (0.4 + 0.6 * 0.9 ** i)]);
		await run("pan", 120, (i) => [t0 + i * all / 1e4, t1 - all / 80 + i * all / 1e4]);
		await run("near", 120, (i) => [t0 + all / 2 + i * 1e5, t0 + all / 2 + i * 1e5 + 2e6]);
		return out;
	});
	for (const what of ["zoom", "pan", "near"]) {
		const f = frames[what];
		say(`${name}.frame.${what}.p50`, f[f.length >> 1], "ms");
		say(`${name}.frame.${what}.p95`, f[Math.floor(f.length * 0.95)], "ms");
		say(`${name}.frame.${what}.p95.ratio`, f[Math.floor(f.length * 0.95)] / loop, "x");
	}
	await page.close();
}

try {
	say("viewer.bundle", statSync(viewer).size / 1000, "kB");
	say("viewer.bundle.unpacked", inflateRawSync(Buffer.from(/id="main">([^<]+)</.exec(readFileSync(viewer, "latin1"))[1], "base64")).length / 1000, "kB");
	const paints = [];
	for (let i = 0; i < 9; i++) {
		const page = await browser.newPage();
		await page.goto(`file://${viewer}`);
		paints.push(await page.evaluate(() => new Promise((ok) => new PerformanceObserver((list) => ok(list.getEntries()[0].startTime)).observe({type: "paint", buffered: true}))));
		await page.close();
	}
	say("viewer.first_paint", paints.sort((a, b) => a - b)[4], "ms");
	for (const n of sizes)
		await measure(n);
} finally {
	await browser.close();
	rmSync(folder, {recursive: true});
}
