"""Mutants of the timing wheel and of what the timers do with it."""

from mutants import SERVICE, Mutant, Runs

WHEEL = "kernel/base/wheel.c"
TIMER = "kernel/core/timer.c"
TIMERS = Runs("tests/unit/core/timers.c", cpus=2, seeds=5)


def wheels(only):
    return Runs("tests/unit/base/wheels.c", cpus=1, seeds=1, only=only)


MUTANTS = [
    Mutant("timer-too-early", "a timer fires before its time",
           ((TIMER, "wheel_step(&c->timers, now_ns, &n)", "wheel_step(&c->timers, now_ns + US(10), &n)"),),
           "no-progress test no-end simulator"),
    Mutant("timer-behind-quantum", "a timer waits for the end of the running task's quantum",
           ((TIMER, "	u64 next_ns = MIN(wheel_next(&c->timers), quantum_end_ns);\n",
             "	u64 next_ns = quantum_end_ns == TIME_NEVER ? wheel_next(&c->timers) : quantum_end_ns;\n"),),
           "test", Runs(SERVICE, cpus=1, seeds=2, strategy="time", only="late")),
    Mutant("timer-interrupt-without-end", "an interrupt fires all that is due, however much it is",
           ((TIMER, "i < STEPS_MAX && wheel_step", "i != STEPS_MAX + 1000u && wheel_step"),), "test", TIMERS),
    Mutant("timer-again-at-once", "a timer that its function arms for a time that is past fires in the same interrupt",
           ((TIMER, "MAX(at_ns, c->timer_seen_ns + 1)", "MAX(at_ns, c->timer_seen_ns)"),), "test no-end", TIMERS),
    Mutant("timer-cancel-leaves-it", "a timer that was taken back stays in the wheel",
           ((TIMER, "		wheel_remove(&c->timers, &t->node);\n", ""),), "test panic simulator no-end no-progress", TIMERS),
    Mutant("wheel-last-in-first-out", "of equal times the newest leaves first",
           ((WHEEL, "		n->prev->next = first->prev = n;\n",
             "		n->prev->next = first->prev = n;\n		w->slots[n->slot].first = n;\n"),), "test", wheels("equal")),
    Mutant("wheel-two-bases", "the base moves before its slot is empty",
           ((WHEEL, "		w->next_base = w->slots[slot].least;\n",
             "		w->next_base = w->base = w->slots[slot].least;\n"),), "test", wheels("agrees")),
    Mutant("wheel-base-ahead", "the base moves to now, past nodes that are due",
           ((WHEEL, "		w->base = first->key;\n", "		w->base = now;\n"),), "test no-end", wheels("agrees")),
    Mutant("wheel-bound-outlives-its-slot", "a bound that is too early stays the next time when its slot is empty",
           ((WHEEL, "	if (n->key != least && w->slots[n->slot].first)\n", "	if (n->key != least)\n"),),
           "test panic simulator no-end", wheels("emptied")),
    Mutant("wheel-later-slot-first", "the first slot is looked for from the highest level",
           ((WHEEL, "(unsigned)__builtin_ctz(w->levels);", "31 - (unsigned)__builtin_clz(w->levels);"),),
           "test no-end panic", wheels("agrees")),
    Mutant("wheel-bit-stays", "a slot that was emptied counts as one with nodes",
           ((WHEEL, "	if (!w->digits[level])\n", "	if (!w->digits[level] && level)\n"),), "test panic simulator no-end", wheels("agrees")),
    Mutant("wheel-forgets-the-least", "the time of a node that is gone is waited for",
           ((WHEEL, "	find_least(w, n->slot);\n	if (least == wheel_next(w))\n		find_next(w);\n", "	(void)find_least;\n"),),
           "test", wheels("exact")),
    Mutant("wheel-removal-keeps-the-next", "the next time stays that of a node that was removed",
           ((WHEEL, "	if (least == wheel_next(w))\n		find_next(w);\n", ""),), "test", wheels("exact")),
    Mutant("wheel-lone-node-too-early", "a node that is alone leaves although only its slot's bound is due",
           ((WHEEL, "(first->next == first && first->key <= now)", "(first->next == first && (first->key <= now || now))"),),
           "test", wheels("lone")),
    Mutant("wheel-takes-company-along", "a slot with several nodes is left by the first as if it were alone",
           ((WHEEL, "(first->next == first && first->key <= now)", "first->key <= now"),), "test no-end", wheels("agrees")),
    Mutant("wheel-removal-looks-at-all", "a removal looks at each node of the slot",
           ((WHEEL, "#define SCAN_MAX 8u", "#define SCAN_MAX 100000u"),), "test", wheels("thousand")),
]
