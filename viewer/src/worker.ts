/** Reads and reconstructs away from the page, and hands the arrays over without a copy. */
import {build} from "./build.js";
import {open, type Given} from "./input.js";
import {transferables} from "./model.js";

export type Ask = {base64: string; name: string} | {files: {name: string; file: File}[]} | {bytes: Given[]};

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
	return Promise.all(ask.files.map(async (f) => ({name: f.name, bytes: new Uint8Array(await f.file.arrayBuffer())})));
}

/** Serves one question in a worker. */
export function serve(): void {
	const scope = self as unknown as {onmessage: (e: MessageEvent<Ask>) => void; postMessage: (v: unknown, t?: Transferable[]) => void};
	scope.onmessage = async (e) => {
		try {
			const begin = performance.now();
			const files = await given(e.data);
			const read = performance.now();
			const input = await open(files);
			const model = build(input);
			const done = performance.now();
			scope.postMessage({model, readMs: read - begin, buildMs: done - read}, transferables(model));
		} catch (error) {
			scope.postMessage({error: error instanceof Error ? `${error.message}\n${error.stack ?? ""}` : String(error)});
		}
	};
}
