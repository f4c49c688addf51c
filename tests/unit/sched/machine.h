/*
 * machine.h: an ideal machine for tests of policies: CPUs that cost nothing, in exact integer
 * time, that do what the scheduling rules say with the kernel's own policy functions. What the
 * papers prove holds here to the nanosecond.
 *
 * Tasks are periodic: each job computes for work_ns; work_ns 0: it computes for ever. With a seed
 * they are sporadic: a job may come later than a period after the one before, and compute less.
 */
#pragma once

#include "../test.h"
#include "sched/sched.h"

#define MACHINE_TASKS 16u
#define MACHINE_CPUS 8u
#define MACHINE_QUEUE_BYTES 2048u

struct ideal_task {
	struct sched_params params;
	u64 period_ns, work_ns, next_ns; /* next_ns: when its next job comes */
	struct sched_entity entity;
	const struct sched_policy *policy;
	int cpu;	     /* where it runs; -1 */
	bool active;	     /* a job goes on */
	u64 left_ns;	     /* of the job */
	u64 quantum_left_ns; /* of a quantum that was cut */
	u64 charged_ns, served_ns;
	u64 release_ns, deadline_ns;
	u64 jobs, misses, worst_ns; /* worst_ns: longest response */
};

struct ideal_machine {
	u64 now_ns;
	unsigned cpus, n;
	u64 seed; /* 0: strictly periodic */
	struct ideal_task task[MACHINE_TASKS];
	struct ideal_task *running[MACHINE_CPUS];
	u64 quantum_end_ns[MACHINE_CPUS];
	char queue[SCHED_CLASSES][MACHINE_QUEUE_BYTES] __attribute__((aligned(16)));
};

static inline void *ideal_queue(struct ideal_machine *m, const struct ideal_task *t)
{
	return m->queue[t->policy->urgency];
}

static inline u64 ideal_rank(const struct ideal_task *t)
{
	return t ? sched_rank(t->policy, &t->entity) : UINT64_MAX;
}

static inline void ideal_init(struct ideal_machine *m, unsigned cpus)
{
	memset(m, 0, sizeof *m);
	m->cpus = cpus;
	for (unsigned u = 0; u < SCHED_CLASSES; u++)
		if (sched_policy_at(u)->queue_bytes > MACHINE_QUEUE_BYTES)
			panic("MACHINE_QUEUE_BYTES is too small");
}

static inline struct ideal_task *ideal_add(struct ideal_machine *m, struct sched_params p,
					   u64 period_ns, u64 work_ns, u64 first_ns)
{
	struct ideal_task *t = &m->task[m->n++];

	*t = (struct ideal_task){.params = p, .period_ns = period_ns, .work_ns = work_ns,
				 .next_ns = first_ns, .cpu = -1};
	t->policy = sched_policy_of(p.class);
	t->entity.cpus = sched_cpus(&p);
	return t;
}

static inline void ideal_charge(struct ideal_machine *m, struct ideal_task *t, bool over)
{
	if (t->policy->charge)
		t->policy->charge(ideal_queue(m, t), &t->entity, &t->params,
				  t->served_ns - t->charged_ns, m->now_ns, over);
	t->charged_ns = t->served_ns;
}

/* Of a throttled task, until when; else 0. */
static inline u64 ideal_resume_ns(const struct ideal_task *t)
{
	return t->params.hard ? t->entity.own.server.resume_ns : 0;
}

/* A throttled task stays outside until its time comes. */
static inline void ideal_enqueue(struct ideal_machine *m, struct ideal_task *t, bool at_head)
{
	if (!ideal_resume_ns(t))
		t->policy->enqueue(ideal_queue(m, t), &t->entity, at_head);
}

static inline void ideal_release(struct ideal_machine *m, struct ideal_task *t)
{
	t->active = true;
	t->left_ns = t->work_ns ? t->work_ns : TIME_NEVER;
	if (m->seed && test_below(&m->seed, 4) == 0)
		t->left_ns = 1 + test_below(&m->seed, t->work_ns);
	t->release_ns = m->now_ns;
	t->deadline_ns = t->params.deadline_ns ? m->now_ns + t->params.deadline_ns : TIME_NEVER;
	t->policy->release(ideal_queue(m, t), &t->entity, &t->params, m->now_ns);
	ideal_enqueue(m, t, false);
}

static inline void ideal_finish(struct ideal_machine *m, struct ideal_task *t)
{
	ideal_charge(m, t, false);
	if (t->policy->leave)
		t->policy->leave(ideal_queue(m, t), &t->entity, &t->params);
	t->active = false;
	t->quantum_left_ns = 0;
	t->jobs++;
	t->misses += m->now_ns > t->deadline_ns;
	t->worst_ns = MAX(t->worst_ns, m->now_ns - t->release_ns);
	m->running[t->cpu] = NULL;
	t->cpu = -1;
}

static inline struct ideal_task *ideal_first(struct ideal_machine *m, unsigned cpu)
{
	for (unsigned u = 0; u < SCHED_CLASSES; u++) {
		struct sched_entity *e = sched_policy_at(u)->peek(m->queue[u], cpu);

		if (e)
			return CONTAINER_OF(e, struct ideal_task, entity);
	}
	return NULL;
}

