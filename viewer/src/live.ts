/** Follows a run: each message tells what is new of the trace. Only this machine can be asked. */
import type {Given} from "./input.js";
import type {App} from "./main.js";

export function follow(app: App, where: string): void {
	const m = /^(\d{1,5})(\/[\w-]+)$/.exec(where);
	if (!m)
		return app.welcome(`live=${where} names no port and path; open the address that was printed.`);
	app.welcome("Waiting for the first events…");
	let news: ArrayBuffer[] = [];
	/* What comes while a trace is being read is put together with what comes next. */
	const read = (): void => {
		if (!app.busy && news.length)
			app.load({news}, false, read);
		if (app.busy)
			news = [];
	};
	const socket = new WebSocket(`ws://127.0.0.1:${m[1]}${m[2]}`);
	socket.binaryType = "arraybuffer";
	socket.onmessage = (e: MessageEvent<ArrayBuffer>) => {
		app.following = true;
		news.push(e.data);
		read();
	};
	socket.onclose = () => {
		app.following = false;
		if (app.q)
			app.announce("The run has ended; this is all of it.");
		else
			app.welcome("Nobody answers at this address: the run has ended.");
	};
}

/** The files as a message of viewer/live.py makes them out of those before. */
export function renew(files: Given[], news: ArrayBuffer): Given[] {
	const size = new DataView(news).getUint32(0, true);
	const list = JSON.parse(new TextDecoder().decode(new Uint8Array(news, 4, size))) as [string, [number, number][]][];
	let fresh = 4 + size;
	return list.map(([name, pieces]) => {
		const old = files.find((f) => f.name === name)?.bytes;
		const bytes = new Uint8Array(pieces.reduce((sum, [, n]) => sum + n, 0));
		let at = 0;
		for (const [place, n] of pieces) {
			bytes.set(place < 0 ? new Uint8Array(news, fresh, n) : old!.subarray(place, place + n), at);
			at += n;
			if (place < 0)
				fresh += n;
		}
		return {name, bytes};
	});
}
