#include <stdlib.h>
#include <string.h>

#include "commands.h"

static u32 *slot_of(const struct task_table *tasks, i32 tid)
{
	usize i = (u32)tid * 2654435761u & (tasks->map_size - 1);

	while (tasks->map[i] && tasks->entries[tasks->map[i] - 1].tid != tid)
		i = (i + 1) & (tasks->map_size - 1);
	return &tasks->map[i];
}

static bool grow(struct task_table *tasks)
{
	usize room = tasks->room ? 2 * tasks->room : 64;
	struct task_entry *entries = realloc(tasks->entries, room * sizeof *entries);
	u32 *map;

	if (!entries)
		return false;
	tasks->entries = entries;
	map = calloc(2 * room, sizeof *map);
	if (!map)
		return false;
	free(tasks->map);
	tasks->map = map;
	tasks->room = room;
	tasks->map_size = 2 * room;
	for (usize i = 0; i < tasks->n; i++)
		*slot_of(tasks, entries[i].tid) = (u32)i + 1;
	return true;
}

usize tasks_index(struct task_table *tasks, i32 tid)
{
	u32 *slot;

	if (tasks->n == tasks->room && !grow(tasks))
		return 0;
	slot = slot_of(tasks, tid);
	if (!*slot) {
		tasks->entries[tasks->n] = (struct task_entry){.tid = tid};
		*slot = (u32)++tasks->n;
	}
	return *slot - 1;
}

static struct task_entry *entry(struct task_table *tasks, i32 tid)
{
	usize index = tasks_index(tasks, tid);

	return &tasks->entries[index];
}

static void learn(struct task_table *tasks, const struct trace_event *e)
{
	struct task_entry *t;

	if (e->id == TRACE_EV_TASK_SPAWN) {
		const struct trace_sched_process_fork *p = TRACE_PAYLOAD(e, sched_process_fork);

		t = entry(tasks, p->child_tid);
		memcpy(t->name, p->child_comm, sizeof p->child_comm);
		t->class = p->class;
		t->prio = p->prio;
		t->known = true;
	} else if (e->id == TRACE_EV_STATEDUMP) {
		const struct trace_lttng_statedump_process_state *p =
			TRACE_PAYLOAD(e, lttng_statedump_process_state);

		memcpy(entry(tasks, p->tid)->name, p->name, sizeof p->name);
	} else if (e->id == TRACE_EV_SCHED_ENQUEUE) {
		const struct trace_sched_enqueue *p = TRACE_PAYLOAD(e, sched_enqueue);

		t = entry(tasks, p->tid);
		t->class = p->class;
		t->prio = p->prio;
		t->known = true;
	} else if (e->id == TRACE_EV_SCHED_SWITCH) {
		tasks_index(tasks, TRACE_PAYLOAD(e, sched_switch)->prev_tid);
		tasks_index(tasks, TRACE_PAYLOAD(e, sched_switch)->next_tid);
	}
}

/* A name may hold anything; what is printed is text without blanks that end it. */
static void clean(struct task_entry *t)
{
	for (char *c = t->name; *c; c++)
		if (*c <= ' ' || *c > '~' || *c == '"' || *c == ',')
			*c = '_';
}

bool tasks_collect(struct task_table *tasks, const struct trace *t)
{
	*tasks = (struct task_table){0};
	if (!grow(tasks))
		return false;
	strcpy(entry(tasks, 0)->name, "idle");
	for (unsigned i = 0; i < t->n; i++) {
		struct stream_at at = {0};
		struct trace_event e;

		while (stream_next(&t->streams[i], &at, &e))
			learn(tasks, &e);
	}
	for (usize i = 0; i < tasks->n; i++)
		clean(&tasks->entries[i]);
	strcpy(tasks->entries[0].name, "idle");
	return true;
}

void tasks_free(struct task_table *tasks)
{
	free(tasks->entries);
	free(tasks->map);
	*tasks = (struct task_table){0};
}

const char *tasks_name(const struct task_table *tasks, i32 tid)
{
	u32 index = *slot_of(tasks, tid);
	const char *name = index ? tasks->entries[index - 1].name : "";

	return *name ? name : "?";
}
