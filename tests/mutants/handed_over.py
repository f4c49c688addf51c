"""Mutants of what the tests of whole systems see alone: words at boot, runs that repeat, the launcher."""

from mutants import Mutant, Tested

BOOT = "kernel/services/boot.c"
RUN = "tools/run"

MISTAKES = Tested("tests/system/test_boot_words.py", only="mistakes")
RIGHT = Tested("tests/system/test_boot_words.py", only="right")

MUTANTS = [
    Mutant("boot-number-without-a-bound", "a word at boot takes numbers that are too great",
           ((BOOT, " && *value >= w->least && *value <= w->most;", " && *value >= w->least;"),), "test", MISTAKES),
    Mutant("boot-takes-what-was-wrong", "of a value that is told to be wrong the wrong one is taken all the same",
           ((BOOT, "	if (!is)\n		*value = w->otherwise;\n", ""),), "test",
           Tested("tests/system/test_boot_words.py", only="shards")),
    Mutant("boot-choice-by-its-beginning", "the beginning of a choice is taken for it",
           ((BOOT, " && (!choices[n] || choices[n] == '|'))", ")"),), "test", MISTAKES),
    Mutant("boot-typo-not-told", "a name that is nearly one of the words is passed over",
           ((BOOT, "	if (!least || is_foreign(name))\n", "	if (least < DISTANT || is_foreign(name))\n"),), "test", MISTAKES),
    Mutant("boot-foreign-words-told", "words that boot loaders bring along are told as mistakes",
           ((BOOT, "	return strchr(name, '.') || strchr(name, '/');\n", "	return false;\n"),), "test", RIGHT),
    Mutant("counted-time-is-not", "a run that is to repeat follows the host's clock",
           ((RUN, '["-icount", "shift=0,sleep=off", "-seed"', '["-seed"'),), "test",
           Tested("tests/system/test_identical_runs.py", board="virt", only="virt")),
    Mutant("cpus-are-walked-with-the-lock", "whoever takes a task reads what all CPUs run, with the queue locked",
           (("kernel/task/handover.h", "	arch_current_set(c->current = next);\n	c->switches++;\n	if (unlikely(",
             "	for (unsigned i = 0; i < cpu_count; i++)\n		(void)atomic_load_explicit(&cpus[i].promised, memory_order_relaxed);\n"
             "	arch_current_set(c->current = next);\n	c->switches++;\n	if (unlikely("),), "test", Tested("tests/system/test_scaling.py", only="lock")),
    Mutant("last-line-first", "what the simulator says of the run overtakes the console",
           ((RUN, 'args.board == "sim" and os.path.sameopenfile(1, 2)', 'args.board != "sim" and os.path.sameopenfile(1, 2)'),), "test",
           Tested("tests/system/test_run.py", only="comes_last")),
]
