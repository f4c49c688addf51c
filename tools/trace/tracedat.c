/*
 * Export to trace.dat version 6, which trace-cmd and KernelShark read (trace-cmd.dat.v6(5)).
 * sched_switch, sched_wakeup, sched_waking and the irq_handler events get the layout that Linux
 * gives them, because both programs know it by heart; every other event keeps its own.
 */
#include <string.h>

#include "commands.h"

#define PAGE_BYTES 4096u
#define PAGE_HEAD 16u
#define COMMON_BYTES 8u
#define TYPE_LEN_EXTEND 30u
#define DELTA_BITS 27
#define ID_WAKING 99u /* ours begin at ID_BASE */
#define ID_BASE 100u
#define FLAG_HARDIRQ 0x08
#define RECORD_MAX 512u

static const char header_page[] =
	"\tfield: u64 timestamp;\toffset:0;\tsize:8;\tsigned:0;\n"
	"\tfield: local_t commit;\toffset:8;\tsize:8;\tsigned:1;\n"
	"\tfield: int overwrite;\toffset:8;\tsize:1;\tsigned:1;\n"
	"\tfield: char data;\toffset:16;\tsize:4080;\tsigned:1;\n";
static const char header_event[] =
	"# compressed entry header\n"
	"\ttype_len    :    5 bits\n"
	"\ttime_delta  :   27 bits\n"
	"\tarray       :   32 bits\n\n"
	"\tpadding     : type == 29\n"
	"\ttime_extend : type == 30\n"
	"\ttime_stamp : type == 31\n"
	"\tdata max type_len  == 28\n";
static const char common_fields[] =
	"format:\n"
	"\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"
	"\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;\n"
	"\tfield:unsigned char common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;\n"
	"\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n";

static const char switch_fields[] =
	"\tfield:char prev_comm[16];\toffset:8;\tsize:16;\tsigned:0;\n"
	"\tfield:pid_t prev_pid;\toffset:24;\tsize:4;\tsigned:1;\n"
	"\tfield:int prev_prio;\toffset:28;\tsize:4;\tsigned:1;\n"
	"\tfield:long prev_state;\toffset:32;\tsize:8;\tsigned:1;\n"
	"\tfield:char next_comm[16];\toffset:40;\tsize:16;\tsigned:0;\n"
	"\tfield:pid_t next_pid;\toffset:56;\tsize:4;\tsigned:1;\n"
	"\tfield:int next_prio;\toffset:60;\tsize:4;\tsigned:1;\n\n"
	"print fmt: \"%s:%d [%d] ==> %s:%d [%d]\", REC->prev_comm, REC->prev_pid, REC->prev_prio, "
	"REC->next_comm, REC->next_pid, REC->next_prio\n";
static const char waking_fields[] =
	"\tfield:char comm[16];\toffset:8;\tsize:16;\tsigned:0;\n"
	"\tfield:pid_t pid;\toffset:24;\tsize:4;\tsigned:1;\n"
	"\tfield:int prio;\toffset:28;\tsize:4;\tsigned:1;\n"
	"\tfield:int target_cpu;\toffset:32;\tsize:4;\tsigned:1;\n"
	"\tfield:int result;\toffset:36;\tsize:4;\tsigned:1;\n\n"
	"print fmt: \"comm=%s pid=%d prio=%d target_cpu=%03d %s\", REC->comm, REC->pid, REC->prio, "
	"REC->target_cpu, __print_symbolic(REC->result, { 0, \"released\" }, { 1, \"noted\" }, "
	"{ 2, \"dead\" })\n";

struct writer {
	struct buffer out;
	const struct trace *trace;
	struct task_table tasks;
	i32 running;
	usize page; /* where the open page begins, 0 for none */
	u64 page_ns;
};

static bool linux_layout(unsigned id)
{
	return id == TRACE_EV_SCHED_SWITCH || id == TRACE_EV_SCHED_WAKEUP;
}

static void sized_text(struct buffer *b, const char *text, usize n)
{
	buffer_int(b, n, 8);
	buffer_add(b, text, n);
}

static const char *c_type(const struct field *f)
{
	static const char *const types[2][9] = {
		{[1] = "unsigned char", [2] = "unsigned short", [4] = "unsigned int", [8] = "u64"},
		{[1] = "signed char", [2] = "short", [4] = "int", [8] = "s64"},
	};

	return types[f->is_signed][f->bytes];
}

static void describe_field(struct buffer *b, const struct field *f)
{
	unsigned at = f->offset + COMMON_BYTES;

	if (f->kind == FIELD_TEXT)
		buffer_printf(b, "\tfield:char %s[%u];\toffset:%u;\tsize:%u;\tsigned:0;\n", f->name,
			      f->bytes, at, f->bytes);
	else if (f->kind == FIELD_INT)
		buffer_printf(b, "\tfield:%s %s;\toffset:%u;\tsize:%u;\tsigned:%d;\n", c_type(f), f->name,
			      at, f->bytes, f->is_signed);
}

