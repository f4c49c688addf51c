/**
 * From what the user gave to what can be parsed: files, tar archives and gz of either become one
 * buffer of packets, the metadata, and what travels with a trace (checks, notes).
 */
export interface Given {
	name: string;
	bytes: Uint8Array;
	coming?: Coming;
}

/** What is still being read. */
export interface Coming {
	/** How many of the bytes are there. */
	got: number;
	/** Waits for more of them, or for the last. */
	more: () => Promise<void>;
}

export interface Problem {
	file: string;
	/** Offset in the file. */
	byte: number;
	text: string;
}

/** A piece of `raw` and the file that it came from. */
export interface Piece {
	name: string;
	at: number;
	bytes: number;
	coming: Coming | undefined;
}

export interface Input {
	metadata: string;
	/** All packets, each file 8-byte aligned. */
	raw: Uint8Array;
	pieces: Piece[];
	/** Lines of `fermata-trace check`, notes and other texts by file name. */
	texts: Map<string, string>;
	problems: Problem[];
}

const MAGIC = 0xc1fc1fc1;
const MAX_NESTING = 3;

export async function gunzip(bytes: Uint8Array): Promise<{bytes: Uint8Array; cut: string}> {
	const stream = new Blob([bytes as BlobPart]).stream().pipeThrough(new DecompressionStream("gzip"));
	const reader = stream.getReader();
	const parts: Uint8Array[] = [];
	let total = 0;
	let cut = "";
	try {
		for (;;) {
			const {done, value} = await reader.read();
			if (done)
				break;
			parts.push(value as Uint8Array);
			total += (value as Uint8Array).length;
		}
	} catch (e) {
		cut = e instanceof Error ? e.message : String(e);
	}
	const out = new Uint8Array(total);
	let at = 0;
	for (const part of parts) {
		out.set(part, at);
		at += part.length;
	}
	return {bytes: out, cut};
}

function u32At(b: Uint8Array, at: number): number {
	return at + 4 <= b.length ? (b[at]! | b[at + 1]! << 8 | b[at + 2]! << 16 | b[at + 3]! << 24) >>> 0 : 0;
}

function ascii(b: Uint8Array, at: number, n: number): string {
	let text = "";
	for (let i = at; i < Math.min(at + n, b.length) && b[i]; i++)
		text += String.fromCharCode(b[i]!);
	return text;
}

function* untar(given: Given, problems: Problem[]): Generator<Given> {
	const b = given.bytes;
	let at = 0;
	while (at + 512 <= b.length && b[at]) {
		const size = parseInt(ascii(b, at + 124, 12).trim() || "0", 8);
		if (!Number.isFinite(size) || size < 0) {
			problems.push({file: given.name, byte: at + 124, text: "an archive member has no readable size; what follows is left out"});
			return;
		}
		const name = ascii(b, at, 100);
		const kind = b[at + 156]!;
		if (at + 512 + size > b.length)
			problems.push({file: given.name, byte: b.length, text: `the archive ends inside ${name}, which lacks ${at + 512 + size - b.length} bytes`});
		if (kind === 0 || kind === 0x30)
			yield {name, bytes: b.subarray(at + 512, Math.min(at + 512 + size, b.length))};
		at += 512 + Math.ceil(size / 512) * 512;
	}
}

/** Archives and compressed files become the files in them. */
async function unpack(given: Given, problems: Problem[], depth = 0): Promise<Given[]> {
	const b = given.bytes;
	if (depth > MAX_NESTING) {
		problems.push({file: given.name, byte: 0, text: "archives within archives within archives: not opened"});
		return [];
	}
	if (b[0] === 0x1f && b[1] === 0x8b) {
		const {bytes, cut} = await gunzip(b);
		if (cut)
			problems.push({file: given.name, byte: b.length, text: `the gz data is damaged or cut; ${bytes.length} bytes could be unpacked`});
		return unpack({name: given.name.replace(/\.t?gz$/, ""), bytes}, problems, depth + 1);
	}
	if (ascii(b, 257, 5) === "ustar") {
		const out: Given[] = [];
		for (const member of untar(given, problems))
			out.push(...await unpack(member, problems, depth + 1));
		return out;
	}
	return [given];
}

function isText(b: Uint8Array): boolean {
	const n = Math.min(b.length, 512);
	for (let i = 0; i < n; i++)
		if (b[i]! < 9)
			return false;
	return true;
}

