/** Follows a run: each message is the whole trace as it is by then. Only this machine can be asked. */
import type {App} from "./main.js";

export function follow(app: App, where: string): void {
	const m = /^(\d{1,5})(\/[\w-]+)$/.exec(where);
	if (!m)
		return app.welcome(`live=${where} names no port and path; open the address that was printed.`);
	app.welcome("Waiting for the first events…");
	const socket = new WebSocket(`ws://127.0.0.1:${m[1]}${m[2]}`);
	socket.binaryType = "arraybuffer";
	socket.onmessage = (e: MessageEvent<ArrayBuffer>) => {
		app.following = true;
		/* What comes while one is being read is superseded by the next. */
		if (!app.busy)
			app.load({bytes: [{name: "live.tar.gz", bytes: new Uint8Array(e.data)}]}, false, true);
	};
	socket.onclose = () => {
		app.following = false;
		if (app.q)
			app.announce("The run has ended; this is all of it.");
		else
			app.welcome("Nobody answers at this address: the run has ended.");
	};
}