static void describe_print(struct buffer *b, const struct event_layout *l)
{
	buffer_text(b, "\nprint fmt: \"");
	for (unsigned i = 0; i < l->n; i++) {
		const struct field *f = &l->fields[i];

		if (f->kind != FIELD_ITEMS)
			buffer_printf(b, "%s%s=%s", i ? " " : "", f->name,
				      f->kind == FIELD_TEXT || f->set ? "%s"
				      : f->bytes == 8		      ? "%llu"
				      : f->is_signed		      ? "%d" : "%u");
	}
	buffer_text(b, "\"");
	for (unsigned i = 0; i < l->n; i++) {
		const struct field *f = &l->fields[i];

		if (f->kind == FIELD_ITEMS)
			continue;
		if (!f->set) {
			buffer_printf(b, ", REC->%s", f->name);
			continue;
		}
		buffer_printf(b, ", __print_symbolic(REC->%s", f->name);
		for (unsigned k = 0; k < f->set->n; k++)
			buffer_printf(b, ", { %u, \"%s\" }", f->set->codes[k].number,
				      f->set->codes[k].name);
		buffer_text(b, ")");
	}
	buffer_text(b, "\n");
}

static void describe(struct buffer *out, const char *name, unsigned id, const char *fields,
		     const struct event_layout *l)
{
	struct buffer b = {0};

	buffer_printf(&b, "name: %s\nID: %u\n%s", name, id, common_fields);
	if (fields) {
		buffer_text(&b, fields);
	} else {
		for (unsigned i = 0; i < l->n; i++)
			describe_field(&b, &l->fields[i]);
		describe_print(&b, l);
	}
	sized_text(out, (char *)b.data, b.bytes);
	out->failed |= b.failed;
	buffer_free(&b);
}

static void write_formats(struct buffer *b)
{
	unsigned own = 0;

	buffer_int(b, 0, 4); /* formats of ftrace itself */
	for (unsigned id = 0; id < TRACE_EVENTS_END; id++)
		own += event_layout(id) && !linux_layout(id);
	buffer_int(b, 2, 4); /* systems */
	buffer_add(b, "sched", 6);
	buffer_int(b, 3, 4);
	describe(b, "sched_switch", ID_BASE + TRACE_EV_SCHED_SWITCH, switch_fields, NULL);
	describe(b, "sched_wakeup", ID_BASE + TRACE_EV_SCHED_WAKEUP, waking_fields, NULL);
	describe(b, "sched_waking", ID_WAKING, waking_fields, NULL);
	buffer_add(b, "fermata", 8);
	buffer_int(b, own, 4);
	for (unsigned id = 0; id < TRACE_EVENTS_END; id++)
		if (event_layout(id) && !linux_layout(id))
			describe(b, event_layout(id)->name, ID_BASE + id, NULL, event_layout(id));
}

static void write_names(struct writer *w)
{
	struct buffer names = {0};

	for (usize i = 1; i < w->tasks.n; i++)
		buffer_printf(&names, "%d %s\n", w->tasks.entries[i].tid,
			      tasks_name(&w->tasks, w->tasks.entries[i].tid));
	sized_text(&w->out, (char *)names.data, names.bytes);
	w->out.failed |= names.failed;
	buffer_free(&names);
}

static void put_name(struct buffer *b, const char *name)
{
	char text[16] = {0};

	memcpy(text, name, MIN(strlen(name), sizeof text - 1));
	buffer_add(b, text, sizeof text);
}

static void put_waking(struct writer *w, struct buffer *b, const struct trace_event *e)
{
	const struct trace_sched_wakeup *p = TRACE_PAYLOAD(e, sched_wakeup);

	put_name(b, tasks_name(&w->tasks, p->tid));
	buffer_int(b, (u32)p->tid, 4);
	buffer_int(b, p->prio, 4);
	buffer_int(b, p->target_cpu == TRACE_NO_CPU ? e->cpu : p->target_cpu, 4);
	buffer_int(b, p->result, 4);
}

static void put_switch(struct writer *w, struct buffer *b, const struct trace_event *e)
{
	const struct trace_sched_switch *p = TRACE_PAYLOAD(e, sched_switch);

	put_name(b, tasks_name(&w->tasks, p->prev_tid));
	buffer_int(b, (u32)p->prev_tid, 4);
	buffer_int(b, p->prev_prio, 4);
	buffer_int(b, p->prev_state, 8);
	put_name(b, tasks_name(&w->tasks, p->next_tid));
	buffer_int(b, (u32)p->next_tid, 4);
	buffer_int(b, p->next_prio, 4);
}

static void page_close(struct writer *w)
{
	if (!w->page || w->out.failed)
		return;

	u64 commit = w->out.bytes - w->page - PAGE_HEAD;

	memcpy(w->out.data + w->page + 8, &commit, sizeof commit);
	buffer_align(&w->out, PAGE_BYTES);
	w->page = 0;
}

