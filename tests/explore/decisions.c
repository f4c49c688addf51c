/*
 * links: task/decision.c task/runqueue.c sched/fifo.c sched/levels.c sched/ordered.c base/tree.c
 *
 * What the trace says of a decision, which the simulator takes for one step: one CPU takes a task
 * and records why, two others queue less urgent ones. The candidates are those of the moment, all
 * of them, in order, and the rule is theirs.
 */
#include "explore.h"
#include "mm/page.h"
#include "task/handover.h"

#define POLICY sched_fifo
#include "pages.h"

const unsigned explore_threads = 3;
const bool explore_locks_given = true;

struct cpu cpus[CPUS_MAX];
unsigned cpu_count = 3;
_Atomic u64 sched_heads, sched_tails;
_Atomic u8 trace_level = TRACE_FULL;
static struct task tasks[3];
static unsigned decisions, switches;

void trace_record(unsigned id, const void *payload, usize bytes, const void *more, usize more_bytes)
{
	const struct trace_sched_decision *d = payload;
	const struct trace_candidate *all = more;

	(void)bytes;
	if (id == TRACE_EV_SCHED_SWITCH) {
		ASSERT(((const struct trace_sched_switch *)payload)->next_tid == 1);
		switches++;
		return;
	}
	ASSERT(id == TRACE_EV_SCHED_DECISION && d->candidates_len * sizeof *all == more_bytes);
	ASSERT(d->candidates_len == d->waiting && d->waiting >= 1 && d->waiting <= 3 &&
	       all[0].tid == 1);
	for (unsigned i = 1; i < d->candidates_len; i++)
		ASSERT(all[i].key > all[i - 1].key);
	ASSERT(d->rule ==
	       (d->waiting == 1 ? TRACE_rule_only_candidate : TRACE_rule_highest_priority));
	decisions++;
}

static void queue(unsigned i) NO_THREAD_SAFETY_ANALYSIS
{
	home_lock(&tasks[i]);
	runqueue_add(&tasks[i], false);
	home_unlock(&tasks[i]);
}

void explore_begin(void)
{
	static const u8 levels[] = {9, 5, 7};

	for (unsigned i = 0; i < explore_threads; i++) {
		cpus[i].id = i;
		tasks[i].id = i + 1;
		tasks[i].policy = &sched_fifo;
		tasks[i].params = (struct sched_params){.class = SCHED_FIFO, .level = levels[i]};
		tasks[i].entity.cpus = SCHED_CPUS_ALL;
		tasks[i].entity.key = SCHED_LEVELS - 1u - levels[i];
	}
	sim_cpu_set_local(&cpus[0]);
	runqueue_init(1);
	for (unsigned i = 0; i < explore_threads; i++)
		tasks[i].home = &shards[0];
	queue(0);
}

void explore_thread(unsigned id) NO_THREAD_SAFETY_ANALYSIS
{
	struct trace_sched_switch from_idle = {.why = TRACE_switch_why_from_idle};

	sim_cpu_set_local(&cpus[id]);
	arch_irq_disable();
	if (id) {
		queue(id);
		return;
	}
	home_lock(&tasks[0]);
	record_switch(1, &from_idle, NULL, &tasks[0], false, 1);
	runqueue_remove(&tasks[0]);
	home_unlock(&tasks[0]);
}

void explore_end(void)
{
	ASSERT(decisions == 1 && switches == 1);
}
