/**
 * The trace checks itself: the rule is recomputed over the candidates that a decision recorded.
 * A draw of the lottery and the eligibility of a fair task are not in the keys, so of those classes
 * only what the keys can show is judged.
 */
import {SETS} from "events";
import {urgency} from "./decode.js";

export type Verdict = "right" | "wrong" | "open";

function code(set: string, name: string): number {
	for (const [number, other] of SETS[set]!)
		if (other === name)
			return number;
	return -1;
}

const FAIR = code("sched_class", "fair");
const LOTTERY = code("sched_class", "lottery");
export const RULE = {
	empty: code("rule", "queue_empty"), only: code("rule", "only_candidate"), higher: code("rule", "higher_class"),
	first: code("rule", "first_come"),
};

/** The class's rule when two keys differ. */
const CLASS_RULE = new Uint8Array(256).fill(RULE.first);
for (const [cls, rule] of [["cedf", "earliest_deadline"], ["edf", "earliest_deadline"], ["fifo", "highest_priority"],
	["rr", "highest_priority"], ["mlfq", "highest_priority"], ["fair", "least_virtual_time"], ["stride", "least_virtual_time"],
	["lottery", "drawn"], ["panicked", "first_come"]])
	CLASS_RULE[code("sched_class", cls!)] = code("rule", rule!);

export function keysDecide(cls: number): boolean {
	return cls !== FAIR && cls !== LOTTERY;
}

/* Payload of sched_decision: 16 bytes, then candidates of 24; w is the record's first word. */
const FIRST = 6;
const ITEM_WORDS = 6;

/** -1, 0, 1 as candidate a comes before, equal to or behind b. Keys are 64 bits, orders wrap at 32. */
function compare(u32: Uint32Array, bytes: Uint8Array, a: number, b: number): number {
	const ua = urgency(bytes[a * 4 + 4]!);
	const ub = urgency(bytes[b * 4 + 4]!);
	if (ua !== ub)
		return ua < ub ? -1 : 1;
	if (u32[a + 3] !== u32[b + 3])
		return u32[a + 3]! < u32[b + 3]! ? -1 : 1;
	if (u32[a + 2] !== u32[b + 2])
		return u32[a + 2]! < u32[b + 2]! ? -1 : 1;
	return 0;
}

/** The rule that separates the chosen candidate from the most urgent of the others. */
export function ruleOf(u32: Uint32Array, bytes: Uint8Array, w: number): number {
	const n = bytes[w * 4 + 15]!;
	const chosen = bytes[w * 4 + 14]!;
	const me = w + FIRST + chosen * ITEM_WORDS;
	if (chosen >= n)
		return RULE.empty;
	let rival = -1;
	for (let i = 0; i < n; i++) {
		const c = w + FIRST + i * ITEM_WORDS;
		if (i !== chosen && (rival < 0 || compare(u32, bytes, c, rival) < 0))
			rival = c;
	}
	if (rival < 0)
		return RULE.only;
	const mine = bytes[me * 4 + 4]!;
	if (bytes[rival * 4 + 4] !== mine)
		return RULE.higher;
	return u32[me + 2] === u32[rival + 2] && u32[me + 3] === u32[rival + 3] ? RULE.first : CLASS_RULE[mine]!;
}

/** Judges the decision whose record begins at word `w`. */
export function check(u32: Uint32Array, bytes: Uint8Array, w: number): Verdict {
	const n = bytes[w * 4 + 15]!;
	const chosen = bytes[w * 4 + 14]!;
	if (chosen === 255)
		return n === 0 ? "right" : "wrong";
	if (!n)
		return "open"; /* recorded without candidates */
	if (chosen >= n)
		return "wrong";
	const me = w + FIRST + chosen * ITEM_WORDS;
	const cls = bytes[me * 4 + 4]!;
	for (let i = 0; i < n; i++) {
		const c = w + FIRST + i * ITEM_WORDS;
		if (i === chosen)
			continue;
		const order = compare(u32, bytes, c, me);
		const same = bytes[c * 4 + 4] === cls;
		if (order < 0 && (!same || keysDecide(cls)))
			return "wrong";
		/* Of equal keys the first to arrive; the one that ran until now has no new number yet. */
		if (order === 0 && keysDecide(cls) && !(bytes[c * 4 + 6]! & 1) && !(bytes[me * 4 + 6]! & 1) &&
		    ((u32[c + 5 + 0]! - u32[me + 5]!) | 0) < 0)
			return "wrong";
	}
	return ruleOf(u32, bytes, w) === bytes[w * 4 + 12]! ? keysDecide(cls) ? "right" : "open" : "wrong";
}
