/** Reads and reconstructs away from the page, and hands the arrays over without a copy. */
import {build} from "./build.js";
import {exercise} from "./exercise.js";
import {open, type Given} from "./input.js";
import {transferables} from "./model.js";
import {UUID} from "./packets.js";

export type Ask = {base64: string; name: string} | {files: {name: string; file: File}[]} | {bytes: Given[]};

/* A browser's limit for one piece of memory. */
const MOST_GB = 2;
const GB = 1e9;

/** An error whose text says all. */
class Told extends Error {}

async function given(ask: Ask): Promise<Given[]> {
	if ("base64" in ask) {
		const text = atob(ask.base64);
		const bytes = new Uint8Array(text.length);
		for (let i = 0; i < text.length; i++)
			bytes[i] = text.charCodeAt(i);
		return [{name: ask.name, bytes}];
	}
	if ("bytes" in ask)
		return ask.bytes;
	return Promise.all(ask.files.map(async (f) => {
		try {
			if (f.file.size > MOST_GB * GB)
				throw new Error(`of which a page can hold ${MOST_GB}`);
			return {name: f.name, bytes: new Uint8Array(await f.file.arrayBuffer())};
		} catch (error) {
			throw new Told(`${f.name} has ${+(f.file.size / GB).toPrecision(2)} GB: ${(error as Error).message}. build/tools/fermata-trace cut makes a shorter trace of a part of it.`);
		}
	}));
}

/* When nobody has asked after this time, the page shows its first picture and can wait: what is then read, and how often. */
const IDLE_MS = 150;
const EXERCISE_BYTES = 1 << 18;
const ROUNDS = 3;

/** Serves one question in a worker. */
export function serve(): void {
	let rounds = ROUNDS;
	const practise = async (): Promise<void> => {
		if (rounds-- <= 0)
			return;
		build(await open([{name: "", bytes: exercise(EXERCISE_BYTES, UUID)}]));
		setTimeout(() => void practise(), 10);
	};
	const idle = setTimeout(() => void practise(), IDLE_MS);
	const scope = self as unknown as {onmessage: (e: MessageEvent<Ask>) => void; postMessage: (v: unknown, t?: Transferable[]) => void};
	scope.onmessage = async (e) => {
		clearTimeout(idle);
		rounds = 0;
		try {
			const begin = performance.now();
			const files = await given(e.data);
			const read = performance.now();
			const input = await open(files);
			const model = build(input);
			const done = performance.now();
			scope.postMessage({model, readMs: read - begin, buildMs: done - read}, transferables(model));
		} catch (error) {
			scope.postMessage({error: error instanceof Told ? error.message : error instanceof Error ? `${error.message}\n${error.stack ?? ""}` : String(error)});
		}
	};
}
