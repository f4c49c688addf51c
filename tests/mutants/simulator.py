"""Mutants that the simulator's checkers (--watch) must see: what they leave out costs nothing on the
machine that runs them here."""

import sys
from dataclasses import dataclass

from mutants import ROOT, Mutant, Races, Runs, Tested
from scheduling import PUBLISHED_TOO_EARLY


@dataclass(frozen=True)
class Again(Runs):
    """Seeds from the mark on, alone and many in one process: `test` when they differ."""
    cc: str = "clang"
    seeds: int = 1
    judged: bool = False

    def command(self, elf, seed, trace):
        return [sys.executable, str(ROOT / "tests/sim/again.py"), str(ROOT / elf), "6", "--cpus", self.cpus, "--strategy", self.strategy]


@dataclass(frozen=True)
class Debugs(Runs):
    """What the debugger says of tasks at many places of a run: `test` when it is not what lies on their stacks. The mutant is
    in the debugger; the kernel is the right one."""
    program: str = "tests/sim/threads.c"
    cc: str = "clang"
    seeds: int = 1
    judged: bool = False
    elf = "tools/sim/fermata-sim"

    def command(self, elf, seed, trace):
        return [sys.executable, str(ROOT / "tests/sim/threads.py"), str((ROOT / elf).parent),
                str(ROOT / "build/sim-clang/app-threads/kernel.elf")]


LOCKS = Runs("tests/unit/sync/locks.c", cpus=4, seeds=3, watch=True)
TASKS = Runs("tests/unit/task/tasks.c", cpus=4, seeds=10, watch=True)
LISTING = Runs("tests/unit/task/listing.c", cpus=4, seeds=10, watch=True)
WAITS = Runs("tests/unit/async/waits.c", cpus=4, seeds=3, watch=True)
KILLS = Runs("tests/unit/task/kills.c", cpus=4, seeds=12, watch=True)
SPIN = "kernel/sync/spin.h"
MCS = "kernel/sync/mcs.h"
RW = "kernel/sync/rwlock.h"

def race(name, why, old, new, file="sim/race.c"):
    return Mutant(f"race-{name}", why, ((file, old, new),), "test", Races())


def hook(name, why, old, new):
    return Mutant(name, why, (("sim/hooks.awk", old, new),), "test", Tested("tests/sim/test_hooks.py", only="kind_of_code"))


KEY = "#define CELL_KEY ((1ull << CELL_EPOCH) - 1)"

