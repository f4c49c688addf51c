/** Command lines that make a simulator's trace again: under another policy, or up to a time. */
import {SETS} from "events";
import type {About} from "./input.js";

/** Options that fermata-sim has as well. */
const SHARED = new Set(["cpus", "seed", "strategy", "mean", "depth", "length", "max-events", "cmdline", "watch", "fault", "until", "input"]);
const SCENARIO = "tools/sim/scenario.c";

interface Run {
	program: string;
	cc: string;
	/** The app that the program was built from; "" is kernel/apps/, undefined some other. */
	app: string | undefined;
	options: [string, string][];
	cmdline: string;
}

function parse(about: About): Run | undefined {
	const words = (about.run.match(/'[^']*'|[^ ]+/g) ?? []).map((w) => w.replace(/^'|'$/g, ""));
	const program = words.shift();
	if (!program)
		return undefined;
	const options: [string, string][] = [];
	while (words.length) {
		const [name, value] = words.shift()!.slice(2).split(/=(.*)/s) as [string, string?];
		options.push([name, value ?? words.shift() ?? ""]);
	}
	const built = /^build\/sim-(clang|gcc)\/(?:app-(\w+)\/)?kernel\.elf$/.exec(program);
	const cmdline = options.find(([name]) => name === "cmdline")?.[1] ?? "";
	return {program, cc: built?.[1] ?? "", app: !built ? undefined : !built[2] || built[2] === "recast" ? "" : built[2] === "scenario" ? SCENARIO : undefined, options, cmdline};
}

function quoted(word: string): string {
	return /^[\w.,:=/+-]+$/.test(word) ? word : `'${word}'`;
}

/** The same run with other options; `sched` in place of what the boot line says of it. */
function command(r: Run, sched: string, more: [string, string][]): string {
	const old = /(?:^| )sched=(\w+)/.exec(r.cmdline);
	const cmdline = r.cmdline.replace(/(^| )sched=\w+/, "").trim();
	const options = [...r.options.filter(([name]) => name !== "cmdline" && !more.some(([other]) => other === name)), ...more];
	const ours = r.app !== undefined && options.every(([name]) => SHARED.has(name) || name === "trace");
	const text = (list: [string, string][]): string => list.map(([name, value]) => name === "watch" && ours ? "--watch" : `--${name} ${quoted(value)}`).join(" ");
	if (!ours)
		return `${quoted(r.program)} ${text([...r.options.filter(([name]) => name === "cmdline"), ...options])} </dev/null`;
	const under = sched || old?.[1] || "";
	return ["tools/sim/fermata-sim run", r.app && `--app ${r.app}`, r.cc === "gcc" && "--cc gcc", text(options), !r.options.some(([name]) => name === "max-events") && "--max-events 0",
		cmdline && `--cmdline ${quoted(cmdline)}`, under && `--sched ${under}`].filter(Boolean).join(" ");
}

/** Classes under which the run can be made again: those that any task can have. */
export function classes(about: About): string[] {
	const r = parse(about);
	return r?.app === undefined || (!r.app && !/^demo\b/.test(r.cmdline)) || r.options.some(([name]) => name === "replay") ? []
		: [...SETS["sched_class"]!.values()].filter((c) => c !== "panicked" && c !== "cedf");
}

export function rerun(about: About, sched: string): string {
	const r = parse(about);
	return r ? command(r, sched, [["trace", `build/trace/${sched}`]]) : "";
}

/** The same run, which ends at a time. */
export function replayTo(about: About, ns: number): string {
	const r = parse(about);
	return r ? command(r, "", [["until", String(Math.ceil(ns))], ["trace", "build/trace/here"]]) : "";
}

/** GDB on the same run at a time, which goes on and back from there; "" when fermata-sim cannot. */
export function debugAt(about: About, ns: number): string {
	const r = parse(about);
	const text = r ? command(r, "", [["until", String(Math.ceil(ns))]]) : "";
	return text.startsWith("tools/sim/fermata-sim run ") ? text.replace(" run ", " debug ") : "";
}
