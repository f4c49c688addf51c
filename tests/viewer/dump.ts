/** Prints as JSON what the viewer makes of files: for comparison with readers that share no code with it. */
import {readFileSync} from "node:fs";
import {basename} from "node:path";
import {build, buildWhileRead} from "../../viewer/src/build.js";
import {LAYOUTS, decode, eventText} from "../../viewer/src/decode.js";
import {about, open, type Given} from "../../viewer/src/input.js";
import {merge} from "../../viewer/src/merge.js";
import {detailOf, stateOf, type Lane, type Model} from "../../viewer/src/model.js";
import {packets} from "../../viewer/src/packets.js";
import {hintLink, wakeLinks, type End} from "../../viewer/src/links.js";
import {Query, queued} from "../../viewer/src/query.js";
import {explain} from "../../viewer/src/explain.js";
import {classes, debugAt, replayTo, rerun} from "../../viewer/src/rerun.js";
import {cpuStats, taskStats} from "../../viewer/src/stats.js";
import {parse} from "../../viewer/src/filter.js";

const files = process.argv.slice(2);
const given = () => files.map((f) => ({name: basename(f), bytes: new Uint8Array(readFileSync(f))}));
const input = await open(given());
const model = build(input);
const q = new Query(model);
const u32 = q.u32;
const lines: string[] = [];
/* Bytes that come at once; about a third of a packet. */
const BIT = 1400;
const ns = (ticks: number): number => model.nsPerTick === 1 ? ticks : Math.floor(ticks * model.nsPerTick);
const again = await open(given());
about(again);
merge(packets(again), u32, (w, id, ticks, cpu) => {
	const l = LAYOUTS[id];
	const t = ns(ticks);
	const time = `${Math.floor(t / 1e9)}.${String(t % 1e9).padStart(9, "0")}`;
	lines.push(l ? `[${time}] CPU ${cpu} ${eventText(l, decode(q.view, l, (w + 2) * 4), (tid) => q.nameOf(tid))}` : `unknown ${id}`);
});
const steps = (lane: Lane): [number, number][] => [...lane.start].map((t, i) => [t, lane.val[i]!]);
const end = (e: End): unknown => ({lane: e.lane, id: e.lane === "cpu" ? model.cpus[e.index]!.cpu : model.tasks[e.index]!.tid, time: e.time});
/* What both ways of reading must agree on: all but the exact order of what is no operation. */
const shape = (m: Model): string => JSON.stringify([m.t0, m.t1, m.events, m.cpus, m.tasks, m.decisions, m.wakes, m.sends, m.jobs, m.queue, m.locks, m.lockWaiters, m.stacks, m.flags],
	(_k, v: unknown) => ArrayBuffer.isView(v) ? [...v as Float64Array].map(String) : v);
/* The same files, all in one piece of memory, into which they come bit by bit. */
const coming = (): Given[] => {
	const whole = given();
	const all = new ArrayBuffer(whole.reduce((sum, g) => sum + (g.bytes.length + 7 & ~7), 0));
	let at = 0;
	return whole.map((g) => {
		if (!g.name.startsWith("channel"))
			return g;
		const bytes = new Uint8Array(all, at, g.bytes.length);
		at += g.bytes.length + 7 & ~7;
		const part = {got: 0, more: async () => {
			bytes.set(g.bytes.subarray(part.got, part.got + BIT), part.got);
			part.got = Math.min(part.got + BIT, bytes.length);
		}};
		void part.more();
		return {name: g.name, bytes, coming: part};
	});
};
const whileRead = async (share: number): Promise<boolean> => shape(model) === shape(await buildWhileRead(await open(coming()), input.raw.length * share));
console.log(JSON.stringify({
	sameByTime: shape(model) === shape(build(await open(given()), true)),
	sameWhileRead: await whileRead(0) && await whileRead(0.5),
	lines, t0: model.t0, t1: model.t1, events: model.events, problems: model.problems, lost: model.lost, flags: model.flags,
	cpus: model.cpus.map((c) => ({cpu: c.cpu, steps: steps(c.lane).map(([t, v]) => [t, v >= 0xfffffffe ? v : model.tasks[v]!.tid])})),
	tasks: model.tasks.map((t) => ({tid: t.tid, name: t.name, steps: steps(t.lane).map(([t0, v]) => [t0, stateOf(v), detailOf(v)])})),
	queue: steps(model.queue).map(([t, v]) => [t, queued(v)]),
	jobs: [...model.jobs.task].map((t, i) => [model.tasks[t]!.tid, model.jobs.number[i], model.jobs.release[i],
		Number.isFinite(model.jobs.deadline[i]!) ? model.jobs.deadline[i] : null, Number.isNaN(model.jobs.done[i]!) ? null : model.jobs.done[i]]),
	decisions: [...model.decisions.time].map((t, i) => ({t, cpu: model.decisions.cpu[i], flags: model.decisions.flags[i],
		...(i < 400 ? {x: explain(q, i)} : {})})).map((d) => JSON.parse(JSON.stringify(d, (_k, v: unknown) => typeof v === "bigint" ? String(v) : v)) as unknown),
	stats: model.tasks.map((_, i) => i ? taskStats(q, i, model.t0, model.t1) : null),
	cpuStats: model.cpus.map((_, i) => cpuStats(q, i, model.t0, model.t1)),
	links: [...model.wakes.time.keys()].flatMap((i) => wakeLinks(q, i)).concat([...model.sends.time.keys()].flatMap((i) => hintLink(q, i) ?? [])).map((l) => ({what: l.what, from: end(l.from), to: end(l.to),
		tids: l.tasks.map((i) => model.tasks[i]!.tid), interrupt: l.interrupt})),
	locks: model.locks.map((l, i) => ({name: l.name, holder: steps(l.lane).map(([t, v]) => [t, model.tasks[v]!.tid]), waiters: steps(model.lockWaiters[i]!)})),
	strips: model.cpus.map((c) => ({cpu: c.cpu, steps: steps(q.queueOf(c.cpu)).map(([t, v]) => [t, queued(v)])})),
	queueAt: model.cpus.map((c) => [...Array(50).keys()].map((i) => q.queueAt(model.t0 + (model.t1 - model.t0) * i / 50, c.cpu).length)),
	again: {classes: classes(model.about), rerun: classes(model.about).map((c) => rerun(model.about, c)), here: replayTo(model.about, (model.t0 + model.t1) / 2), gdb: debugAt(model.about, (model.t0 + model.t1) / 2)},
	filter: parse(q, "class=edf").task.length,
}));
