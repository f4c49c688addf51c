/*
 * Export for Perfetto. Switches, wake-ups, interrupts and idle become ftrace events, which its
 * scheduling tracks are made of; decisions, missed deadlines and marks become instants on a
 * track of each CPU. Field numbers: protos/perfetto/trace/ in github.com/google/perfetto.
 */
#include <string.h>

#include "commands.h"
#include "protobuf.h"

/* TracePacket */
#define PACKET 1
#define P_FTRACE 1
#define P_PROCESS_TREE 2
#define P_TIMESTAMP 8
#define P_SEQUENCE 10
#define P_TRACK_EVENT 11
#define P_TRACK_DESCRIPTOR 60
/* FtraceEventBundle, FtraceEvent */
#define B_CPU 1
#define B_EVENT 2
#define E_TIMESTAMP 1
#define E_PID 2
#define E_SWITCH 4
#define E_COMMON_FLAGS 5
#define E_CPU_IDLE 13
#define E_WAKING 20
#define E_IPI_ENTRY 21
#define E_IPI_EXIT 22
#define E_IRQ_ENTRY 36
#define E_IRQ_EXIT 37
#define COMMON_FLAGS_IRQ 0x0c /* Linux: in a hard interrupt, and a reschedule is due */
/* TrackEvent, DebugAnnotation */
#define T_ANNOTATION 4
#define T_TYPE 9
#define T_TRACK 11
#define T_CATEGORY 22
#define T_NAME 23
#define TYPE_INSTANT 3
#define A_UINT 3
#define A_INT 4
#define A_TEXT 6
#define A_NAME 10
#define A_DICT 11
#define A_ARRAY 12

#define EVENTS_PER_BUNDLE 256
#define TRACK_OF_CPU(cpu) (0x4645524d00ull + (cpu))

struct writer {
	struct buffer out;
	const struct trace *trace;
	struct task_table tasks;
	usize packet, bundle; /* open, or 0 */
	unsigned in_bundle;
	i32 running; /* on the CPU at hand */
};

/* A 32-bit negative number is written as the 64-bit one. */
static u64 wide(i32 value)
{
	return (u64)(i64)value;
}

static void bundle_end(struct writer *w)
{
	if (!w->bundle)
		return;
	pb_end(&w->out, w->bundle);
	pb_end(&w->out, w->packet);
	w->bundle = w->in_bundle = 0;
}

static usize event_begin(struct writer *w, const struct trace_event *e)
{
	usize event;

	if (!w->bundle) {
		w->packet = pb_begin(&w->out, PACKET);
		w->bundle = pb_begin(&w->out, P_FTRACE);
		pb_int(&w->out, B_CPU, e->cpu);
	}
	event = pb_begin(&w->out, B_EVENT);
	pb_int(&w->out, E_TIMESTAMP, trace_ns(w->trace, e->ticks));
	pb_int(&w->out, E_PID, wide(w->running));
	return event;
}

static void event_end(struct writer *w, usize event)
{
	pb_end(&w->out, event);
	if (++w->in_bundle == EVENTS_PER_BUNDLE)
		bundle_end(w);
}

static void write_switch(struct writer *w, const struct trace_event *e)
{
	const struct trace_sched_switch *p = TRACE_PAYLOAD(e, sched_switch);
	struct buffer *b = &w->out;
	usize event, body;

	w->running = p->prev_tid;
	event = event_begin(w, e);
	body = pb_begin(b, E_SWITCH);
	pb_text(b, 1, tasks_name(&w->tasks, p->prev_tid));
	pb_int(b, 2, wide(p->prev_tid));
	pb_int(b, 3, p->prev_prio);
	pb_int(b, 4, p->prev_state);
	pb_text(b, 5, tasks_name(&w->tasks, p->next_tid));
	pb_int(b, 6, wide(p->next_tid));
	pb_int(b, 7, p->next_prio);
	pb_end(b, body);
	event_end(w, event);
	w->running = p->next_tid;
}

static void write_waking(struct writer *w, const struct trace_event *e)
{
	const struct trace_sched_wakeup *p = TRACE_PAYLOAD(e, sched_wakeup);
	usize event = event_begin(w, e), body;

	if (p->source != TRACE_wake_source_task)
		pb_int(&w->out, E_COMMON_FLAGS, COMMON_FLAGS_IRQ);
	body = pb_begin(&w->out, E_WAKING);
	pb_text(&w->out, 1, tasks_name(&w->tasks, p->tid));
	pb_int(&w->out, 2, wide(p->tid));
	pb_int(&w->out, 3, p->prio);
	pb_int(&w->out, 4, 1);
	pb_int(&w->out, 5, p->target_cpu == TRACE_NO_CPU ? e->cpu : p->target_cpu);
	pb_end(&w->out, body);
	event_end(w, event);
}