export async function open(given: Given[]): Promise<Input> {
	const input: Input = {metadata: "", raw: new Uint8Array(0), pieces: [], texts: new Map(), problems: []};
	const files: Given[] = [];
	for (const g of given)
		files.push(...await unpack(g, input.problems));
	const streams: Given[] = [];
	let total = 0;
	for (const f of files) {
		const base = f.name.split("/").pop()!;
		if (u32At(f.bytes, 0) === MAGIC) {
			streams.push(f);
			total += (f.bytes.length + 7) & ~7;
		} else if (isText(f.bytes) && f.bytes.length) {
			const text = new TextDecoder().decode(f.bytes);
			if (text.startsWith("/* CTF")) {
				if (input.metadata)
					input.problems.push({file: f.name, byte: 0, text: "a second metadata: these are files of two traces, which are mixed now. Open one, and the other with Compare…"});
				input.metadata = text;
			}
			else
				input.texts.set(base, text);
		} else {
			input.problems.push({file: f.name, byte: 0, text: f.bytes.length
				? `begins with 0x${u32At(f.bytes, 0).toString(16).padStart(8, "0")}: neither a packet of a Fermata trace (0xc1fc1fc1) nor its metadata, a tar archive or gz`
				: "the file is empty"});
		}
	}
	if (!streams.length && !input.metadata)
		for (const name of input.texts.keys())
			input.problems.push({file: name, byte: 0, text: "is text, and neither a trace's metadata nor a trace"});
	if (!streams.length && input.metadata)
		input.problems.push({file: "metadata", byte: 0, text: "alone it tells of no event: these are in the files channel0_0, channel0_1, ... beside it. Open the whole folder"});
	let at = 0;
	for (const f of streams) {
		input.pieces.push({name: f.name, at, bytes: f.bytes.length, coming: f.coming});
		at += f.bytes.length + 7 & ~7;
	}
	/* They may lie one behind the other as they must, and so does the only one mostly. */
	const first = streams[0]?.bytes;
	if (first && streams.every(({bytes}, i) => bytes.buffer === first.buffer && bytes.byteOffset - first.byteOffset === input.pieces[i]!.at) &&
	    !(first.byteOffset & 7) && first.byteOffset + total <= first.buffer.byteLength) {
		input.raw = new Uint8Array(first.buffer, first.byteOffset, total);
		return input;
	}
	input.raw = new Uint8Array(total);
	streams.forEach((f, i) => input.raw.set(f.bytes, input.pieces[i]!.at));
	return input;
}

export interface About {
	board: string;
	build: string;
	seed: string;
	clockHz: number;
	/** A simulator's program and options. */
	run: string;
	/** What it found wrong: "TIME CPU n: what". */
	found: string[];
	/** From about.json, which `make trace` adds: how the trace was made. */
	command: string;
	name: string;
}

/** What the metadata says; a missing or foreign one is a problem, not the end. */
export function about(input: Input): About {
	const value = (key: string): string => {
		const m = new RegExp(`\\b${key} = (?:"([^"\\n]*)"|([0-9]+));`).exec(input.metadata);
		return m ? m[1] ?? m[2]! : "";
	};
	const out: About = {board: value("hostname"), build: value("build"), seed: value("seed").replace(/^0$/, ""), run: value("run"), found: [...input.metadata.matchAll(/^\tfound_\d+ = "([^"\n]*)";$/gm)].map((m) => m[1]!), clockHz: Number(value("freq")),
		command: "", name: ""};
	if (!input.metadata && input.pieces.length)
		input.problems.push({file: "metadata", byte: 0, text: "not given: times are taken to be nanoseconds. Open the whole folder"});
	else if (input.metadata && !value("uuid").startsWith("6665726d-6174-6100"))
		input.problems.push({file: "metadata", byte: Math.max(0, input.metadata.indexOf("uuid")), text: "another uuid: these are not the events of a Fermata kernel"});
	if (!(out.clockHz > 0) || !Number.isFinite(out.clockHz)) {
		if (input.metadata)
			input.problems.push({file: "metadata", byte: Math.max(0, input.metadata.indexOf("freq")), text: "no clock frequency: times are taken to be nanoseconds"});
		out.clockHz = 1e9;
	}
	try {
		const more: unknown = JSON.parse(input.texts.get("about.json") ?? "{}");
		if (more && typeof more === "object") {
			const m = more as Record<string, unknown>;
			out.command = typeof m["command"] === "string" ? m["command"] : "";
			out.name = typeof m["name"] === "string" ? m["name"] : "";
		}
	} catch {
		input.problems.push({file: "about.json", byte: 0, text: "is not JSON"});
	}
	return out;
}
