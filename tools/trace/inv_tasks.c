/* The model's tasks and queue, and the sentences of its reports. */
#include <stdarg.h>

#include "inv_model.h"

static u32 hash(i32 tid)
{
	return (u32)tid * 2654435761u;
}

static u32 *slot_of(const struct inv *v, i32 tid)
{
	u32 i = hash(tid) & v->map_mask;

	while (v->map[i] && v->tasks[v->map[i] - 1].tid != tid)
		i = (i + 1) & v->map_mask;
	return &v->map[i];
}

struct model_task *model_find(const struct inv *v, i32 tid)
{
	u32 index = tid ? *slot_of(v, tid) : 0;

	return index ? &v->tasks[index - 1] : NULL;
}

/* Drops dead tasks; the others keep their state and get new indices. */
static void recycle(struct inv *v)
{
	u32 kept = 0;

	for (u32 i = 0; i < v->tasks_n; i++) {
		if (v->tasks[i].state == MODEL_DEAD)
			continue;
		if (kept != i)
			v->tasks[kept] = v->tasks[i];
		if (v->tasks[kept].state == MODEL_QUEUED)
			v->queued[v->tasks[kept].place] = kept;
		kept++;
	}
	v->tasks_n = kept;
	for (u32 i = 0; i <= v->map_mask; i++)
		v->map[i] = 0;
	for (u32 i = 0; i < kept; i++)
		*slot_of(v, v->tasks[i].tid) = i + 1;
}

struct model_task *model_task(struct inv *v, i32 tid)
{
	struct model_task *t = model_find(v, tid);

	if (t || !tid)
		return t;
	if (v->tasks_n == v->config.tasks)
		recycle(v);
	if (v->tasks_n == v->config.tasks) {
		v->counts.untracked++;
		return NULL;
	}
	t = &v->tasks[v->tasks_n++];
	*t = (struct model_task){
		.tid = tid,
		.state = v->complete ? MODEL_WAITING : MODEL_UNKNOWN,
		.poll = v->complete ? POLL_CLOSED : POLL_UNKNOWN,
	};
	*slot_of(v, tid) = v->tasks_n;
	return t;
}

void model_enqueue(struct inv *v, struct model_task *t)
{
	t->state = MODEL_QUEUED;
	t->queued_seq = v->seq;
	t->queued_cpu = v->now->cpu;
	t->place = v->queued_n;
	t->reported = t->exhausted = false;
	v->queued[v->queued_n++] = (u32)(t - v->tasks);
}

void model_dequeue(struct inv *v, struct model_task *t)
{
	u32 last = v->queued[--v->queued_n];

	v->queued[t->place] = last;
	v->tasks[last].place = t->place;
	t->reported = t->exhausted = false;
}

bool model_before(const struct inv *v, const struct model_task *a, const struct model_task *b)
{
	if (a->class != b->class)
		return class_urgency(a->class) < class_urgency(b->class);
	if (v->own_order >> a->class & 1)
		return false;
	return a->key != b->key ? a->key < b->key : a->order < b->order;
}

bool model_outranks(const struct inv *v, const struct model_task *a, const struct model_task *b)
{
	if (a->class != b->class)
		return class_urgency(a->class) < class_urgency(b->class);
	return !(v->flat >> a->class & 1) && a->key < b->key;
}

struct model_task *model_best(const struct inv *v, unsigned cpu)
{
	struct model_task *best = NULL;

	for (u32 i = 0; i < v->queued_n; i++) {
		struct model_task *t = &v->tasks[v->queued[i]];

		if (t->cpus >> cpu & 1 && (!best || model_before(v, t, best)))
			best = t;
	}
	return best;
}

void model_forget(struct inv *v)
{
	for (u32 i = 0; i < v->tasks_n; i++) {
		struct model_task *t = &v->tasks[i];
		struct model_task known = {.tid = t->tid, .state = MODEL_UNKNOWN, .cpu = t->cpu};

		if (t->state == MODEL_DEAD)
			continue;
		__builtin_memcpy(known.name, t->name, sizeof known.name);
		*t = known;
	}
	for (unsigned c = 0; c < CPUS_MAX; c++) {
		bool records = v->config.cpus >> c & 1;

		v->cpus[c] = (struct model_cpu){
			.hint_unknown = records,
			.unseen = records && !v->config.one_lock,
			.stack = -1,
		};
	}
	v->queued_n = 0;
	v->complete = false;
	v->group_open = v->group_over = false;
}

struct sentence {
	char text[256];
	unsigned n;
};

static void put(struct sentence *s, const char *text, unsigned max)
{
	while (max-- && *text && s->n + 1 < sizeof s->text)
		s->text[s->n++] = *text++;
}

static void put_number(struct sentence *s, u64 n)
{
	char digits[21];
	unsigned at = sizeof digits;

	digits[--at] = '\0';
	do
		digits[--at] = (char)('0' + n % 10);
	while (n /= 10);
	put(s, digits + at, sizeof digits);
}

static void put_task(struct sentence *s, const struct model_task *t)
{
	if (!t) {
		put(s, "no task", 8);
		return;
	}
	put(s, "task ", 5);
	if (t->tid < 0)
		put(s, "-", 1);
	put_number(s, t->tid < 0 ? -(u64)(i64)t->tid : (u64)t->tid);
	if (t->name[0]) {
		put(s, " (", 2);
		put(s, t->name, sizeof t->name);
		put(s, ")", 1);
	}
}

void inv_say(struct inv *v, enum inv_rule rule, const struct model_task *about, const char *fmt,
	     ...)
{
	struct sentence s = {.n = 0};
	struct violation out = {
		.rule = rule_at(rule)->id,
		.ticks = v->now->ticks,
		.cpu = v->now->cpu,
		.tid = about ? about->tid : 0,
	};
	va_list args;

	va_start(args, fmt);
	for (const char *f = fmt; *f; f++) {
		if (*f != '%') {
			put(&s, f, 1);
			continue;
		}
		switch (*++f) {
		case 't': put_task(&s, va_arg(args, const struct model_task *)); break;
		case 'u': put_number(&s, va_arg(args, unsigned)); break;
		case 'k': put_number(&s, va_arg(args, u64)); break;
		case 's': put(&s, va_arg(args, const char *), sizeof s.text); break;
		}
	}
	va_end(args);
	s.text[s.n] = '\0';
	out.text = s.text;
	out.has_seq = event_seq(v->now, &out.seq);
	v->counts.violations++;
	v->config.report(v->config.ctx, &out);
}
