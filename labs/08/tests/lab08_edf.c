/* Earliest deadline first by itself, and its servers: kernel/sched/edf.c. */
#include "../../common/host.h"
#include "model.h"

static struct sched_entity *const task = &entities[0];

static unsigned long long us(u64 ns)
{
	return ns / US(1);
}

static void the_deadline_is_fixed_at_release(void)
{
	struct sched_params p = SCHED_PARAMS_EDF(MS(2));

	sched_edf.release(sched_edf.queue, task, &p, MS(5));
	EXPECT(task->key == MS(7),
	       "a job released at 5000 us with a relative deadline of 2000 us has the key %llu us; "
	       "the key is the absolute deadline, 7000 us",
	       us(task->key));
	sched_edf.enqueue(sched_edf.queue, task, false);
	sched_edf.dequeue(sched_edf.queue, task);
	if (sched_edf.charge)
		sched_edf.charge(sched_edf.queue, task, &p, MS(1), MS(6), false);
	sched_edf.enqueue(sched_edf.queue, task, true);
	EXPECT(task->key == MS(7),
	       "the job ran for 1000 us and was preempted: its key moved to %llu us. A deadline is "
	       "fixed at release and survives preemption",
	       us(task->key));
	sched_edf.dequeue(sched_edf.queue, task);
	EXPECT(task->own.server.resume_ns == 0 && task->quantum_ns == 0,
	       "a task without a server was given a quantum or was throttled");
}

static void edf_against_the_model(void)
{
	random_operations(&sched_edf, 4000);
}

/* The server's rules as in the paper: one period at a time. */
struct model {
	i64 left_ns;
	u64 deadline_ns;
};

static void model_renew(struct model *m, const struct sched_params *p)
{
	while (m->left_ns <= 0 && !p->hard) {
		m->left_ns += (i64)p->budget_ns;
		m->deadline_ns += p->period_ns;
	}
}

static void model_release(struct model *m, const struct sched_params *p, u64 now_ns)
{
	u64 left_ns = m->left_ns > 0 ? (u64)m->left_ns : 0;

	if (now_ns >= m->deadline_ns ||
	    (double)left_ns * (double)p->period_ns >
		    (double)(m->deadline_ns - now_ns) * (double)p->budget_ns) {
		m->left_ns = (i64)p->budget_ns + (m->left_ns < 0 ? m->left_ns : 0);
		m->deadline_ns = now_ns + p->period_ns;
	}
	model_renew(m, p);
}

static void compare(const struct model *m, const char *when, u64 now_ns,
		    const struct sched_params *p)
{
	bool throttled = m->left_ns <= 0;

	host_note(task->key);
	host_note(task->own.server.resume_ns);
	EXPECT(task->key == m->deadline_ns,
	       "a server of %llu us in each %llu us, %s at %llu us: its deadline is %llu us, not "
	       "%llu",
	       us(p->budget_ns), us(p->period_ns), when, us(now_ns), us(m->deadline_ns),
	       us(task->key));
	EXPECT(task->own.server.resume_ns == (throttled ? m->deadline_ns : 0),
	       "a %s server, %s at %llu us with %lld us of its budget left: it %s",
	       p->hard ? "hard" : "soft", when, us(now_ns), (long long)(m->left_ns / 1000),
	       throttled ? "waits until its deadline (resume_ns), and no longer"
			 : "may run (resume_ns is 0)");
	EXPECT(throttled || task->quantum_ns == (u64)m->left_ns,
	       "a server %s at %llu us: its task may run for the %lld us that are left of the "
	       "budget, not for %llu us",
	       when, us(now_ns), (long long)(m->left_ns / 1000), us(task->quantum_ns));
}

/* Times are multiples of 10 us, so that the products compare exactly. */
static void serve(bool hard)
{
	struct sched_params p = {.class = SCHED_EDF,
				 .deadline_ns = MS(1),
				 .budget_ns = US(100) * (1 + host_below(5)),
				 .period_ns = MS(1),
				 .hard = hard};
	struct model m = {0, 0};
	u64 now_ns = MS(3);

	*task = (struct sched_entity){.cpus = SCHED_CPUS_ALL};
	for (unsigned job = 0; job < 200 && !host_failures; job++) {
		now_ns += US(10) * host_below(80);
		sched_edf.release(sched_edf.queue, task, &p, now_ns);
		model_release(&m, &p, now_ns);
		compare(&m, "released", now_ns, &p);
		for (unsigned part = (unsigned)host_below(4); part && !host_failures; part--) {
			u64 ran_ns = US(10) * host_below(60);

			if (m.left_ns <= 0) {
				now_ns = MAX(now_ns, m.deadline_ns) + (host_below(8) ? 0 : MS(3));
				sched_edf.replenish(sched_edf.queue, task, &p, now_ns);
				m.left_ns += (i64)p.budget_ns;
				m.deadline_ns += p.period_ns;
				if (m.deadline_ns <= now_ns)
					m.deadline_ns = now_ns + p.period_ns;
				compare(&m, "replenished", now_ns, &p);
				continue;
			}
			now_ns += ran_ns;
			sched_edf.charge(sched_edf.queue, task, &p, ran_ns, now_ns,
					 ran_ns >= (u64)m.left_ns);
			m.left_ns -= (i64)ran_ns;
			model_renew(&m, &p);
			compare(&m, "charged", now_ns, &p);
		}
		while (m.left_ns <= 0 &&
		       !host_failures) { /* the executor ends no job before that */
			now_ns = MAX(now_ns, m.deadline_ns);
			sched_edf.replenish(sched_edf.queue, task, &p, now_ns);
			m.left_ns += (i64)p.budget_ns;
			m.deadline_ns += p.period_ns;
			if (m.deadline_ns <= now_ns)
				m.deadline_ns = now_ns + p.period_ns;
			compare(&m, "replenished", now_ns, &p);
		}
	}
}

static void soft_servers(void)
{
	serve(false);
}

static void hard_servers(void)
{
	serve(true);
}

TESTS(TEST(the_deadline_is_fixed_at_release), TEST(edf_against_the_model), TEST(soft_servers),
      TEST(hard_servers));
