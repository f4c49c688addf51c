#include <string.h>

#include "commands.h"

/* What is printed; text filters are NULL when unused. */
struct filter {
	const char *cpu_text, *event, *task, *from_text, *to_text;
	u64 cpu, from_ns, to_ns;
};

static bool is_tid(const struct field *f)
{
	usize n = strlen(f->name);

	return f->type[0] == 'i' && n >= 3 && !strcmp(f->name + n - 3, "tid");
}

static bool task_matches(const char *want, const struct task_table *tasks, i32 tid)
{
	char number[16];

	snprintf(number, sizeof number, "%d", tid);
	return !strcmp(want, number) || !strcmp(want, tasks_name(tasks, tid));
}

static bool passes(const struct filter *f, const struct task_table *tasks,
		   const struct trace_event *e, u64 ns)
{
	const struct event_layout *l = event_layout(e->id);

	if (ns < f->from_ns || ns > f->to_ns || (f->cpu_text && e->cpu != f->cpu) ||
	    (f->event && strcmp(f->event, l->name)))
		return false;
	if (!f->task)
		return true;
	for (unsigned i = 0; i < l->n; i++)
		if (is_tid(&l->fields[i]) &&
		    task_matches(f->task, tasks, (i32)field_value(&l->fields[i], e->payload)))
			return true;
	return false;
}

static void print_number(const struct field *f, const u8 *base, const struct task_table *tasks)
{
	i64 value = field_value(f, base);
	const char *code = field_code(f, value);

	printf("%s = ", f->name);
	if (code)
		printf("%s", code);
	else if (f->is_signed)
		printf("%lld", (long long)value);
	else
		printf("%llu", (unsigned long long)value);
	if (is_tid(f))
		printf(" (%s)", tasks_name(tasks, (i32)value));
}

static void print_items(const struct field *f, const struct trace_event *e,
			const struct task_table *tasks)
{
	unsigned n = e->payload[event_layout(e->id)->items_count];

	printf("%s = [", f->name);
	for (unsigned i = 0; i < n; i++) {
		const u8 *base = e->payload + event_layout(e->id)->bytes + i * f->item->bytes;

		printf("%s{ ", i ? ", " : "");
		for (unsigned k = 0; k < f->item->n; k++) {
			printf("%s", k ? ", " : "");
			print_number(&f->item->fields[k], base, tasks);
		}
		printf(" }");
	}
	printf("]");
}

static void print_text(const struct field *f, const u8 *base)
{
	printf("%s = \"", f->name);
	for (unsigned i = 0; i < f->bytes && base[f->offset + i]; i++) {
		char c = (char)base[f->offset + i];

		putchar(c >= ' ' && c <= '~' && c != '"' ? c : '?');
	}
	putchar('"');
}

static void print_event(const struct trace_event *e, u64 ns, const struct task_table *tasks)
{
	const struct event_layout *l = event_layout(e->id);

	printf("[" TIME_FMT "] CPU %u %s: { ", TIME_ARG(ns), e->cpu, l->name);
	for (unsigned i = 0; i < l->n; i++) {
		const struct field *f = &l->fields[i];

		printf("%s", i ? ", " : "");
		if (f->kind == FIELD_TEXT)
			print_text(f, e->payload);
		else if (f->kind == FIELD_ITEMS)
			print_items(f, e, tasks);
		else
			print_number(f, e->payload, tasks);
	}
	printf(" }\n");
}

static bool filter_parse(struct filter *f)
{
	return (!f->cpu_text || parse_number("--cpu", f->cpu_text, &f->cpu)) &&
	       (!f->from_text || parse_time("--from", f->from_text, &f->from_ns)) &&
	       (!f->to_text || parse_time("--to", f->to_text, &f->to_ns));
}

int cmd_print(int argc, char **argv)
{
	struct filter f = {.to_ns = UINT64_MAX};
	const struct option options[] = {
		{"cpu", &f.cpu_text, NULL},   {"event", &f.event, NULL}, {"task", &f.task, NULL},
		{"from", &f.from_text, NULL}, {"to", &f.to_text, NULL},	 {NULL, NULL, NULL}};
	struct task_table tasks;
	struct trace_event e;
	const char *dir;
	struct merge m;
	struct trace t;
	int status;

	if (!options_parse(argc, argv, options, &dir, 1) || !filter_parse(&f))
		return EXIT_UNUSABLE;
	events_init();
	if (f.event && !event_by_name(f.event, NULL))
		return fail("there is no event %s; kernel/trace/events.def lists them", f.event);
	if (!open_trace(&t, dir, true))
		return EXIT_UNUSABLE;
	status = t.faults_n ? EXIT_FOUND : EXIT_CLEAN;
	if (!tasks_collect(&tasks, &t))
		return fail("out of memory");
	merge_begin(&m, &t);
	while (merge_next(&m, &e)) {
		u64 ns = trace_ns(&t, e.ticks);

		if (passes(&f, &tasks, &e, ns))
			print_event(&e, ns, &tasks);
	}
	tasks_free(&tasks);
	trace_unload(&t);
	return status;
}
