/** The keys, for the page and its help. */
export const KEYS: [string, string][] = [
	["W S", "zoom in, out"], ["A D", "pan left, right"], ["← → ↑ ↓", "pan, and scroll the lanes"],
	["[ ]", "decision before, after, on the lane's CPU or on any"], [", .", "step before, after, on the selected lane"],
	["J K", "lane below, above"], ["Enter", "select what is in the middle of the lane"], ["Space", "play decisions"],
	["F", "fit the selection; again: the whole trace"], ["M", "mark the selection's range; Shift+M adds a note"], ["Q", "panel on or off"],
	["G", "go to a time"], ["/", "filter"], ["N", "next match of the filter"], ["P", "pin the selected task"], ["T", "dark or light"],
	["L", "teaching mode: predict decisions"], ["Esc", "clear selection, range, filter"], ["?", "this help"],
];
