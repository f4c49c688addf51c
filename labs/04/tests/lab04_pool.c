/* The pool of worker stacks. */
#include "../../common/program.h"
#include "task/executor.h"

#define WORKERS_MAX 512u

static struct worker *taken[WORKERS_MAX];

/* Interrupts are masked, so nobody else takes or gives one: this is for one CPU. */
static unsigned take_all(void)
{
	unsigned n = 0;

	while (n < WORKERS_MAX && (taken[n] = worker_take_other()) != NULL) {
		for (unsigned i = 0; i < n; i++)
			EXPECT(taken[i] != taken[n],
			       "worker %u was given out twice: two tasks would run on one stack",
			       taken[n]->id);
		n++;
		if (n > 1 && taken[n - 1] == taken[n - 2])
			break;
	}
	return n;
}

static void all_are_different_and_come_back(void)
{
	bool irqs = arch_irq_save();
	unsigned free_before = workers_free(), n, wanted = 0;

	n = take_all();
	EXPECT(n + (cpus[0].spare != NULL) == free_before, "of %u free stacks %u could be taken",
	       free_before, n);
	EXPECT(workers_short(),
	       "somebody got no stack, and workers_short says that there is enough");
	for (unsigned i = 0; i < n; i++)
		wanted += worker_give_other(taken[i]);
	EXPECT(wanted == 1,
	       "somebody got no stack, then %u were given back: %u of the callers were told that "
	       "one was wanted, not the first alone",
	       n, wanted);
	EXPECT(!workers_short(),
	       "stacks were given back, and workers_short says still that somebody got none");
	EXPECT(workers_free() == free_before,
	       "%u stacks were free before and %u are free now: one was lost, or is in the list "
	       "twice",
	       free_before, workers_free());
	arch_irq_restore(irqs);
}

static void the_last_one_given_is_the_next(void)
{
	bool irqs = arch_irq_save();
	struct worker *a = worker_take_other(), *b = worker_take_other();

	(void)worker_give_other(a);
	(void)worker_give_other(b);
	EXPECT(worker_take_other() == b, "the stack that was given back last is still in the "
					 "caches, and another one was given out");
	(void)worker_give_other(b);
	arch_irq_restore(irqs);
}

TESTS_MAIN(PLAIN(all_are_different_and_come_back), PLAIN(the_last_one_given_is_the_next));
