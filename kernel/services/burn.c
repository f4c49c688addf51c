#include "services/burn.h"
#include "async/async.h"

struct burn {
	struct async async;
	u64 ns;
};

void burn_ns(u64 ns)
{
	u64 end_ns = task_cpu_ns() + ns;

	/* No await and no yield in here: only preemption takes the CPU away. */
	while (task_cpu_ns() < end_ns)
		for (volatile unsigned i = 0; i < 100; i++)
			;
}

static enum poll burn(void *frame)
{
	struct burn *me = frame;

	ASYNC_BEGIN(me);
	burn_ns(me->ns);
	ASYNC_END(me);
}

int burn_spawn_as(const struct task_spec *spec, u64 ns, struct task **handle)
{
	struct burn frame = {.ns = ns};
	struct task_spec s = *spec;

	s.fn = burn;
	s.frame = &frame;
	s.frame_bytes = sizeof frame;
	return task_spawn(&s, handle);
}

int burn_spawn(const char *name, struct sched_params params, u64 ns, struct task **handle)
{
	return burn_spawn_as(&(struct task_spec){.name = name, .params = params}, ns, handle);
}
