"""Mutants that the explorer must see: most of them are harmless on the machine that runs them here, and in
each schedule that the simulator takes."""

from mutants import Explores, Mutant, Tested

MCS = "kernel/sync/mcs.h"
SPIN = "kernel/sync/spin.h"
RW = "kernel/sync/rwlock.h"
SEQ = "kernel/sync/seqlock.h"
CONSOLE = "kernel/core/console.c"
RECORD = "kernel/trace/record.c"


def program(name):
    return Explores(f"tests/explore/{name}.c")


def planted(name, why, file, old, new, runs):
    return Mutant(f"explore-{name}", why, ((file, old, new),), "test", program(runs))


DECISION = "kernel/task/decision.c"

MUTANTS = [
    planted("decision-leaves-one-out", "one of two candidates is not recorded", DECISION,
            "at != q && n < max; at = at->next)", "at != q && n < 1; at = at->next)", "decisions"),
    Mutant("explore-misuse-fails", "choices that are none count as an execution that is wrong",
           (("sim/explore/main.c", "return right ? 0 : explore_counts.unfit ? STATUS_WRONG_USE : STATUS_FAILED;", "return right ? 0 : STATUS_FAILED;"),),
           "test", Tested("tests/explore/test_explore.py", only="mistakes")),

    planted("mcs-exchange-releases", "the exchange in mcs_lock does not acquire", MCS,
            "&l->tail, n, memory_order_acq_rel", "&l->tail, n, memory_order_release", "mcs"),
    planted("mcs-exchange-acquires", "the exchange in mcs_lock does not release: a node is joined before it is whole", MCS,
            "&l->tail, n, memory_order_acq_rel", "&l->tail, n, memory_order_acquire", "mcs"),
    planted("mcs-link-relaxed", "who joins the queue says so by a store that orders nothing", MCS,
            "&before->next, n, memory_order_release", "&before->next, n, memory_order_relaxed", "mcs"),
    planted("mcs-wait-relaxed", "the lock is taken over by a load that orders nothing", MCS,
            "&n->waiting, memory_order_acquire", "&n->waiting, memory_order_relaxed", "mcs"),
    planted("mcs-hand-over-relaxed", "the lock is handed over by a store that orders nothing", MCS,
            "&next->waiting, false, memory_order_release", "&next->waiting, false, memory_order_relaxed", "mcs"),
    planted("mcs-leave-relaxed", "the lock is left free by an exchange that orders nothing", MCS,
            "NULL, memory_order_release, memory_order_relaxed)", "NULL, memory_order_relaxed, memory_order_relaxed)", "mcs"),
    planted("mcs-waits-too-late", "who joined the queue says that it waits, when it may have the lock already", MCS,
            "	atomic_store_explicit(&before->next, n, memory_order_release);\n",
            "	atomic_store_explicit(&before->next, n, memory_order_release);\n"
            "	atomic_store_explicit(&n->waiting, true, memory_order_relaxed);\n", "mcs"),
    planted("mcs-next-forgotten", "who finds nobody behind it leaves, though somebody joined", MCS,
            "	while (!next && ", "	if (!next) {\n		arch_irq_restore(n->irqs);\n		return;\n	}\n	while (!next && ", "mcs"),
    planted("mcs-link-read-early", "who gives the lock writes to a node that may not be whole yet", MCS,
            "!(next = atomic_load_explicit(&n->next, memory_order_acquire))", "!(next = atomic_load_explicit(&n->next, memory_order_relaxed))", "mcs"),

    planted("spin-lock-relaxed", "a spin lock is taken by a load that orders nothing", SPIN,
            "&l->owner, memory_order_acquire) != mine", "&l->owner, memory_order_relaxed) != mine", "spin"),
    planted("spin-unlock-relaxed", "a spin lock is given on by a store that orders nothing", SPIN,
            "&l->owner, (u16)(mine + 1), memory_order_release", "&l->owner, (u16)(mine + 1), memory_order_relaxed", "spin"),
    planted("spin-ticket-torn", "a ticket is taken by a load and a store", SPIN,
            "u16 mine = atomic_fetch_add_explicit(&l->next, 1, memory_order_relaxed);",
            "u16 mine = atomic_load_explicit(&l->next, memory_order_relaxed);\n"
            "	atomic_store_explicit(&l->next, (u16)(mine + 1), memory_order_relaxed);", "spin"),
    planted("spin-skips-a-ticket", "a spin lock is given to the one after the next", SPIN,
            "(u16)(mine + 1), memory_order_release", "(u16)(mine + 2), memory_order_release", "spin"),
    planted("spin-irqs-kept-off", "a spin lock leaves interrupts masked", SPIN,
            "	spin_unlock_raw(l);\n	arch_irq_restore(irqs);", "	spin_unlock_raw(l);\n	(void)irqs;", "spin"),

    planted("read-lock-relaxed", "a reader comes in by an addition that orders nothing", RW,
            "&l->readers_in, RW_READER, memory_order_acquire", "&l->readers_in, RW_READER, memory_order_relaxed", "rwlock"),
    planted("read-wait-relaxed", "a reader that waited comes in by a load that orders nothing", RW,
            "atomic_load_explicit(&l->readers_in, memory_order_acquire)", "atomic_load_explicit(&l->readers_in, memory_order_relaxed)", "rwlock"),
    planted("read-unlock-relaxed", "a reader leaves by an addition that orders nothing", RW,
            "&l->readers_out, RW_READER, memory_order_release", "&l->readers_out, RW_READER, memory_order_relaxed", "rwlock"),
    planted("write-turn-relaxed", "a writer's turn comes by a load that orders nothing", RW,
            "&l->owner, memory_order_acquire) != mine", "&l->owner, memory_order_relaxed) != mine", "rwlock"),
    planted("write-readers-relaxed", "a writer waits for readers by a load that orders nothing", RW,
            "&l->readers_out, memory_order_acquire", "&l->readers_out, memory_order_relaxed", "rwlock"),
    planted("write-unlock-relaxed", "a writer lets readers in without a release", RW,
            "&l->readers_in, ~RW_MASK, memory_order_release", "&l->readers_in, ~RW_MASK, memory_order_relaxed", "rwlock"),
    planted("write-next-relaxed", "a writer lets the next one in without a release", RW,
            "&l->owner, mine + 1, memory_order_release", "&l->owner, mine + 1, memory_order_relaxed", "rwlock"),
    planted("write-one-phase", "the writers' tickets have one parity: a reader waits for the next writer, too", RW,
            "#define RW_PHASE  0x01u", "#define RW_PHASE  0x00u", "rwlock"),

    planted("seq-read-begins-relaxed", "a reader's first look at the number orders nothing", SEQ,
            "&l->seq, memory_order_acquire)", "&l->seq, memory_order_relaxed)", "seqlock"),
    planted("seq-read-unfenced", "a reader may look at the number before it reads", SEQ,
            "atomic_thread_fence(memory_order_acquire)", "atomic_thread_fence(memory_order_release)", "seqlock"),
    planted("seq-write-unfenced", "a writer may write before its number is odd", SEQ,
            "atomic_thread_fence(memory_order_release)", "atomic_thread_fence(memory_order_acquire)", "seqlock"),
    planted("seq-write-ends-relaxed", "a writer's even number may come before what it wrote", SEQ,
            "&l->seq, seq + 2, memory_order_release", "&l->seq, seq + 2, memory_order_relaxed", "seqlock"),
    planted("seq-odd-is-read", "a reader takes what a writer is at", SEQ,
            "if (before & 1)", "if (before & 2)", "seqlock"),

    planted("ring-published-early", "the console's bytes are counted by a store that orders nothing", CONSOLE,
            "&input_end, end, memory_order_release", "&input_end, end, memory_order_relaxed", "console_ring"),
    planted("ring-taken-early", "the console's count is read by a load that orders nothing", CONSOLE,
            "&input_end, memory_order_acquire", "&input_end, memory_order_relaxed", "console_ring"),
    planted("ring-room-early", "a place in the console's ring is given back before its byte is read", CONSOLE,
            "&input_begin, begin + 1, memory_order_release", "&input_begin, begin + 1, memory_order_relaxed", "console_full"),
    planted("ring-room-unseen", "a place in the console's ring is used before it is given back", CONSOLE,
            "&input_begin, memory_order_acquire", "&input_begin, memory_order_relaxed", "console_full"),
    planted("ring-listener-relaxed", "the console's listener is called before its argument is there", CONSOLE,
            "&listener, fn, memory_order_release", "&listener, fn, memory_order_relaxed", "console_ring"),
    planted("ring-overruns", "a byte more than there is room for", CONSOLE,
            "end - begin == INPUT_BYTES", "end - begin > INPUT_BYTES", "console_full"),

    planted("record-published-early", "a record's first word may be seen before the record", RECORD,
            "(_Atomic u64 *)record, head, memory_order_release", "(_Atomic u64 *)record, head, memory_order_relaxed", "trace_ring"),
    planted("record-read-early", "a record may be read before its first word", RECORD,
            "(_Atomic u64 *)record, memory_order_acquire", "(_Atomic u64 *)record, memory_order_relaxed", "trace_ring"),
    planted("record-unended", "what is behind the newest record is not cleared", RECORD,
            "	*(u64 *)end = 0;\n", "", "trace_ring"),
    planted("record-first-word-first", "a record's first word is written before the record", RECORD,
            "	u8 *record = r->next;\n",
            "	u8 *record = r->next;\n	publish(record, HEAD(ticks, id, (WORD + bytes) / WORD));\n", "trace_ring"),

    planted("waker-unfenced", "a waker may read the promises before its task can be seen", "kernel/task/hint.c",
            "	atomic_thread_fence(memory_order_seq_cst);\n	for (;;) {\n		u64 was;", "	atomic_thread_fence(memory_order_acq_rel);\n	for (;;) {\n		u64 was;", "hints"),
    planted("looker-unfenced", "a CPU may read the tops before its promise can be seen", "kernel/task/look.c",
            "	atomic_thread_fence(memory_order_seq_cst);", "	atomic_thread_fence(memory_order_acq_rel);", "hints"),
    planted("looker-looks-once", "a CPU that goes idle does not read the tops again", "kernel/task/look.c",
            "if (must_read_again(l->cpu, l->otherwise) && overtaken(&p, none))", "if (must_read_again(l->cpu, l->otherwise) && none.order)", "hints"),
    planted("task-not-published", "a task is queued and its shard's top is as before", "kernel/task/runqueue.c",
            "	if (place_before(place_of(t), top))\n		publish(s, t);",
            "	if (place_before(top, place_of(t)))\n		publish(s, t);", "hints"),
]
