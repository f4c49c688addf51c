/*
 * kernel/apps/ under another policy: its own sources, whose tasks are spawned by way of recast().
 * Built as `APP=tools/sim/recast.c`; `fermata-sim --sched CLASS` does that.
 */
#include "async/async.h"
#include "services/burn.h"
#include "task/task.h"

#include "tools/sim/recast.h"

static inline int spawn_recast(const struct task_spec *spec, struct task **handle)
{
	struct task_spec other = *spec;

	other.params = recast(spec->params);
	return task_spawn(&other, handle);
}

#define task_spawn spawn_recast
#define burn_spawn(name, params, ns, handle) burn_spawn(name, recast(params), ns, handle)

#include "apps/dag.c"
#include "apps/demo.c"
#include "apps/main.c"