static const char *irq_text(u16 number)
{
	const struct event_layout *l = event_layout(TRACE_EV_IRQ_ENTRY);
	const char *name = NULL;

	for (unsigned i = 0; i < l->n; i++)
		if (!strcmp(l->fields[i].name, "name"))
			name = field_code(&l->fields[i], number);
	return name ? name : "?";
}

static void write_irq(struct writer *w, const struct trace_event *e)
{
	bool entry = e->id == TRACE_EV_IRQ_ENTRY;
	usize event = event_begin(w, e), body = pb_begin(&w->out, entry ? E_IRQ_ENTRY : E_IRQ_EXIT);

	pb_int(&w->out, 1, wide(TRACE_PAYLOAD(e, irq_handler_entry)->irq));
	if (entry)
		pb_text(&w->out, 2, irq_text(TRACE_PAYLOAD(e, irq_handler_entry)->name));
	else
		pb_int(&w->out, 2, TRACE_PAYLOAD(e, irq_handler_exit)->ret);
	pb_end(&w->out, body);
	event_end(w, event);
}

static void write_hint(struct writer *w, const struct trace_event *e, unsigned field)
{
	usize event = event_begin(w, e), body = pb_begin(&w->out, field);

	pb_text(&w->out, 1, "hint");
	pb_end(&w->out, body);
	event_end(w, event);
}

static void write_idle(struct writer *w, const struct trace_event *e)
{
	usize event = event_begin(w, e), body = pb_begin(&w->out, E_CPU_IDLE);

	pb_int(&w->out, 1, TRACE_PAYLOAD(e, power_cpu_idle)->state);
	pb_int(&w->out, 2, e->cpu);
	pb_end(&w->out, body);
	event_end(w, event);
}

static usize instant_begin(struct writer *w, const struct trace_event *e, const char *name)
{
	usize event;

	bundle_end(w);
	w->packet = pb_begin(&w->out, PACKET);
	pb_int(&w->out, P_TIMESTAMP, trace_ns(w->trace, e->ticks));
	pb_int(&w->out, P_SEQUENCE, 1);
	event = pb_begin(&w->out, P_TRACK_EVENT);
	pb_int(&w->out, T_TYPE, TYPE_INSTANT);
	pb_int(&w->out, T_TRACK, TRACK_OF_CPU(e->cpu));
	pb_text(&w->out, T_CATEGORY, event_layout(e->id)->name);
	pb_text(&w->out, T_NAME, name);
	return event;
}

static void instant_end(struct writer *w, usize event)
{
	pb_end(&w->out, event);
	pb_end(&w->out, w->packet);
}

/* One number of a payload or item: by its code's name, and a task with its own. */
static void annotate(struct writer *w, unsigned in, const struct field *f, const u8 *base)
{
	usize a = pb_begin(&w->out, in);
	i64 value = field_value(f, base);
	const char *code = field_code(f, value);

	pb_text(&w->out, A_NAME, f->name);
	if (code)
		pb_text(&w->out, A_TEXT, code);
	else
		pb_int(&w->out, f->is_signed ? A_INT : A_UINT, (u64)value);
	pb_end(&w->out, a);
	if (strcmp(f->name, "tid"))
		return;
	a = pb_begin(&w->out, in);
	pb_text(&w->out, A_NAME, "task");
	pb_text(&w->out, A_TEXT, tasks_name(&w->tasks, (i32)value));
	pb_end(&w->out, a);
}

static void annotate_items(struct writer *w, const struct field *f, const struct trace_event *e)
{
	const struct event_layout *l = event_layout(e->id);
	usize list = pb_begin(&w->out, T_ANNOTATION);

	pb_text(&w->out, A_NAME, f->name);
	for (unsigned i = 0; i < e->payload[l->items_count]; i++) {
		usize item = pb_begin(&w->out, A_ARRAY);

		for (unsigned k = 0; k < f->item->n; k++)
			annotate(w, A_DICT, &f->item->fields[k],
				 e->payload + l->bytes + i * f->item->bytes);
		pb_end(&w->out, item);
	}
	pb_end(&w->out, list);
}

