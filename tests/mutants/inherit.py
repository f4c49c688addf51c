"""Mutants of priority inheritance."""

from mutants import Mutant, Runs

INHERIT = "kernel/task/inherit.c"
LOCK = "kernel/async/lock.c"
TASK = "kernel/task/task.c"



def one(test):
    return Runs("tests/unit/async/inversion.c", cpus=1, seeds=1, strategy="time", only=test, events=2_000_000_000)


MUTANTS = [
    Mutant("inherits-nothing", "who waits has nothing to offer",
           ((INHERIT, "	if (t->rank < best->rank) {\n", "	if (t->rank < best->rank && !t) {\n"),), "test", one("the_inversion")),
    Mutant("switch-is-ignored", "a mutex that is not to inherit does",
           ((INHERIT, "	if (!r->on)\n		return;\n", ""),), "test", one("the_inversion")),
    Mutant("only-one-step", "an owner that waits does not hand on what it inherits",
           ((INHERIT, "		for (const struct donor *d = t->waits; d && n < TODO_MAX; d = d->next)\n",
             "		for (const struct donor *d = t->waits; d && !d; d = d->next)\n"),), "test", one("through_a_chain")),
    Mutant("kept-after-the-unlock", "who gives a lock back goes on as urgent as it was",
           ((INHERIT, "	if (was)\n		update(was);\n", ""),), "test panic no-end", one("the_inversion")),
    Mutant("all-given-back-at-once", "who gives one lock back loses what it inherits by others",
           ((INHERIT, "	for (const struct inherit *r = t->holds; r; r = r->next)\n",
             "	for (const struct inherit *r = t->holds; r && !t->own; r = r->next)\n"),), "test", one("by_two_locks")),
    Mutant("kept-after-the-cancel", "who waits no more is inherited from still",
           ((INHERIT, "		let_go(r);\n	if (r->owner)\n		update(r->owner);\n	spin_unlock_raw(&inherit_lock);\n}\n\nvoid inherit_keep",
             "		let_go(r);\n	spin_unlock_raw(&inherit_lock);\n}\n\nvoid inherit_keep"),), "test panic", one("a_wait_is_given_up")),
    Mutant("wait-never-leaves", "a cancelled wait stays among those that are inherited from",
           ((LOCK, "	inherit_leave(&w->donor);\n}\n", "}\n"),), "test panic no-end", one("who_waits_is_killed")),
    Mutant("own-deadline-is-inherited", "the next job of an owner that inherits has the other's deadline",
           (("kernel/task/handover.h", "	own_ns = own_params(t)->deadline_ns;\n", "	own_ns = t->params.deadline_ns;\n"),),
           "test", one("by_deadline")),
    Mutant("woken-owner-is-not-asked", "the next job of an owner whose deadline is later inherits nothing",
           ((TASK, "		else if (unlikely(holds_contended(t)))\n", "		else if (unlikely(holds_contended(t) && now_ns == 1))\n"),), "test", one("the_next_job")),
    Mutant("change-overrides-inheritance", "parameters that change while a task inherits count at once",
           (("kernel/task/params.c", "	if (t->own)\n		inherit_keep(t, o);\n", ""),), "test panic", one("changed_while_it_inherits")),
    Mutant("change-is-not-handed-on", "an owner does not notice that who waits became more urgent",
           (("kernel/task/params.c", "		inherit_changed(t);\n", ""),), "test", one("changed_while_it_inherits")),
    Mutant("server-begins-anew", "who inherited finds its budget full again",
           ((INHERIT, "		o->server = t->own->server;\n", ""),), "P9", Runs("tests/unit/runs/random_changes.c", seeds=300)),
    Mutant("next-owner-inherits-nothing", "who gets the lock does not inherit from those who wait on",
           ((INHERIT, "	if (t)\n		update(t);\n	spin_unlock_raw", "	spin_unlock_raw"),), "test", one("who_is_next_is_awake")),
]
