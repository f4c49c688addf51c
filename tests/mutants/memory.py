"""Mutants of the heaps, the arenas and the pages."""

from mutants import Mutant, Runs

ARENA = "kernel/mm/arena.c"
BLOCK = "kernel/mm/block.h"
HEAP = "kernel/mm/kmalloc.c"
MAGAZINE = "kernel/mm/magazine.h"
PAGE = "kernel/mm/page.c"
POOLS = "kernel/mm/pools.c"
TLSF = "kernel/mm/tlsf.c"
TASK_MEMORY = "kernel/task/memory.c"

ALONE = dict(cpus=1, seeds=1)
ARENAS = "tests/unit/mm/arenas.c"
FAILURES = "tests/unit/mm/failures.c"
KERNEL_HEAP = "tests/unit/mm/kernel_heap.c"
PAGES = "tests/unit/mm/pages.c"
TWO_LEVEL = "tests/unit/mm/two_level.c"

MUTANTS = [
    # The two-level segregated fit.
    Mutant("not-joined-with-the-next", "a block that is given back stays apart from the free one behind it",
           ((TLSF, "	if (block_is(next, MARK_FREE)) {\n", "	if (block_is(next, MARK_JOINED)) {\n"),),
           "test", Runs(TWO_LEVEL, **ALONE, only="small_blocks")),
    Mutant("not-joined-with-the-one-before", "a block that is given back stays apart from the free one before it",
           ((TLSF, "		if (block_is(before, MARK_FREE)) {\n", "		if (block_is(before, MARK_JOINED)) {\n"),),
           "test", Runs(TWO_LEVEL, **ALONE, only="small_blocks")),
    Mutant("wrong-list", "a free block is put into the list above its own",
           ((TLSF, "	struct place p = place_of(b->size);\n	struct block **head",
             "	struct place p = place_of(b->size + UNIT_BYTES);\n	struct block **head"),),
           "test panic", Runs(TWO_LEVEL, **ALONE, only="small_blocks")),
    Mutant("not-rounded-up", "a request is looked for in the list of its own size, whose first block may be smaller",
           ((TLSF, "place_of(tlsf_round(bytes))", "place_of(bytes)"),), "test panic", Runs(TWO_LEVEL, **ALONE, only="random")),
    Mutant("bit-stays-set", "a list that has become empty is still said to have blocks",
           ((TLSF, "	t->lists_filled[p.level] &= ~(1u << p.list);\n", ""),), "test panic", Runs(TWO_LEVEL, **ALONE, only="small_blocks")),
    Mutant("begin-of-the-rest-unknown", "what follows a split is not told how long the block before it has become",
           ((TLSF, "	block_after(r)->prev = r->size;\n", ""),), "test panic", Runs(TWO_LEVEL, **ALONE, only="small_blocks")),
    Mutant("first-fit", "the blocks of a list are searched for one that fits best",
           ((TLSF, "	return t->lists[p.level][__builtin_ctz(fit)];\n",
             "	struct block *best = t->lists[p.level][__builtin_ctz(fit)];\n\n"
             "	for (struct block *b = best; b; b = b->next_free)\n"
             "		best = b->size < best->size ? b : best;\n	return best;\n"),), "test", Runs(TWO_LEVEL, **ALONE, only="steps")),

    # Magazines.
    Mutant("one-magazine-for-all-cpus", "what a CPU releases goes where another one allocates, without a lock",
           ((HEAP, "&caches[arch_cpu()->id]", "&caches[0]"),), "test panic no-progress no-end",
           Runs(KERNEL_HEAP, seeds=5, only="cpu")),
    Mutant("interrupted-in-a-magazine", "a release can be interrupted, and its task go on with another CPU's magazine",
           ((HEAP, "		bool irqs = arch_irq_save();\n		bool kept",
             "		bool irqs = arch_irq_enabled();\n		bool kept"),), "test panic no-progress",
           Runs(KERNEL_HEAP, cpus=1, seeds=10, only="strike")),
    Mutant("depot-without-bound", "a depot takes every magazine that is brought",
           ((MAGAZINE, "d->magazines == DEPOT_MAGAZINES", "d->magazines == UINT32_MAX"),), "test",
           Runs(KERNEL_HEAP, **ALONE, only="bounded_number")),
    Mutant("magazine-overfilled", "a magazine takes one block more than fit",
           ((MAGAZINE, "	if (count == MAGAZINE_BLOCKS)\n", "	if (count > MAGAZINE_BLOCKS)\n"),), "test panic",
           Runs(KERNEL_HEAP, **ALONE, only="bounded_number")),
    Mutant("cached-until-the-end", "a request fails although magazines hold what it needs",
           ((HEAP, "!b && give_back_cached())", "!b && false && give_back_cached())"),), "test",
           Runs(KERNEL_HEAP, **ALONE, only="given_back")),
    Mutant("always-the-lock", "each allocation takes the heap's lock",
           ((HEAP, "all_counted ? MAGAZINE_MAX_BYTES : 0", "all_counted ? 0 : 0"),), "test", Runs(KERNEL_HEAP, **ALONE, only="no_lock")),

    # Pages and pools.
    Mutant("pools-are-kept", "a pool that is wholly free never goes back",
           ((POOLS, "	if (unlikely(tlsf_is_pool(b)) &&\n", "	if (false &&\n"),), "test", Runs(KERNEL_HEAP, **ALONE, only="free_pools")),
    Mutant("whole-block-for-some-pages", "what is cut off from a block of pages is lost",
           ((PAGE, "			free_locked(p + block_bytes(order), order);\n", "			;\n"),), "test",
           Runs(PAGES, **ALONE, only="in_a_row")),
    Mutant("keeps-a-page-less", "one page of those to be kept is given away",
           ((PAGE, "n * PAGE_BYTES <= free_bytes - keep;", "n * PAGE_BYTES <= free_bytes - keep + PAGE_BYTES;"),),
           "test panic", Runs(PAGES, **ALONE, only="kept")),

    Mutant("keep-of-all-wraps", "who wants all to be kept gets pages, since the sum wraps",
           ((PAGE, "keep <= free_bytes && n * PAGE_BYTES <= free_bytes - keep;", "free_bytes >= keep + n * PAGE_BYTES;"),),
           "test panic", Runs(PAGES, **ALONE, only="kept")),

    # The reserve.
    Mutant("tasks-take-the-reserve", "the tasks' heap grows until there are no pages left",
           ((POOLS, "p->kernels && (!a", "(p || !a"),), "test", Runs(ARENAS, **ALONE, only="takes_all")),
    Mutant("errands-take-the-reserve", "what any task makes the kernel allocate may come out of the reserve",
           ((POOLS, "(!a || a->service) ? 0", "(!a || a) ? 0"),), "test panic", Runs(ARENAS, **ALONE, only="make_the_kernel")),
    Mutant("service-without-the-reserve", "nobody may use the reserve",
           ((POOLS, "(!a || a->service) ? 0", "(!a || a->service) ? reserve_bytes"),), "test", Runs(ARENAS, **ALONE, only="takes_all")),

    # Arenas.
    Mutant("limit-exceeded-by-a-unit", "a task gets one unit more than its limit",
           ((ARENA, "UNIT_BYTES <= left)", "UNIT_BYTES <= left + 1)"),), "test panic", Runs(ARENAS, **ALONE, only="limit")),
    Mutant("limit-not-reached", "a task gets one unit less than its limit",
           ((ARENA, "UNIT_BYTES <= left)", "UNIT_BYTES < left)"),), "test panic", Runs(ARENAS, **ALONE, only="limit")),
    Mutant("headers-are-free", "a block's header is not charged",
           ((ARENA, "(HEADER_BYTES + block_bytes(block_of(m)))", "(block_bytes(block_of(m)))"),), "test",
           Runs(ARENAS, **ALONE, only="limit")),
    Mutant("charged-for-ever", "what a task releases is still charged to it",
           ((ARENA, "	charge(a, 0u - units_of(m));\n", ""),), "test", Runs(ARENAS, **ALONE, only="alone")),
    Mutant("charged-to-the-cpu", "whom to charge is kept with the CPU, as the reference system does, and the task "
           "goes on with another one",
           ((TASK_MEMORY, "	struct task *t = task_self();\n\n	return arena_alloc(&t->arena",
             "	static struct task *paying[CPUS_MAX];\n	struct task **here = &paying[cpu_id()], *t;\n\n"
             "	if (!*here || (*here)->state == TASK_DEAD || (*here)->state == TASK_WAITING)\n"
             "		*here = task_self();\n	t = *here;\n	return arena_alloc(&t->arena"),),
           "test panic", Runs(ARENAS, seeds=5, only="pays")),
    Mutant("memory-outlives-its-task", "the end of a task does not release what it has",
           (("kernel/task/executor.c", "	arena_release(&t->arena);\n", ""),), "test", Runs(ARENAS, **ALONE, only="limit")),
    Mutant("torn-chain-followed", "links that were overwritten are followed",
           ((ARENA, "		if (chained && block_good(", "		chained = true;\n		if (block_good("),),
           "test panic", Runs(ARENAS, **ALONE, only="overwritten")),

    # Overruns.
    Mutant("slack-not-checked", "bytes behind those asked for may be written",
           ((BLOCK, "block_bytes(b) && block_slack_kept(b);", "block_bytes(b);"),), "test panic", Runs(ARENAS, **ALONE, only="overwritten")),
    Mutant("begin-not-checked", "a header that was overwritten passes",
           ((BLOCK, "UNIT_BYTES == 0 && block_is(b, used) &&", "UNIT_BYTES == 0 && used &&"),), "test panic",
           Runs(ARENAS, **ALONE, only="overwritten")),

    Mutant("cut-forgets-what-is-behind", "a range that is cut in its middle loses its end",
           (("kernel/mm/ranges.c", "		if (end < r_end)\n", "		if (false && end < r_end)\n"),), "test",
           Runs("tests/unit/mm/areas.c", **ALONE)),

    # The list of tasks.
    Mutant("listing-goes-on-from-the-dead", "whoever lists the tasks goes on behind one that is no more",
           (("kernel/task/task.c", "	if (listed == &t->all)\n		listed = t->all.prev;\n", ""),),
           "test panic no-end no-progress", Runs("tests/unit/task/listing.c", seeds=5)),

    # Allocations that fail.
    Mutant("fails-too-late", "not the allocation that was named fails, but the next one",
           ((HEAP, "	if (n != 1)\n", "	if (n != 2)\n"),), "test", Runs(FAILURES, **ALONE)),
    Mutant("failed-dag-keeps-memory", "a DAG for which there was not enough memory forgets a block that it had",
           (("kernel/async/dag.c", "		kfree(d->stamps);\n		d->stamps = NULL;\n", "		d->stamps = NULL;\n"),), "test",
           Runs(FAILURES, **ALONE)),
    Mutant("failure-not-noticed", "who calls a service does not look whether there was memory",
           (("kernel/async/service.c", "	if (!c)\n		return ERR_NOMEM;\n	atomic_init(&c->refs, 2);", "	atomic_init(&c->refs, 2);"),),
           "panic", Runs(FAILURES, **ALONE)),
]