/* Any event as an instant with all its fields. */
static void write_instant(struct writer *w, const struct trace_event *e, const char *name)
{
	const struct event_layout *l = event_layout(e->id);
	usize event = instant_begin(w, e, name);

	for (unsigned i = 0; i < l->n; i++) {
		const struct field *f = &l->fields[i];

		if (f->kind == FIELD_ITEMS)
			annotate_items(w, f, e);
		else if (f->kind == FIELD_INT && strcmp(f->name, "rsv"))
			annotate(w, T_ANNOTATION, f, e->payload);
	}
	instant_end(w, event);
}

static void write_job_done(struct writer *w, const struct trace_event *e)
{
	const struct trace_sched_job_done *p = TRACE_PAYLOAD(e, sched_job_done);

	if (p->done_ns > p->deadline_ns)
		write_instant(w, e, "deadline missed");
}

static void write_event(struct writer *w, const struct trace_event *e)
{
	switch (e->id) {
	case TRACE_EV_SCHED_SWITCH: write_switch(w, e); break;
	case TRACE_EV_SCHED_WAKEUP:
		if (TRACE_PAYLOAD(e, sched_wakeup)->result == TRACE_wake_result_released)
			write_waking(w, e);
		break;
	case TRACE_EV_IRQ_ENTRY:
	case TRACE_EV_IRQ_EXIT: write_irq(w, e); break;
	case TRACE_EV_HINT_ENTRY: write_hint(w, e, E_IPI_ENTRY); break;
	case TRACE_EV_HINT_EXIT: write_hint(w, e, E_IPI_EXIT); break;
	case TRACE_EV_CPU_IDLE: write_idle(w, e); break;
	case TRACE_EV_SCHED_DECISION: write_instant(w, e, "decision"); break;
	case TRACE_EV_JOB_DONE: write_job_done(w, e); break;
	case TRACE_EV_WORKER_NONE: write_instant(w, e, "no worker stack left"); break;
	case TRACE_EV_MARK: write_instant(w, e, "mark"); break;
	case TRACE_EV_PANIC: write_instant(w, e, "panic"); break;
	}
}

static void write_processes(struct writer *w)
{
	usize packet = pb_begin(&w->out, PACKET), tree = pb_begin(&w->out, P_PROCESS_TREE);

	for (usize i = 1; i < w->tasks.n; i++) {
		const struct task_entry *t = &w->tasks.entries[i];
		usize process = pb_begin(&w->out, 1);

		pb_int(&w->out, 1, wide(t->tid));
		pb_int(&w->out, 2, 0);
		pb_text(&w->out, 3, tasks_name(&w->tasks, t->tid));
		pb_end(&w->out, process);
	}
	pb_end(&w->out, tree);
	pb_end(&w->out, packet);
}

static void write_track(struct writer *w, unsigned cpu)
{
	usize packet = pb_begin(&w->out, PACKET), track;
	char name[32];

	snprintf(name, sizeof name, "CPU %u decisions", cpu);
	pb_int(&w->out, P_SEQUENCE, 1);
	track = pb_begin(&w->out, P_TRACK_DESCRIPTOR);
	pb_int(&w->out, 1, TRACK_OF_CPU(cpu));
	pb_text(&w->out, 2, name);
	pb_end(&w->out, track);
	pb_end(&w->out, packet);
}

static void write_stream(struct writer *w, const struct stream *s)
{
	struct stream_at at = {0};
	struct trace_event e;

	write_track(w, s->cpu);
	w->running = 0;
	while (stream_next(s, &at, &e))
		write_event(w, &e);
	bundle_end(w);
}

int cmd_perfetto(int argc, char **argv)
{
	const struct option options[] = {{NULL, NULL, NULL}};
	struct writer w = {.running = 0};
	const char *paths[2];
	char err[512];
	struct trace t;
	int status;

	if (!options_parse(argc, argv, options, paths, 2) || !open_trace(&t, paths[0], true))
		return EXIT_UNUSABLE;
	w.trace = &t;
	status = t.faults_n ? EXIT_FOUND : EXIT_CLEAN;
	if (!tasks_collect(&w.tasks, &t))
		return fail("out of memory");
	write_processes(&w);
	for (unsigned i = 0; i < t.n; i++)
		write_stream(&w, &t.streams[i]);
	if (buffer_save(&w.out, paths[1], err, sizeof err))
		status = fail("%s", err);
	buffer_free(&w.out);
	tasks_free(&w.tasks);
	trace_unload(&t);
	return status;
}
