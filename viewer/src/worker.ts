/** Reads and reconstructs away from the page, and hands the arrays over without a copy. */
import {build, buildWhileRead} from "./build.js";
import {exercise} from "./exercise.js";
import {open, type Coming, type Given} from "./input.js";
import {renew} from "./live.js";
import {transferables} from "./model.js";
import {MAGIC, UUID} from "./packets.js";

export type Ask = {base64: string; name: string} | {files: {name: string; file: File}[]} | {news: ArrayBuffer[]};

/* A browser's limit for one piece of memory. */
const MOST_GB = 2;
const GB = 1e9;

/** An error whose text says all. */
class Told extends Error {}

/** The files of a run that is followed. */
let followed: Given[] = [];

async function given(ask: Ask): Promise<Given[]> {
	if ("base64" in ask) {
		const text = atob(ask.base64);
		const bytes = new Uint8Array(text.length);
		for (let i = 0; i < text.length; i++)
			bytes[i] = text.charCodeAt(i);
		return [{name: ask.name, bytes}];
	}
	if ("news" in ask) {
		followed = ask.news.reduce(renew, followed);
		/* The page gets these, and they stay here for what comes. */
		return followed.map(({name, bytes}) => ({name, bytes: bytes.slice()}));
	}
	const parts = await large(ask.files);
	return Promise.all(ask.files.map(async (f, i) => {
		const part = parts[i];
		if (part) {
			await part.coming.more();
			return {name: f.name, ...part};
		}
		try {
			if (f.file.size > MOST_GB * GB)
				throw new Error(`of which a page can hold ${MOST_GB}`);
			return {name: f.name, bytes: new Uint8Array(await f.file.arrayBuffer())};
		} catch (error) {
			throw new Told(`${f.name} has ${+(f.file.size / GB).toPrecision(2)} GB: ${(error as Error).message}. build/tools/fermata-trace cut makes a shorter trace of a part of it.`);
		}
	}));
}

/* Files of less are read before anything is done with them. */
const LARGE = 1 << 22;
const CHUNK = 1 << 20;

/** Reads large files of packets into one piece of memory, in which they can be used meanwhile. */
async function large(files: {file: File}[]): Promise<({bytes: Uint8Array; coming: Coming} | undefined)[]> {
	const wanted = await Promise.all(files.map(async ({file}) => file.size > LARGE && file.size <= MOST_GB * GB &&
		new Uint32Array(await file.slice(0, 4).arrayBuffer())[0] === MAGIC));
	const sizes = files.map(({file}, i) => wanted[i] ? file.size + 7 & ~7 : 0);
	const total = sizes.reduce((a, b) => a + b, 0);
	if (!total || total > MOST_GB * GB)
		return [];
	const all = new ArrayBuffer(total);
	let at = 0;
	return files.map(({file}, i) => {
		if (!wanted[i])
			return;
		const bytes = new Uint8Array(all, at, file.size);
		at += sizes[i]!;
		return {bytes, coming: fill(file, bytes)};
	});
}

function fill(file: File, into: Uint8Array): Coming {
	const reader = file.stream().getReader({mode: "byob"});
	let room = new ArrayBuffer(CHUNK);
	let reading: Promise<void> | undefined;
	const coming: Coming = {got: 0, more: () => reading ??= (async () => {
		const {value} = await reader.read(new Uint8Array(room));
		if (!value?.length)
			throw new Told(`${file.name} has become shorter while it was read. Open it again.`);
		into.set(value, coming.got);
		coming.got += value.length;
		room = value.buffer;
		reading = undefined;
	})()};
	return coming;
}

/* When nobody has asked after this time, the page shows its first picture and can wait: what is then read, and how often. */
const IDLE_MS = 150;
const EXERCISE_BYTES = 1 << 18;
const ROUNDS = 3;

/** Serves one question in a worker. */
export function serve(): void {
	let rounds = ROUNDS;
	const scope = self as unknown as {onmessage: (e: MessageEvent<Ask>) => void; postMessage: (v: unknown, t?: Transferable[]) => void};
	const practise = async (): Promise<void> => {
		if (rounds-- <= 0)
			return;
		const model = build(await open([{name: "", bytes: exercise(EXERCISE_BYTES, UUID)}]));
		if (rounds === 0)
			scope.postMessage({practice: model}, transferables(model));
		setTimeout(() => void practise(), 10);
	};
	const idle = setTimeout(() => void practise(), IDLE_MS);
	scope.onmessage = async (e) => {
		clearTimeout(idle);
		rounds = -1;
		try {
			const begin = performance.now();
			const files = await given(e.data);
			const read = performance.now();
			const input = await open(files);
			const model = await buildWhileRead(input);
			const done = performance.now();
			scope.postMessage({model, readMs: read - begin, buildMs: done - read}, transferables(model));
		} catch (error) {
			scope.postMessage({error: error instanceof Told ? error.message : error instanceof Error ? `${error.message}\n${error.stack ?? ""}` : String(error)});
		}
	};
}
