/**
 * Events as objects. The layouts come from kernel/trace/events.def: fields lie one behind the other,
 * each naturally aligned, and a sequence of items ends the payload.
 */
import {EV, EVENTS, ITEMS, SETS, type Row} from "events";

export type Value = number | bigint | string | Fields[];
export interface Fields {
	[name: string]: Value;
}
interface Field {
	name: string;
	type: string;
	offset: number;
	bytes: number;
	set?: Map<number, string>;
	item?: Layout;
	count?: string;
}
export interface Layout {
	name: string;
	meaning: string;
	fields: Field[];
	/** Of the fixed part. */
	bytes: number;
	/** Offset of `seq` in the payload, -1 without one. */
	seq: number;
	/** Offset of the byte that counts the items, -1 without any. */
	count: number;
	itemBytes: number;
}

function layout(name: string, meaning: string, rows: readonly Row[]): Layout {
	const out: Layout = {name, meaning, fields: [], bytes: 0, seq: -1, count: -1, itemBytes: 0};
	for (const [type, field, more, count] of rows) {
		const bytes = type === "items" ? 0 : type[0] === "t" ? Number(type.slice(1)) : Number(type.slice(1)) / 8;
		const f: Field = {name: field, type, bytes, offset: out.bytes};
		if (type === "items") {
			f.item = itemLayouts[more!]!;
			f.count = count!;
			out.count = out.fields.find((other) => other.name === count)!.offset;
			out.itemBytes = f.item.bytes;
		} else if (more) {
			f.set = SETS[more]!;
		}
		if (field === "seq")
			out.seq = out.bytes;
		out.bytes += bytes;
		out.fields.push(f);
	}
	return out;
}

const itemLayouts: Record<string, Layout> = {};
for (const name of Object.keys(ITEMS))
	itemLayouts[name] = layout(name, "", ITEMS[name]!);

export const LAYOUTS: (Layout | undefined)[] = [];
for (const e of EVENTS)
	LAYOUTS[e.id] = layout(e.name, e.meaning, e.fields);

const FIXED_BYTES = new Uint16Array(65536);
const COUNT_AT = new Int16Array(65536).fill(-1);
const ITEM_BYTES = new Uint16Array(65536);
LAYOUTS.forEach((l, id) => {
	if (l) {
		FIXED_BYTES[id] = l.bytes;
		COUNT_AT[id] = l.count;
		ITEM_BYTES[id] = l.itemBytes;
	}
});

/** Whether a payload of `bytes` at `at` is one that event `id` can have. */
export function fits(raw: Uint8Array, id: number, at: number, bytes: number): boolean {
	const fixed = FIXED_BYTES[id]!;
	const count = COUNT_AT[id]!;
	return fixed > 0 && bytes >= fixed && bytes === fixed + (count < 0 ? 0 : raw[at + count]! * ITEM_BYTES[id]!);
}

function field(view: DataView, f: Field, base: number): Value {
	const at = base + f.offset;
	switch (f.type) {
	case "u8": return view.getUint8(at);
	case "u16": return view.getUint16(at, true);
	case "u32": return view.getUint32(at, true);
	case "i16": return view.getInt16(at, true);
	case "i32": return view.getInt32(at, true);
	case "u64": {
		const v = view.getBigUint64(at, true);
		return v <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(v) : v;
	}
	}
	let text = "";
	for (let i = 0; i < f.bytes; i++) {
		const c = view.getUint8(at + i);
		if (!c)
			break;
		text += c >= 32 && c < 127 ? String.fromCharCode(c) : "?";
	}
	return text;
}

/** The fields of an event or item whose payload is at `base`. Codes stay numbers; see codeName. */
export function decode(view: DataView, l: Layout, base: number): Fields {
	const out: Fields = {};
	for (const f of l.fields) {
		if (!f.item) {
			out[f.name] = field(view, f, base);
			continue;
		}
		const n = view.getUint8(base + l.count);
		const items: Fields[] = [];
		for (let i = 0; i < n; i++)
			items.push(decode(view, f.item, base + l.bytes + i * f.item.bytes));
		out[f.name] = items;
	}
	return out;
}

export function codeName(set: string, value: number): string {
	return SETS[set]?.get(value) ?? String(value);
}

/** One line for an event, as `fermata-trace print` writes it behind the time and CPU. */
export function eventText(l: Layout, fields: Fields, taskName: (tid: number) => string): string {
	const number = (f: Field, v: Value): string => {
		const named = f.set?.get(Number(v));
		const tid = f.type[0] === "i" && f.name.endsWith("tid") ? ` (${taskName(Number(v))})` : "";
		return `${f.name} = ${named ?? String(v)}${tid}`;
	};
	const one = (f: Field, v: Value): string => {
		if (f.item) {
			const items = (v as Fields[]).map((item) =>
				`{ ${f.item!.fields.map((g) => number(g, item[g.name]!)).join(", ")} }`);
			return `${f.name} = [${items.join(", ")}]`;
		}
		return f.type[0] === "t" ? `${f.name} = "${String(v).replace(/"/g, "?")}"` : number(f, v);
	};
	return `${l.name}: { ${l.fields.map((f) => one(f, fields[f.name]!)).join(", ")} }`;
}

const URGENCY = new Uint8Array(256).fill(99);
for (const [number, name] of SETS["sched_class"]!)
	for (const [place, other] of SETS["sched_urgency"]!)
		if (other === name)
			URGENCY[number] = place;

/** The place of a class among the others, 0 most urgent. */
export function urgency(schedClass: number): number {
	return URGENCY[schedClass & 255]!;
}

export {EV};
