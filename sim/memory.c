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

#define BOOT_STACK_BYTES (64u << 10)
#define FAULT_STACK_BYTES (32u << 10) /* one for each CPU */
#define GAP_BYTES (64u << 10)	      /* never mapped, below each stack */
#define BOOT_STACK_TOP (RAM_BASE - GAP_BYTES)
#define FAULT_STACKS_TOP (BOOT_STACK_TOP - BOOT_STACK_BYTES - GAP_BYTES)

static uint8_t guarded[RAM_BYTES_MAX / SIM_PAGE_BYTES / 8];

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

		if (guarded[i / 8] >> (i % 8) & 1)
			return false;
	}
	return true;
}

void sim_guard(uintptr_t page)
{
	size_t i = (page - RAM_BASE) / SIM_PAGE_BYTES;

	if (page % SIM_PAGE_BYTES || !within(page, SIM_PAGE_BYTES, RAM_BASE, sim.cfg.ram_bytes) ||
	    mprotect((void *)page, SIM_PAGE_BYTES, PROT_NONE) != 0)
		sim_stop(EXIT_BROKEN, "a guard page cannot be made there");
	guarded[i / 8] |= (uint8_t)(1u << (i % 8));
}

void *memory_boot_stack(void)
{
	return (void *)BOOT_STACK_TOP;
}

#define FAR_BYTES (4u * SIM_PAGE_BYTES) /* no single frame is so large */

static const char *meaning(int sig, uintptr_t at, uintptr_t sp)
{
	switch (sig) {
	case SIGFPE:
		return "division by zero";
	case SIGILL:
		return "illegal instruction";
	case SIGTRAP:
		return "breakpoint";
	}
	if (!within(at, 1, RAM_BASE, sim.cfg.ram_bytes))
		return "page fault";
	return at - sp + FAR_BYTES < 2 * FAR_BYTES ? "stack overflow" : "guard page hit";
}

/* Registers of the interrupted CPU. */
#if defined(__x86_64__)
#define REG_PC(uc) ((uc)->uc_mcontext.gregs[REG_RIP])
#define REG_STACK(uc) ((uc)->uc_mcontext.gregs[REG_RSP])
#define REG_FRAME(uc) ((uc)->uc_mcontext.gregs[REG_RBP])
#define REG_FIRST(uc) ((uc)->uc_mcontext.gregs[REG_RDI])
#define CALL_BYTES 8 /* what a call pushes */
#else
#define REG_PC(uc) ((uc)->uc_mcontext.pc)
#define REG_STACK(uc) ((uc)->uc_mcontext.sp)
#define REG_FRAME(uc) ((uc)->uc_mcontext.regs[29])
#define REG_FIRST(uc) ((uc)->uc_mcontext.regs[0])
#define CALL_BYTES 0
#endif

static _Noreturn void broken(void)
{
	static const char text[] = "sim: a fault in the simulator itself, or a second one in the "
				   "handling of one\n";

	console_flush();
	console_close();
	(void)!write(STDERR_FILENO, text, sizeof text - 1);
	_exit(EXIT_BROKEN);
}

/* Has the interrupted CPU go on in sim_entry_fault, on a stack of its own, with interrupts masked.
 */
static void on_fault(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;
	uintptr_t top = FAULT_STACKS_TOP - sim.cur * FAULT_STACK_BYTES;
	struct sim_fault *f = (struct sim_fault *)top - 1;
	uintptr_t sp = (uintptr_t)REG_STACK(uc);

	if (!sim.running || within(sp, 1, top - FAULT_STACK_BYTES, FAULT_STACK_BYTES))
		broken();
	*f = (struct sim_fault){
		.pc = (uintptr_t)REG_PC(uc),
		.fp = (uintptr_t)REG_FRAME(uc),
		.at = (uintptr_t)info->si_addr, /* the instruction, when it was no access */
		.irqs = sim.cpu[sim.cur].irq_on,
	};
	f->what = meaning(sig, f->at, sp);
	if (info->si_code == SI_KERNEL) { /* x86 does not tell which */
		f->what = "address that none can be";
		f->at = f->pc;
	}
	sim.cpu[sim.cur].irq_on = false;
	REG_FIRST(uc) = (__typeof__(REG_FIRST(uc)))(uintptr_t)f;
	REG_STACK(uc) = (__typeof__(REG_STACK(uc)))((((uintptr_t)f) & ~15ull) - CALL_BYTES);
	REG_PC(uc) = (__typeof__(REG_PC(uc)))(uintptr_t)sim_entry_fault;
	sim_mix(f->pc);
}

void sim_raise(const char *what, uintptr_t at, uintptr_t pc)
{
	struct sim_fault f = {.what = what,
			      .at = at,
			      .pc = pc,
			      .fp = (uintptr_t)__builtin_frame_address(0),
			      .irqs = sim.cpu[sim.cur].irq_on};

	sim.cpu[sim.cur].irq_on = false;
	sim_entry_fault(&f);
}

static void on_interrupt(int sig)
{
	(void)sig;
	sim.interrupted = 1;
}

void memory_init(void)
{
	static uint8_t stack[64 << 10];
	static const int faults[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP};
	struct sigaction fault = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
	struct sigaction stop = {.sa_handler = on_interrupt, .sa_flags = SA_ONSTACK};
	stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};

	map(RAM_BASE + sim.cfg.ram_bytes, sim.cfg.ram_bytes);
	map(BOOT_STACK_TOP, BOOT_STACK_BYTES);
	map(FAULT_STACKS_TOP, SIM_CPUS_MAX * FAULT_STACK_BYTES);
	sigaltstack(&alternate, NULL);
	for (unsigned i = 0; i < sizeof faults / sizeof *faults; i++)
		sigaction(faults[i], &fault, NULL);
	sigaction(SIGINT, &stop, NULL);
	sigaction(SIGTERM, &stop, NULL);
}

/*
 * Device registers. No device model has any yet.
 */

uint64_t sim_mmio_read(uintptr_t at, unsigned bytes)
{
	(void)bytes;
	sim_raise("no device at this register", at, SIM_PC);
}

void sim_mmio_write(uintptr_t at, uint64_t value, unsigned bytes)
{
	(void)value, (void)bytes;
	sim_raise("no device at this register", at, SIM_PC);
}
