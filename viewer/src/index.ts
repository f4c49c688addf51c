/** One script is the page and, in a worker, the reader: the table of events is in it once. */
import {start} from "./main.js";
import {serve} from "./worker.js";

if (typeof document === "undefined")
	serve();
else
	start(document.currentScript!.textContent!);