MUTANTS = [
    # The race detector's shorter ways (sim/race.c).
    race("other-bytes", "an access takes the place of one of other bytes", KEY, "#define CELL_KEY (((1ull << CELL_EPOCH) - 1) & ~CELL_MASK)", "sim/watch.h"),
    race("other-kind", "a read takes the place of a write, an atomic access that of a plain one", KEY,
         "#define CELL_KEY (((1ull << CELL_EPOCH) - 1) & ~(CELL_WRITES | CELL_PLAIN))", "sim/watch.h"),
    race("stays-clear", "who conflicts with an access leaves it clear", "				cells[i] &= ~CELL_CLEAR;\n", "				;\n"),
    race("same-epoch", "what follows on a release belongs to the epoch before it", "	(add ? join : copy)(to, &clocks[me]);\n	tick(me);\n",
         "	(add ? join : copy)(to, &clocks[me]);\n"),
    race("unordered-gone", "an access pushes out what is not ordered before it", "if (before && !(c & ~own & CELL_LOW))", "if (!(c & ~own & CELL_LOW))"),
    race("weaker-stands", "a read stands for a write", "if (before && !(c & ~own & CELL_LOW))", "if (before && !(c & ~own & CELL_MASK))"),
    race("of-one-agent", "a clock that came from several passes for the last one's", "	to->stamp = CLOCK_MIXED;\n", ""),
    race("known-too-early", "an agent passes for knowing what it knows but for the last epoch", "return of[from->stamp & 255] >= from->stamp >> 8;",
         "return of[from->stamp & 255] + 1 >= from->stamp >> 8;", "sim/watch.h"),

    Mutant("no-room-for-a-status", "a task without a frame ends with what lies behind it",
           (("kernel/task/task.c", "ALIGN_UP(MAX(s->frame_bytes, sizeof(int)), 16)", "ALIGN_UP(s->frame_bytes, 16)"),), "watch",
           Runs("tests/sim/small.c", cpus=2, seeds=20, watch=True, words="right", judged=False)),
    Mutant("pool-end-by-size", "whether a block is all of its pool says its neighbour's size, which is its user's",
           (("kernel/mm/tlsf.c", "block_is(block_after(b), MARK_END)", "block_after(b)->size == 0"),), "watch",
           Runs("tests/unit/mm/neighbours.c", cpus=4, seeds=10, watch=True)),

    Mutant("race-last-run", "of the last run of a batch accesses are remembered",
           (("sim/race.c", "		memset((void *)(SHADOW_BASE + (uintptr_t)used[i] * SIM_PAGE_BYTES), 0, SIM_PAGE_BYTES);\n", ""),), "test",
           Tested("tests/sim/test_planted.py", only="right_program and half_locked")),

    # Hooks that are always called (sim/always.c).
    Mutant("atomics-unseen", "under a checker the hooks of atomics are called when the budget is spent",
           (("sim/always.c", "p[0] = always ? JMP : JS;", "p[0] = JS;"),), "watch", LOCKS),
    Mutant("accesses-unseen", "under a checker the hooks of accesses are called when the budget is spent",
           (("sim/always.c", "memcpy(p, always ? nop : over, 2);", "memcpy(p, over, 2);"),), "test",
           Tested("tests/sim/test_planted.py", only="is_found and written_after_free and clang")),
    Mutant("another-build", "a kernel whose hooks are always called passes for another one",
           (("sim/replay.c", "	hooks_always(false);\n", ""),), "test", Tested("tests/sim/test_watch.py", only="of_the_same_build")),

    # Hooks in their callers' code (sim/hooks.awk).
    hook("budget-at-a-label", "who jumps to a label counts on from where the code before it was", "(/^[^\\t #]+:/ && !/^\\.L(tmp|VL|VU|BE|BI|BB)[0-9]+:/) || ", ""),
    hook("budget-behind-a-call", "behind a call the events in it have not been", "		held = 0\n		print\n", "		print\n"),
    hook("budget-not-renewed", "behind a hook that was called the budget is the spent one",
         '"\\n" LOAD "\\n7:"', '"\\n7:"'),
    hook("budget-not-renewed-by-atomics", "the same of an atomic's", '" op "\\n" LOAD "\\n8:"', '" op "\\n8:"'),
    hook("two-events-a-hook", "a hook takes two from the budget", "subq\\t$1, %r11", "subq\\t$2, %r11"),

    Mutant("nearer-end-in-memory-only", "the debugger puts a nearer end to the budget, but straight code goes on with the farther one",
           (("tools/sim/debug.py", "if regs[R11] in (budget, budget - 1):", "if False:"),), "test",
           Tested("tests/sim/test_debug.py", only="preempted_task")),

    # The simulator's own way back to the mark (sim/mark.c).
    Mutant("a-page-stays", "of the pages that were written, one is not put back",
           (("sim/pages.c", "	for (unsigned i = 0; i < n_pages; i++)\n		pages_back_one(", "	for (unsigned i = 1; i < n_pages; i++)\n		pages_back_one("),),
           "test", Again("tests/unit/task/tasks.c")),
    Mutant("the-seed-counts-from-the-boot", "at the mark the generators go on as the boot left them",
           (("sim/mark.c", "	sim_seed(sim.cfg.seed);\n", ""),), "test", Again("tests/unit/task/tasks.c")),

    # What fermata-sim says and keeps.
    Mutant("no-register-flips", "a register's bit that flips is put back", (("sim/stack.c", "^= (uint8_t)(1u << (bit - 1) % 8)", "^= 0"),), "test",
           Tested("tests/sim/test_sim_faults.py", only="promise_shows and register")),
    Mutant("again-without-input", "the line that does a failed run again leaves out what was typed",
           (("sim/report.c", "if (hex && *hex && !given)", "if (hex && !*hex && !given)"),), "test", Tested("tests/sim/test_fermata_sim.py", only="done_again and driven")),
    Mutant("rows-of-other-options", "a sweep goes on in a file whose rows were made with other options",
           (("tools/sim/sweep.py", 'SAME = ["build", "strategy", "cpus", "options"]', 'SAME = ["build", "strategy", "cpus"]'),), "test",
           Tested("tests/sim/test_fermata_sim.py", only="resumes and csv")),
    Mutant("scenario-without-faults", "the faults of a scenario do not strike",
           (("tools/sim/runs.py", "[*(args.plan.faults if args.plan else []), ", "["),), "test",
           Tested("tests/sim/test_scenarios.py", only="faults_of_a_scenario")),
    Mutant("who-leaves-is-believed", "a schedule whose program left before its end counts as right",
           (("sim/bound.c", "if (sim.status || (bound.whole && !*bound.whole))", "if (sim.status)"),), "test",
           Tested("tests/sim/test_bounded.py", only="leaves_early")),
    Mutant("asks-its-host", "the host's filter lets the kernel's own calls pass",
           (("sim/confine.c", "SECCOMP_RET_KILL_PROCESS", "SECCOMP_RET_ALLOW"),), "test",
           Tested("tests/sim/test_bounded.py", only="no_system_calls")),

    # What the debugger shows of tasks (tools/sim/tasks.py).
    Mutant("chosen-is-there", "a task that its CPU has chosen is shown with its predecessor's stack",
           (("tools/sim/tasks.py", "if task.chosen in left else", "if False else"),), "test", Debugs()),
    Mutant("left-is-not-there", "a task whose stack was just left is shown with the one that its CPU went to",
           (("tools/sim/tasks.py", "left = chosen is None and self.word", "left = False and self.word"),), "test", Debugs()),
    Mutant("tasks-stay-as-seen", "the debugger looks at the tasks once",
           (("tools/sim/tasks.py", "        self.seen = None\n        for process", "        for process"),), "test", Debugs()),
    Mutant("outermost-call", "of a waiting task's calls the debugger sees the outermost",
           (("tools/sim/tasks.py", "        while len(frames) < CALLS_MAX and", "        while False and"),), "test", Debugs()),
    Mutant("any-task-comes", "a step of a thread that is not there stops where any thread passes its place",
           (("tools/sim/gdbserver.py", "if pc == goal[\"rip\"] and self.is_here(thread) and (between or sp == goal[\"rsp\"]):", "if pc == goal[\"rip\"]:"),),
           "test", Debugs()),

    Mutant("spin-unlock-relaxed", "a spin lock is given on by a store that orders nothing",
           ((SPIN, "&l->owner, (u16)(mine + 1), memory_order_release", "&l->owner, (u16)(mine + 1), memory_order_relaxed"),),
           "watch", LOCKS),
    Mutant("spin-lock-relaxed", "a spin lock is taken by a load that orders nothing",
           ((SPIN, "&l->owner, memory_order_acquire) != mine", "&l->owner, memory_order_relaxed) != mine"),), "watch", LOCKS),
    Mutant("mcs-hand-over-relaxed", "an MCS lock is handed over by a store that orders nothing",
           ((MCS, "&next->waiting, false, memory_order_release", "&next->waiting, false, memory_order_relaxed"),),
           "watch", LOCKS),
    Mutant("read-unlock-relaxed", "a reader leaves by an addition that orders nothing",
           ((RW, "&l->readers_out, RW_READER, memory_order_release", "&l->readers_out, RW_READER, memory_order_relaxed"),),
           "watch", LOCKS),
    Mutant("write-unlock-relaxed", "a writer lets readers in without a release",
           ((RW, "&l->readers_in, ~RW_MASK, memory_order_release", "&l->readers_in, ~RW_MASK, memory_order_relaxed"),),
           "watch", LOCKS),
    Mutant("published-too-early-watched", "a suspended task can be resumed before its stack was left",
           PUBLISHED_TOO_EARLY, "watch", TASKS),
    Mutant("polls-counted-unlocked", "a task's polls are counted without its home's lock",
           (("kernel/task/handover.h", "		next->polls++; /* the one that begins now */\n", ""),
            ("kernel/task/executor.c", "	TRACE(POLL_BEGIN,", "	t->polls++;\n	TRACE(POLL_BEGIN,")), "watch", LISTING),
    Mutant("wait-granted-plainly", "a wait is granted by a plain store, and its task looks without the lock",
           (("kernel/async/wait.c", "	__atomic_store_n(&w->state, state, __ATOMIC_RELAXED); /* see semaphore_poll */\n",
             "	w->state = state;\n"),), "watch", WAITS),
    Mutant("holds-plainly", "what a task holds is taken off its list by a plain store, and wake-ups look without the lock",
           (("kernel/task/inherit.c", "	__atomic_store_n(at, r->next, __ATOMIC_RELAXED); /* see holds_contended */\n",
             "	*at = r->next;\n"),), "watch", KILLS),
    Mutant("quantum-read-unlocked", "the quantum of a running task is read without its home's lock",
           (("kernel/task/preempt.c", "	home_lock(cur);\n	quantum_ns = cur->entity.quantum_ns;\n	home_unlock(cur);\n",
             "	quantum_ns = cur->entity.quantum_ns;\n"),), "watch", KILLS),
    Mutant("shields-plain", "a task's shields are counted plainly, and its CPU's interrupts look",
           (("kernel/task/fault.h", "		__atomic_store_n(&t->shields, (u8)(was + 1), __ATOMIC_RELAXED);\n", "		t->shields++;\n"),), "watch", KILLS),
]
