/** One script is the page and, in a worker, the reader: the table of events is in it once. */
import {start} from "./main.js";
import {serve} from "./worker.js";

if (typeof document === "undefined") {
	serve();
} else {
	const source = document.currentScript!.textContent!;
	/* The frame of the page is painted first; a page that nobody sees is never painted. */
	const go = (): void => start(source);
	if (document.hidden)
		go();
	else
		requestAnimationFrame(() => setTimeout(go));
}
