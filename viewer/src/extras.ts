/** Tabs and exports beyond the first ones. */
import type {Query} from "./query.js";
import type {Scene, Sel} from "./scene.js";

export interface Extra {
	q: Query;
	other: Query | undefined;
	scene: Scene;
	span(): [number, number];
	go(sel: Sel): void;
	goTime(t: number): void;
	saveNotes(): void;
}

export const EXTRA_TABS: {id: string; name: string; make: (app: Extra) => HTMLElement}[] = [];
export const MENU: {name: string; run: (app: Extra) => void}[] = [{name: "Notes (JSON)", run: (app) => app.saveNotes()}];
