/**
 * The filter language: terms apart by blanks, all of which must hold; `!` in front of one negates it.
 *   word            part of a task's name           task=imu,wheel   names, exactly
 *   tid=3           number of a task                class=edf        its class
 *   state=ready     a state                         dur>500us        length of a state (< > = <= >=)
 *   cpu=2           the CPU                         rule=first_come  decisions by that rule
 *   cands>=3        decisions by candidates         event=sched_miss events by name
 *   wrong           decisions that fail their check missed           tasks that missed a deadline
 */
import {EVENTS} from "events";
import {codeName} from "./decode.js";
import {S, STATE_NAMES, detailOf, stateOf} from "./model.js";
import type {Ev, Query} from "./query.js";
import {parseTime} from "./time.js";

export interface Filter {
	text: string;
	error: string;
	/** Whether any term of the kind is there. */
	hasTask: boolean;
	hasStep: boolean;
	hasDecision: boolean;
	hasEvent: boolean;
	task: (i: number) => boolean;
	step: (task: number, val: number, from: number, to: number, cpu: number) => boolean;
	decision: (i: number) => boolean;
	event: (e: Ev) => boolean;
}

type Test<A extends unknown[]> = (...a: A) => boolean;

function compare(op: string, a: number, b: number): boolean {
	return op === "<" ? a < b : op === ">" ? a > b : op === "<=" ? a <= b : op === ">=" ? a >= b : a === b;
}

export function parse(q: Query, text: string): Filter {
	const tasks: Test<[number]>[] = [];
	const steps: Test<[number, number, number, number, number]>[] = [];
	const decisions: Test<[number]>[] = [];
	const events: Test<[Ev]>[] = [];
	const {m} = q;
	let error = "";
	const rule = (i: number): string => codeName("rule", q.u32[m.decisions.word[i]! + 3]! & 255);
	for (const word of text.trim().split(/\s+/).filter(Boolean)) {
		const not = word.startsWith("!");
		const found = /^(\w+)(<=|>=|=|<|>|:)(.+)$/.exec(not ? word.slice(1) : word);
		const flip = <A extends unknown[]>(f: Test<A>): Test<A> => not ? (...a: A) => !f(...a) : f;
		if (!found) {
			const bare = (not ? word.slice(1) : word).toLowerCase();
			if (bare === "wrong")
				decisions.push(flip((i) => (m.decisions.flags[i]! & 2) !== 0));
			else if (bare === "missed")
				tasks.push(flip((i) => q.jobsOf(i).some((j) => m.jobs.done[j]! > m.jobs.deadline[j]!)));
			else
				tasks.push(flip((i) => q.label(i).toLowerCase().includes(bare)));
			continue;
		}
		const [, key, op, value] = found as unknown as [string, string, string, string];
		const list = value.toLowerCase().split(",");
		switch (key.toLowerCase()) {
		case "task": tasks.push(flip((i) => list.includes(m.tasks[i]!.name.toLowerCase()) || list.includes(q.label(i).toLowerCase()))); break;
		case "tid": tasks.push(flip((i) => list.includes(String(m.tasks[i]!.tid)))); break;
		case "class": tasks.push(flip((i) => list.includes(codeName("sched_class", m.tasks[i]!.cls)))); break;
		case "state": {
			const wanted = list.map((s) => STATE_NAMES.indexOf(s));
			if (wanted.some((s) => s < 0))
				error = `state=${value}: there are ${STATE_NAMES.slice(1).join(", ")}`;
			steps.push(flip((_t, v) => wanted.includes(stateOf(v))));
			break;
		}
		case "dur": {
			const ns = parseTime(value);
			if (Number.isNaN(ns))
				error = `dur${op}${value}: a duration is a number with ns, us, ms or s, as in dur>500us`;
			steps.push(flip((_t, _v, from, to) => compare(op, to - from, ns)));
			break;
		}
		case "cpu": {
			const on = (c: number): boolean => list.includes(String(c));
			steps.push(flip((_t, v, _f, _to, cpu) => on(stateOf(v) === S.running ? cpu : -1)));
			decisions.push(flip((i) => on(m.decisions.cpu[i]!)));
			events.push(flip((e) => on(e.cpu)));
			break;
		}
		case "rule": decisions.push(flip((i) => list.includes(rule(i)))); break;
		case "cands": decisions.push(flip((i) => compare(op, q.u32[m.decisions.word[i]! + 3]! >>> 24, Number(value)))); break;
		case "event": {
			const ids = EVENTS.filter((e) => list.includes(e.name)).map((e) => e.id);
			if (!ids.length)
				error = `event=${value}: no event has this name; the tab Events shows those that there are`;
			events.push(flip((e) => ids.includes(e.id)));
			break;
		}
		default: error = `${key}: not a word of the filter; there are task, tid, class, state, dur, cpu, rule, cands, event, wrong, missed`;
		}
	}
	const all = <A extends unknown[]>(fs: Test<A>[]): Test<A> => (...a) => fs.every((f) => f(...a));
	return {text, error, hasTask: tasks.length > 0, hasStep: steps.length > 0, hasDecision: decisions.length > 0, hasEvent: events.length > 0,
		task: all(tasks), step: all(steps), decision: all(decisions), event: all(events)};
}

/** Steps of wanted tasks that the filter wants, by time; at most `max`. */
export function matches(q: Query, f: Filter, max: number): {task: number; i: number; from: number; to: number; val: number}[] {
	const out: {task: number; i: number; from: number; to: number; val: number}[] = [];
	for (let t = 1; t < q.m.tasks.length; t++) {
		if (!f.task(t))
			continue;
		const {start, val} = q.m.tasks[t]!.lane;
		for (let i = 0; i < start.length && out.length < max * 8; i++) {
			const to = i + 1 < start.length ? start[i + 1]! : q.m.t1;
			if (stateOf(val[i]!) !== S.none && f.step(t, val[i]!, start[i]!, to, detailOf(val[i]!)))
				out.push({task: t, i, from: start[i]!, to, val: val[i]!});
		}
	}
	return out.sort((a, b) => a.from - b.from).slice(0, max);
}