static inline void ideal_place(struct ideal_machine *m, unsigned cpu, struct ideal_task *t)
{
	u64 quantum_ns;

	t->policy->dequeue(ideal_queue(m, t), &t->entity);
	quantum_ns = t->entity.quantum_ns;
	if (t->quantum_left_ns)
		quantum_ns = MIN(quantum_ns, t->quantum_left_ns);
	t->quantum_left_ns = 0;
	t->cpu = (int)cpu;
	m->running[cpu] = t;
	m->quantum_end_ns[cpu] = quantum_ns ? m->now_ns + quantum_ns : TIME_NEVER;
}

/* The running task @p t makes room for somebody more urgent. */
static inline void ideal_preempt(struct ideal_machine *m, struct ideal_task *t)
{
	if (m->quantum_end_ns[t->cpu] != TIME_NEVER)
		t->quantum_left_ns = m->quantum_end_ns[t->cpu] - m->now_ns;
	ideal_charge(m, t, false);
	m->running[t->cpu] = NULL;
	t->cpu = -1;
	ideal_enqueue(m, t, true);
}

static inline bool ideal_stays(struct ideal_machine *m, unsigned cpu, struct ideal_task *t,
			       struct ideal_task *next)
{
	if (ideal_rank(next) != ideal_rank(t))
		return ideal_rank(next) > ideal_rank(t);
	return t->policy->keeps &&
	       t->policy->keeps(ideal_queue(m, t), &t->entity, &next->entity, cpu);
}

static inline void ideal_quantum_over(struct ideal_machine *m, unsigned cpu)
{
	struct ideal_task *t = m->running[cpu], *next;

	ideal_charge(m, t, true);
	next = ideal_resume_ns(t) ? t : ideal_first(m, cpu);
	if (!next || (next != t && ideal_stays(m, cpu, t, next))) {
		m->quantum_end_ns[cpu] = m->now_ns + t->entity.quantum_ns;
		return;
	}
	m->running[cpu] = NULL;
	t->cpu = -1;
	ideal_enqueue(m, t, false);
}

/* The most urgent waiting task takes the least urgent CPU, until that is no use to anybody. */
static inline void ideal_dispatch(struct ideal_machine *m)
{
	for (;;) {
		struct ideal_task *best = NULL;
		unsigned at = 0;

		for (unsigned cpu = 0; cpu < m->cpus; cpu++) {
			struct ideal_task *t = ideal_first(m, cpu);

			if (t && ideal_rank(t) < ideal_rank(m->running[cpu]) &&
			    (!best || ideal_rank(m->running[cpu]) > ideal_rank(m->running[at]))) {
				best = t;
				at = cpu;
			}
		}
		if (!best)
			return;
		if (m->running[at])
			ideal_preempt(m, m->running[at]);
		ideal_place(m, at, best);
	}
}

static inline u64 ideal_next_event(const struct ideal_machine *m, u64 end_ns)
{
	u64 next = end_ns;

	for (unsigned i = 0; i < m->n; i++) {
		u64 resume_ns = ideal_resume_ns(&m->task[i]);

		next = MIN(next, m->task[i].next_ns);
		if (m->task[i].active && resume_ns)
			next = MIN(next, resume_ns);
	}
	for (unsigned c = 0; c < m->cpus; c++)
		if (m->running[c]) {
			u64 left_ns = m->running[c]->left_ns;

			if (left_ns < next - m->now_ns)
				next = m->now_ns + left_ns;
			next = MIN(next, m->quantum_end_ns[c]);
		}
	return MAX(next, m->now_ns); /* what waits to resume may have been held back */
}

static inline void ideal_advance(struct ideal_machine *m, u64 to_ns)
{
	u64 ns = to_ns - m->now_ns;

	m->now_ns = to_ns;
	for (unsigned c = 0; c < m->cpus; c++)
		if (m->running[c]) {
			m->running[c]->served_ns += ns;
			m->running[c]->left_ns -= m->running[c]->work_ns ? ns : 0;
		}
}

static inline void ideal_resume(struct ideal_machine *m, struct ideal_task *t)
{
	if (!t->active || !ideal_resume_ns(t) || ideal_resume_ns(t) > m->now_ns)
		return;
	t->policy->replenish(ideal_queue(m, t), &t->entity, &t->params, m->now_ns);
	ideal_enqueue(m, t, false);
}

/* One event: the first that comes, and all that comes at the same time; false at @p end_ns. A job
 * that comes while the one before goes on comes when that has ended. */
static inline bool ideal_step(struct ideal_machine *m, u64 end_ns)
{
	ideal_dispatch(m);
	ideal_advance(m, ideal_next_event(m, end_ns));
	for (unsigned c = 0; c < m->cpus; c++)
		if (m->running[c] && !m->running[c]->left_ns)
			ideal_finish(m, m->running[c]);
	for (unsigned i = 0; i < m->n; i++) {
		struct ideal_task *t = &m->task[i];

		ideal_resume(m, t);
		if (t->next_ns > m->now_ns)
			continue;
		t->next_ns = t->work_ns ? t->next_ns + t->period_ns : TIME_NEVER;
		if (m->seed && test_below(&m->seed, 4) == 0)
			t->next_ns += test_below(&m->seed, t->period_ns);
		if (t->active)
			t->misses++, t->next_ns = TIME_NEVER;
		else
			ideal_release(m, t);
	}
	for (unsigned c = 0; c < m->cpus; c++)
		if (m->running[c] && m->quantum_end_ns[c] <= m->now_ns)
			ideal_quantum_over(m, c);
	ideal_dispatch(m);
	return m->now_ns < end_ns;
}
