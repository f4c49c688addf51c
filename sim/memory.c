/*
 * memory.c: RAM at a fixed address, guard pages, and faults. Addresses are the same in every
 * run: the program is linked statically at a fixed address, below RAM_BASE even after the heap
 * that the host places at random within 1 GiB behind it.
 */
#define _GNU_SOURCE
#include "sim/sim.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#define FAULT_STACK_BYTES (32u << 10) /* one for each CPU, for the kernel's panic */
#define GAP_BYTES (64u << 10)	      /* never mapped, below each stack */
#define BOOT_STACK_TOP (RAM_BASE - GAP_BYTES)
#define FAULT_STACKS_TOP (BOOT_STACK_TOP - BOOT_STACK_BYTES - GAP_BYTES)

#define RAM_PAGES_MAX (RAM_BYTES_MAX / SIM_PAGE_BYTES)
#define GUARDS_MAX (1u << 16)

/* Sets of pages of RAM. With --batch, pages are opened as they are touched, so that a reset knows what to clear; and guards
 * stay closed for the next run, which mostly wants them at the same places. */
static uint8_t guarded[RAM_PAGES_MAX / 8], opened[RAM_PAGES_MAX / 8], closed[RAM_PAGES_MAX / 8];
static uint32_t open_pages[RAM_PAGES_MAX], guards[GUARDS_MAX];
static unsigned open_count, guard_count, kept_guards;
static bool fault_stacks_used;

static bool in(const uint8_t *set, size_t page)
{
	return set[page / 8] >> (page % 8) & 1;
}

static void put(uint8_t *set, size_t page, bool is_in)
{
	set[page / 8] = (uint8_t)((set[page / 8] & ~(1u << (page % 8))) | (unsigned)is_in << (page % 8));
}

static void *address(size_t page)
{
	return (void *)(RAM_BASE + page * SIM_PAGE_BYTES);
}

