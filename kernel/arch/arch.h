/*
 * arch.h: what every architecture provides. kernel/arch/<arch>/ fulfils it with the same file
 * names (arch_impl.h for the inline part, entry, switch, cpu.c, irq.c, mmu.c, clock.c), and the
 * build picks the folder by path: no conditional on an architecture stands anywhere else.
 *
 * The machine model above this line: one address space, virtual = physical (identity), one
 * struct cpu per CPU reachable through a register, interrupts that run on the stack they
 * interrupt, one kind of inter-processor interrupt (a hint: "look again").
 *
 * arch_impl.h of each architecture defines, as static inline functions:
 *
 *   struct cpu *arch_cpu(void);          this CPU's structure (GS base, TPIDR_EL1, a variable);
 *                                        stable only while interrupts or preemption are off
 *   struct task *arch_current(void);     the task that this CPU runs, its structure's second word,
 *                                        read so that the CPU stays the same meanwhile
 *   void arch_current_set(struct task *); when that word was written; interrupts masked
 *   bool arch_irq_save(void);            masks interrupts; true when they were enabled
 *   void arch_irq_restore(bool enabled); undoes the matching arch_irq_save; both only where the next
 *                                        three are not enough
 *   void arch_irq_enable(void);
 *   void arch_irq_disable(void);
 *   bool arch_irq_enabled(void);
 *   void arch_relax(void);               the body of a spin loop: pause, yield, or (on the
 *                                        simulator) let another CPU run
 *   u64 arch_clock_ticks(void);          monotonic, equal on all CPUs, counts from about boot;
 *                                        clock_hz (core/time.h) ticks a second
 *   uptr arch_sp(void);                  the stack pointer, about
 *   arch_mark(n);                        one instruction that does nothing and carries the
 *                                        constant n, 0 to 65535, for instruments outside
 *                                        (tools/bench/insns.c); ARCH_MARK_BEGIN: what is
 *                                        examined begins (sim/README.md)
 *   arch_lock_wanted(l, shared), arch_lock_taken(l, shared), arch_lock_given(l), arch_lock_none():
 *                                        what sync/ does with spin locks, for the simulator's
 *                                        checkers; nothing where arch_impl.h does not say
 *   arch_memory_taken(p, bytes, slack), arch_memory_given(p, bytes), arch_memory_usable(p, bytes):
 *                                        what mm/ does with memory, likewise (sim/port.h)
 *   u32 mmio_read32(uptr); void mmio_write32(uptr, u32); and the 8-, 16-, 64-bit ones:
 *                                        device registers, ordered among themselves
 *   void mmio_barrier(void);             orders memory before registers and the reverse
 *   struct arch_cpu { ... };             the architecture's part of struct cpu
 *   ARCH_POISON                          1: fill released memory, as time is not measured; or 0
 */
#pragma once

#include "base/types.h"

struct cpu;
struct task;

#include "arch_impl.h"

#define ARCH_MARK_BEGIN 32

#ifndef arch_irq_save
static inline bool arch_irq_save(void)
{
	bool enabled = arch_irq_enabled();

	arch_irq_disable();
	return enabled;
}

static inline void arch_irq_restore(bool enabled)
{
	if (enabled)
		arch_irq_enable();
}
#endif
#ifndef arch_lock_wanted
#define arch_lock_wanted(lock, shared) ((void)(lock))
#define arch_lock_taken(lock, shared)  ((void)(lock))
#define arch_lock_given(lock)	       ((void)(lock))
#define arch_lock_none()	       ((void)0)
#endif
#ifndef arch_memory_taken
#define arch_memory_taken(p, bytes, slack) ((void)(p))
#define arch_memory_given(p, bytes)	   ((void)(p))
#define arch_memory_usable(p, bytes)	   ((void)(p))
#endif

/*
 * Stacks. A stack that is not running is its saved stack pointer and nothing else; the
 * callee-saved registers lie on the stack itself.
 */

/**
 * Saves the callee-saved registers and the stack pointer in *@p save_sp and continues where
 * @p load_sp was saved. Returns when somebody switches back, perhaps on another CPU.
 * Context: interrupts masked. Sources: System V AMD64 ABI 3.2.1; AAPCS64 6.1.1.
 */
void arch_switch(void **save_sp, void *load_sp);

/**
 * Prepares a fresh stack whose highest address is @p top (16-byte aligned) so that switching
 * to the returned pointer calls @p entry with interrupts masked. @p entry must not return.
 */
void *arch_stack_prepare(void *top, void (*entry)(void));

/*
 * Halting. Called with interrupts masked, returns with interrupts masked. Enables interrupts
 * and halts in one step that no interrupt can split (x86: the shadow of sti before hlt, Intel
 * SDM vol. 2 STI; Arm: wfi wakes on a masked pending interrupt, Arm ARM D1.16.2), so that an
 * interrupt which is pending on entry or comes later ends the halt: none is lost.
 * arch_idle_halt labels the halting instruction; an interrupt taken in idle at a pc at or
 * before it, and not before arch_idle, proves that the window was open (see core/irq.c).
 */
void arch_idle(void);
extern const char arch_idle_halt[];

/** Fills @p pcs with return addresses from frame pointer @p fp outwards; returns how many. */
unsigned arch_backtrace(uptr fp, uptr *pcs, unsigned max);

/** The frame pointer in a stack saved by arch_switch, for arch_backtrace; 0 for a fresh one. */
uptr arch_saved_fp(const void *saved_sp);

/** The return address saved by arch_switch. */
uptr arch_saved_pc(const void *saved_sp);

/*
 * CPUs and time.
 */

/** Makes @p c this CPU's structure, and loads what the CPU needs to take interrupts and faults. */
void arch_cpu_init(struct cpu *c);

/** Sets this CPU's one-shot timer to @p deadline_ns since boot (TIME_NEVER stops it); a past
 *  deadline fires at once. Context: interrupts masked. */
void arch_timer_set(u64 deadline_ns);

/** Prepares this CPU's timer, stopped. Needs clock_hz. Context: interrupts masked, once a CPU. */
void arch_timer_init(void);

/*
 * Memory. Implemented in mmu.c.
 */

/**
 * Builds and loads the final page tables: the kernel's text read-only and executable, rodata
 * read-only, everything else writable and not executable, page 0 unmapped. @p ram and @p mmio
 * list what exists, as physical ranges; ranges are 4 KiB aligned by this call.
 * Called once on the boot CPU, after the page allocator is ready.
 */
struct mem_range {
	u64 base, bytes;
};
void arch_mmu_init(const struct mem_range *ram, unsigned rams, const struct mem_range *mmio,
		   unsigned mmios);

/** Loads the tables that arch_mmu_init built, on a secondary CPU. */
void arch_mmu_cpu_init(void);

/** Unmaps one 4 KiB page (a guard page) before any other CPU can have touched it. */
void arch_mmu_guard(uptr page);
