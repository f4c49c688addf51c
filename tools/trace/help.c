#include <string.h>

#include "commands.h"

static const struct help pages[] = {
	{"check", "check [--complete] [--max N] DIR | check --rules",
	 "judge a trace by its structure and the scheduling rules",
	 "Reads the trace in the folder DIR and prints one line for each fault:\n"
	 "\n"
	 "    RULE at SECONDS CPU N seq S: what happened, and to which tasks\n"
	 "\n"
	 "seq numbers the scheduler's operations. S rules are about the files, R rules are the\n"
	 "design's rules of the same numbers, J is about jobs and polls; --rules prints them all.\n"
	 "What lies before the first event or was lost counts as unknown, never as wrong.\n"
	 "\n"
	 "    --complete  also fail when the beginning or any operation is missing\n"
	 "    --max N     print at most N faults (100)\n"
	 "\n"
	 "Exit status: 0 no fault, 1 faults, 2 the trace cannot be read.\n", cmd_check},
	{"stats", "stats [--csv] DIR", "what each task and CPU did, with latencies",
	 "For each task: runs, preemptions, CPU time, jobs, missed deadlines, and of two times the\n"
	 "minimum, median, 95th and 99th percentile and maximum, in microseconds: the response\n"
	 "(release of a job to its end) and the wake latency (release to first run). For each CPU:\n"
	 "busy and unknown share of the time, interrupts, hint interrupts, switches.\n"
	 "\n"
	 "    --csv  two tables with commas, an empty line between them\n"
	 "\n"
	 "Exit status: 0; 1 the trace is damaged and the rest was counted; 2 unreadable.\n", cmd_stats},
	{"print", "print [--cpu N] [--event NAME] [--task NAME|TID] [--from T] [--to T] DIR",
	 "one line for each event",
	 "Prints events in the order of time and of the scheduler's operations. Fields that hold a\n"
	 "task are followed by its name.\n"
	 "\n"
	 "    --cpu N        of this CPU only\n"
	 "    --event NAME   of this kind only, such as sched_switch\n"
	 "    --task T       that name the task, by its name or number\n"
	 "    --from T, --to T   from and up to this time: seconds (1.25), or 1250ms, 1250000us\n", cmd_print},
	{"cut", "cut [--from T] [--to T] IN OUT", "write a part of a trace to another folder",
	 "Writes the events from one time to another, each time included, to the folder OUT as a\n"
	 "trace of its own. Times as in print.\n", cmd_cut},
	{"repair", "repair IN OUT", "save what is intact of a damaged trace",
	 "Writes every intact packet, and of a damaged one the records before the damage, to the\n"
	 "folder OUT, so that all readers accept it. Where something is missing, the packet numbers\n"
	 "have a gap, which check reports.\n", cmd_repair},
	{"perfetto", "perfetto DIR OUT.pftrace", "export for ui.perfetto.dev",
	 "Switches, wake-ups, interrupts and idle times appear as on Linux; decisions with their\n"
	 "candidates, missed deadlines and marks appear as instants on a track of each CPU.\n", cmd_perfetto},
	{"tracedat", "tracedat DIR OUT.dat", "export for trace-cmd and KernelShark",
	 "Every event is in the file. sched_switch and sched_wakeup have the layout that Linux gives\n"
	 "them; a sched_waking is added before each wake-up that released a job.\n", cmd_tracedat},
	{"extract", "extract --ram FILE --base PHYS --descriptor PHYS OUT_DIR",
	 "take a trace out of a machine's memory",
	 "FILE holds the machine's memory from physical address --base on; --descriptor is the\n"
	 "address of the symbol trace_descriptor. Packets that were being written are closed.\n", cmd_extract},
	{"from-uart", "from-uart LOG OUT_DIR", "take a trace out of a log of the console",
	 "LOG holds what the shell's `trace dump` printed, among other output; of several dumps the\n"
	 "last counts. The format is in tools/trace/uart_format.md. Damaged lines are left out and\n"
	 "counted (exit status 1).\n", cmd_from_uart},
	{"help", "help [COMMAND]", "explain a command", "", cmd_help},
};

const struct help *help_at(unsigned i)
{
	return i < ARRAY_LEN(pages) ? &pages[i] : NULL;
}

const struct help *help_for(const char *name)
{
	for (unsigned i = 0; i < ARRAY_LEN(pages); i++)
		if (!strcmp(pages[i].name, name))
			return &pages[i];
	return NULL;
}

int cmd_help(int argc, char **argv)
{
	const struct help *h = argc > 1 ? help_for(argv[1]) : NULL;

	if (argc > 1 && !h)
		return fail("there is no command %s; fermata-trace help lists them", argv[1]);
	if (h) {
		printf("usage: fermata-trace %s\n\n%s.\n\n%s", h->usage, h->summary, h->text);
		return EXIT_CLEAN;
	}
	printf("usage: fermata-trace COMMAND ...\n\nReads and writes the scheduler traces of Fermata. A "
	       "trace is a folder in the Common Trace\nFormat, which babeltrace2 and Trace Compass "
	       "read too.\n\n");
	for (unsigned i = 0; i < ARRAY_LEN(pages); i++)
		printf("  %-10s %s\n", pages[i].name, pages[i].summary);
	printf("\nfermata-trace help COMMAND tells more. Exit status: 0 all well, 1 something was found "
	       "or left\nout, 2 it could not be done.\n");
	return EXIT_CLEAN;
}