static void map(uintptr_t top, size_t bytes)
{
	void *want = (void *)(top - bytes), *got;

	got = mmap(want, bytes, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
	if (got != want) {
		fprintf(stderr, "sim: the host has no room for %zu bytes at %p\n", bytes, want);
		exit(EXIT_BROKEN);
	}
}

static bool within(uintptr_t at, size_t bytes, uintptr_t base, size_t size)
{
	return at >= base && at - base <= size && bytes <= size - (at - base);
}

bool sim_memory_ok(uintptr_t at, size_t bytes)
{
	if (within(at, bytes, BOOT_STACK_TOP - BOOT_STACK_BYTES, BOOT_STACK_BYTES) ||
	    within(at, bytes, FAULT_STACKS_TOP - SIM_CPUS_MAX * FAULT_STACK_BYTES,
		   SIM_CPUS_MAX * FAULT_STACK_BYTES))
		return true;
	if (!within(at, bytes, RAM_BASE, sim.cfg.ram_bytes))
		return false;
	for (uintptr_t p = at / SIM_PAGE_BYTES; bytes && p <= (at + bytes - 1) / SIM_PAGE_BYTES;
	     p++) {
		size_t i = p - RAM_BASE / SIM_PAGE_BYTES;

		if (in(guarded, i))
			return false;
	}
	return true;
}

void sim_guard(uintptr_t page)
{
	size_t i = (page - RAM_BASE) / SIM_PAGE_BYTES;

	if (page % SIM_PAGE_BYTES || !within(page, SIM_PAGE_BYTES, RAM_BASE, sim.cfg.ram_bytes) ||
	    (!in(closed, i) && mprotect((void *)page, SIM_PAGE_BYTES, PROT_NONE) != 0))
		sim_stop(EXIT_BROKEN, "a guard page cannot be made there");
	put(guarded, i, true);
	put(closed, i, true);
	if (sim.cfg.batch && guard_count < GUARDS_MAX)
		guards[guard_count++] = (uint32_t)i;
}

bool memory_is_open(uintptr_t page)
{
	size_t i = (page - RAM_BASE) / SIM_PAGE_BYTES;

	return !in(closed, i) && (!sim.cfg.batch || in(opened, i));
}

static bool open_page(size_t i)
{
	if (mprotect(address(i), SIM_PAGE_BYTES, PROT_READ | PROT_WRITE) != 0)
		return false;
	put(closed, i, false);
	if (!in(opened, i))
		open_pages[open_count++] = (uint32_t)i;
	put(opened, i, true);
	return true;
}

/* True when @p at lies in RAM that was not touched yet in this run, and now may be. */
static bool touch(uintptr_t at)
{
	size_t i = (at - RAM_BASE) / SIM_PAGE_BYTES;

	return sim.cfg.batch && !in(guarded, i) && (!in(opened, i) || in(closed, i)) && open_page(i);
}

static void clear_fault_stacks(void)
{
	if (fault_stacks_used)
		memset((void *)(FAULT_STACKS_TOP - SIM_CPUS_MAX * FAULT_STACK_BYTES), 0,
		       SIM_CPUS_MAX * FAULT_STACK_BYTES);
	fault_stacks_used = false;
}

static void forget_guards(unsigned but)
{
	for (; guard_count > but; guard_count--)
		put(guarded, guards[guard_count - 1], false);
}

void memory_reset(void)
{
	forget_guards(0);
	asan_memory((void *)RAM_BASE, sim.cfg.ram_bytes, true);
	asan_memory((char *)BOOT_STACK_TOP - BOOT_STACK_BYTES, BOOT_STACK_BYTES, true);
	for (unsigned i = 0; i < open_count; i++) {
		if (in(closed, open_pages[i]))
			open_page(open_pages[i]);
		memset(address(open_pages[i]), 0, SIM_PAGE_BYTES);
	}
	memset((void *)(BOOT_STACK_TOP - BOOT_STACK_BYTES), 0, BOOT_STACK_BYTES);
	clear_fault_stacks();
}

bool memory_keep(void)
{
	kept_guards = guard_count;
	return !fault_stacks_used && guard_count < GUARDS_MAX;
}

void memory_again(void)
{
	forget_guards(kept_guards);
	clear_fault_stacks();
}

void *memory_boot_stack(void)
{
	return (void *)BOOT_STACK_TOP;
}

static const char *meaning(int sig, bool in_ram)
{
	switch (sig) {
	case SIGFPE:
		return "division by zero";
	case SIGILL:
		return "illegal instruction";
	default:
		return in_ram ? "guard page hit" : "page fault";
	}
}

/* What the registers must be for the interrupted CPU to go on in sim_entry_fault, as if the
 * faulting instruction had called it, on a stack of its own. */
static uintptr_t redirect(ucontext_t *uc, uintptr_t stack, const char *what, uintptr_t at)
{
#if defined(__x86_64__)
	greg_t *r = uc->uc_mcontext.gregs;
	uintptr_t pc = (uintptr_t)r[REG_RIP];

	stack -= 8;
	*(uintptr_t *)stack = pc;
	r[REG_RDI] = (greg_t)what;
	r[REG_RSI] = (greg_t)at;
	r[REG_RDX] = (greg_t)pc;
	r[REG_RCX] = sim.cpu[sim.cur].irq_on;
	r[REG_RSP] = (greg_t)stack;
	r[REG_RIP] = (greg_t)sim_entry_fault;
	return pc;
#else
	mcontext_t *m = &uc->uc_mcontext;
	uintptr_t pc = m->pc;

	m->regs[0] = (uintptr_t)what;
	m->regs[1] = at;
	m->regs[2] = pc;
	m->regs[3] = sim.cpu[sim.cur].irq_on;
	m->regs[30] = pc;
	m->sp = stack;
	m->pc = (uintptr_t)sim_entry_fault;
	return pc;
#endif
}

static uintptr_t stack_pointer(const ucontext_t *uc)
{
#if defined(__x86_64__)
	return (uintptr_t)uc->uc_mcontext.gregs[REG_RSP];
#else
	return uc->uc_mcontext.sp;
#endif
}

static void on_fault(int sig, siginfo_t *info, void *context)
{
	uintptr_t at = (uintptr_t)info->si_addr; /* the instruction, when no access */
	bool in_ram = within(at, 1, RAM_BASE, sim.cfg.ram_bytes);
	static const char broken[] = "sim: a fault in the simulator itself, or a second one in a "
				     "panic\n";

	uintptr_t stack = FAULT_STACKS_TOP - sim.cur * FAULT_STACK_BYTES;

	bool touched = sig == SIGSEGV && in_ram && touch(at);

	if (touched | (sig == SIGSEGV && pages_fault(at)))
		return;
	fault_stacks_used = true;
	if (!sim.running ||
	    within(stack_pointer(context), 1, stack - FAULT_STACK_BYTES, FAULT_STACK_BYTES)) {
		console_flush();
		console_close();
		(void)!write(STDERR_FILENO, broken, sizeof broken - 1);
		if (bound.on)
			bound_broken();
		_exit(EXIT_BROKEN);
	}
	sim_mix(redirect(context, stack, meaning(sig, in_ram), at));
	sim.cpu[sim.cur].irq_on = false;
}

static void on_interrupt(int sig)
{
	(void)sig;
	sim.interrupted = 1;
}

void memory_init(void)
{
	static uint8_t stack[64 << 10];
	static const int faults[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE};
	struct sigaction fault = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
	struct sigaction stop = {.sa_handler = on_interrupt, .sa_flags = SA_ONSTACK};
	stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};

	map(RAM_BASE + sim.cfg.ram_bytes, sim.cfg.ram_bytes);
	if (sim.cfg.batch)
		mprotect((void *)RAM_BASE, sim.cfg.ram_bytes, PROT_NONE);
	map(BOOT_STACK_TOP, BOOT_STACK_BYTES);
	map(FAULT_STACKS_TOP, SIM_CPUS_MAX * FAULT_STACK_BYTES);
	sigaltstack(&alternate, NULL);
	for (unsigned i = 0; i < sizeof faults / sizeof *faults; i++)
		sigaction(faults[i], &fault, NULL);
	sigaction(SIGINT, &stop, NULL);
	sigaction(SIGTERM, &stop, NULL);
}