static void page_open(struct writer *w, u64 ns)
{
	page_close(w);
	w->page = w->out.bytes;
	w->page_ns = ns;
	buffer_int(&w->out, ns, 8);
	buffer_int(&w->out, 0, 8);
}

/* Adds one record of @p n bytes, a multiple of 4: header word, length word, data. */
static void put_record(struct writer *w, u64 ns, const struct buffer *data)
{
	u64 delta = ns - w->page_ns;

	if (!w->page || ns < w->page_ns || delta >> (DELTA_BITS + 32) ||
	    w->out.bytes - w->page + 16 + data->bytes > PAGE_BYTES) {
		page_open(w, ns);
		delta = 0;
	}
	if (delta >> DELTA_BITS) {
		buffer_int(&w->out, TYPE_LEN_EXTEND | (u32)(delta << 5), 4);
		buffer_int(&w->out, delta >> DELTA_BITS, 4);
		delta = 0;
	}
	w->page_ns = ns;
	buffer_int(&w->out, delta << 5, 4); /* type_len 0: the length is the next word */
	buffer_int(&w->out, data->bytes + 4, 4);
	buffer_add(&w->out, data->data, data->bytes);
}

static void write_event(struct writer *w, const struct trace_event *e, unsigned id)
{
	struct buffer b = {0};
	bool irq = e->id == TRACE_EV_SCHED_WAKEUP &&
		   TRACE_PAYLOAD(e, sched_wakeup)->source != TRACE_wake_source_task;

	if (e->id == TRACE_EV_SCHED_SWITCH)
		w->running = TRACE_PAYLOAD(e, sched_switch)->prev_tid;
	buffer_int(&b, id, 2);
	buffer_int(&b, irq ? FLAG_HARDIRQ : 0, 1);
	buffer_int(&b, 0, 1);
	buffer_int(&b, (u32)w->running, 4);
	if (e->id == TRACE_EV_SCHED_SWITCH)
		put_switch(w, &b, e);
	else if (e->id == TRACE_EV_SCHED_WAKEUP)
		put_waking(w, &b, e);
	else
		buffer_add(&b, e->payload, MIN(e->bytes, RECORD_MAX));
	put_record(w, trace_ns(w->trace, e->ticks), &b);
	if (e->id == TRACE_EV_SCHED_SWITCH)
		w->running = TRACE_PAYLOAD(e, sched_switch)->next_tid;
	w->out.failed |= b.failed;
	buffer_free(&b);
}

static void write_stream(struct writer *w, const struct stream *s)
{
	struct stream_at at = {0};
	struct trace_event e;

	w->running = 0;
	while (stream_next(s, &at, &e)) {
		if (e.id == TRACE_EV_SCHED_WAKEUP &&
		    TRACE_PAYLOAD(&e, sched_wakeup)->result == TRACE_wake_result_released)
			write_event(w, &e, ID_WAKING);
		write_event(w, &e, ID_BASE + e.id);
	}
	page_close(w);
}

/* CPUs are numbered without gaps in this format, so those without a stream get an empty one. */
static void write_data(struct writer *w)
{
	unsigned cpus = w->trace->streams[w->trace->n - 1].cpu + 1;
	usize table;

	buffer_int(&w->out, cpus, 4);
	buffer_add(&w->out, "flyrecord", 10);
	table = w->out.bytes;
	for (unsigned cpu = 0; cpu < cpus; cpu++)
		buffer_add(&w->out, (u64[]){0, 0}, 16);
	buffer_align(&w->out, PAGE_BYTES);
	for (unsigned i = 0, cpu = 0; cpu < cpus && !w->out.failed; cpu++) {
		u64 place[2] = {w->out.bytes, 0};

		if (w->trace->streams[i].cpu == cpu)
			write_stream(w, &w->trace->streams[i++]);
		place[1] = w->out.bytes - place[0];
		if (!w->out.failed)
			memcpy(w->out.data + table + cpu * sizeof place, place, sizeof place);
	}
}

int cmd_tracedat(int argc, char **argv)
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
	buffer_add(&w.out, "\x17\x08\x44tracing6", 12); /* with the zero behind the version */
	buffer_int(&w.out, 0, 1);			 /* little endian */
	buffer_int(&w.out, 8, 1);			 /* bytes of a long */
	buffer_int(&w.out, PAGE_BYTES, 4);
	buffer_add(&w.out, "header_page", 12);
	sized_text(&w.out, header_page, sizeof header_page - 1);
	buffer_add(&w.out, "header_event", 13);
	sized_text(&w.out, header_event, sizeof header_event - 1);
	write_formats(&w.out);
	buffer_int(&w.out, 0, 4); /* kallsyms */
	buffer_int(&w.out, 0, 4); /* printk formats */
	write_names(&w);
	write_data(&w);
	if (buffer_save(&w.out, paths[1], err, sizeof err))
		status = fail("%s", err);
	buffer_free(&w.out);
	tasks_free(&w.tasks);
	trace_unload(&t);
	return status;
}
