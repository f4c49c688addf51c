/**
 * Cut, torn and hostile files: node fuzz.mjs ROUNDS FILES... damages the trace in ROUNDS ways. Each must
 * end with a model whose lanes are in order, and say at least one problem when something was lost.
 */
import assert from "node:assert/strict";
import {readFileSync} from "node:fs";
import {basename} from "node:path";
import {build} from "../../viewer/src/build.js";
import {explain} from "../../viewer/src/explain.js";
import {parse, matches} from "../../viewer/src/filter.js";
import {open, type Given} from "../../viewer/src/input.js";
import type {Model} from "../../viewer/src/model.js";
import {Query} from "../../viewer/src/query.js";
import {cpuStats, taskStats} from "../../viewer/src/stats.js";
import {eventText, LAYOUTS} from "../../viewer/src/decode.js";

const rounds = Number(process.argv[2]);
const whole: Given[] = process.argv.slice(3).map((f) => ({name: basename(f), bytes: new Uint8Array(readFileSync(f))}));
let state = 7;
const rnd = (n: number): number => Math.floor((state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 4294967296 * n);

function damage(g: Given): Given {
	const b = g.bytes.slice();
	switch (rnd(6)) {
	case 0: return {name: g.name, bytes: b.slice(0, rnd(b.length))};
	case 1:
		for (let k = 0; k <= rnd(20); k++)
			b[rnd(b.length)] = rnd(256);
		return {name: g.name, bytes: b};
	case 2: {
		const at = rnd(b.length);
		return {name: g.name, bytes: Uint8Array.from([...b.slice(0, at), ...b.slice(at + rnd(200))])};
	}
	case 3: b.fill(0xff, rnd(b.length), rnd(b.length)); return {name: g.name, bytes: b};
	case 4: b.fill(0, rnd(b.length), rnd(b.length)); return {name: g.name, bytes: b};
	default:
		for (let at = 0; at < Math.min(80, b.length); at++)
			if (rnd(8) === 0)
				b[at] = rnd(256);
		return {name: g.name, bytes: b};
	}
}

/** What both ways of reading find, whatever a number has become that orders nothing any more. */
const shape = (m: Model): string => JSON.stringify([m.t0, m.t1, m.events, m.problems, m.lost]);

async function survive(given: Given[], what: string, both = false): Promise<void> {
	const model = build(await open(given));
	if (both)
		assert.ok(shape(model) === shape(build(await open(given), true)), `${what}: read in turn it is not what it is read by time`);
	for (const lane of [...model.cpus.map((c) => c.lane), ...model.tasks.map((t) => t.lane), model.queue, ...model.locks.map((l) => l.lane), ...model.stacks.map((s) => s.lane)])
		for (let i = 1; i < lane.start.length; i++)
			assert.ok(lane.start[i]! >= lane.start[i - 1]! && Number.isFinite(lane.start[i]!), `${what}: a lane goes back`);
	for (const p of model.problems)
		assert.ok(p.byte >= 0 && p.text.length > 10, `${what}: ${JSON.stringify(p)}`);
	const q = new Query(model);
	for (let i = 0; i < Math.min(30, model.decisions.time.length); i++)
		explain(q, rnd(model.decisions.time.length));
	for (let i = 1; i < model.tasks.length; i++) {
		taskStats(q, i, model.t0, model.t1);
		q.stateAt(i, (model.t0 + model.t1) / 2);
	}
	model.cpus.forEach((_, i) => cpuStats(q, i, model.t0, model.t1));
	for (const e of q.events(model.t0, model.t1, 200))
		if (LAYOUTS[e.id])
			eventText(LAYOUTS[e.id]!, q.fields(e.word), (t) => q.nameOf(t));
	matches(q, parse(q, "state=ready dur>1us"), 10);
	q.queueAt(model.t0 + 5);
}

for (let round = 0; round < rounds; round++) {
	const hit = rnd(whole.length);
	await survive(whole.map((g, i) => i === hit || rnd(4) === 0 ? damage(g) : g), `round ${round}`, round % 2 === 0);
}
/* A decision that says of more candidates than it has, and is sound otherwise. */
const more = whole.map((g) => ({name: g.name, bytes: g.bytes.slice()}));
for (const {name, bytes} of more) {
	const view = new DataView(bytes.buffer);
	for (let at = 80; name.startsWith("channel") && at + 16 < bytes.length && view.getUint16(at + 6, true); at += view.getUint16(at + 6, true) * 8)
		if (view.getUint16(at + 4, true) === 10) {
			bytes[at + 15]!++;
			break;
		}
}
await survive(more, "a candidate too many", true);
assert.match(build(await open(more)).problems[0]!.text, /a record of event sched_decision has \d+ bytes, which that event cannot have/);
await survive([], "no file");
await survive([{name: "x.gz", bytes: Uint8Array.of(0x1f, 0x8b, 8, 0, 1, 2, 3)}], "broken gz");
const tar = new Uint8Array(1024);
tar.set(new TextEncoder().encode("ustar"), 257);
tar.set(new TextEncoder().encode("99999999999"), 124);
tar[0] = 65;
await survive([{name: "x.tar", bytes: tar}], "tar that promises too much");
console.log(`${rounds} rounds`);
