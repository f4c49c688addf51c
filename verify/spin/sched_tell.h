/*
 * sched_tell.h: with TELLS defined, each event of a replayed counterexample on a line, for
 * tools/prove/explain.py: its number, CPU, and what the trace of a kernel would say of it.
 */
#pragma once

static void tell(int event)
{
	static const char *const names[] = {
		[SHOW_WAKE] = "wake",   [SHOW_NOTE] = "note",      [SHOW_DONE] = "done",
		[SHOW_YIELD] = "yield", [SHOW_LOOK] = "look",      [SHOW_SWITCH] = "switch",
		[SHOW_HINT] = "hint",   [SHOW_ENQUEUE] = "enqueue"};
	static unsigned number;

	number++;
	if (!model_shown_n)
		printf("tell %u event %d 0 0 0\n", number, event);
	for (unsigned i = 0; i < model_shown_n; i++)
		printf("tell %u %s %u %u %u\n", number, names[model_shown[i].what],
		       model_shown[i].cpu, model_shown[i].task, model_shown[i].other);
}
