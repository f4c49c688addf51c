/*
 * aarch64.h: what the AArch64 files, boards and interrupt controllers share among themselves.
 * Nothing outside kernel/arch/aarch64, the Arm boards and the Arm drivers includes it.
 */
#pragma once

#include "base/error.h"
#include "base/types.h"

/* Affinity fields of MPIDR_EL1 (Arm ARM D19.2.101): Aff3 in bits 39:32, Aff2 to Aff0 below 24. */
#define MPIDR_AFFINITY 0xff00ffffffull

/** The affinity fields of this CPU. Any context. */
u64 aarch64_mpidr(void);

/*
 * Starting CPUs. A CPU that comes up, by PSCI or released from a spin table, looks for the slot
 * with its affinity whose stack is set, and waits with wfe while there is none. It runs without
 * MMU and caches then, so slots are cleaned to memory.
 */
struct boot_slot {
	u64 mpidr;
	u64 stack_top; /* written last; 0: not to be started yet */
	u64 cpu;
	u64 root; /* translation table, for TTBR0_EL1 */
};

/** Where a CPU other than the first enters the kernel, at EL1, EL2 or EL3 without MMU. */
void aarch64_secondary_entry(void);

/** Lets the CPU with affinity @p mpidr pass as number @p cpu. Boot CPU, after arch_mmu_init. */
void aarch64_release(unsigned cpu, u64 mpidr, void *stack_top);

/** Writes a range back from the caches to memory, for readers without caches; and drops it. */
void aarch64_clean(const void *start, usize bytes);

/*
 * Early translation tables, for the time before arch_mmu_init: writable and executable.
 */

/** The board's part, called by the boot CPU with the MMU off: calls aarch64_early_map for its
 *  devices and for the RAM that holds image and boot data. May read constants and ID registers. */
void aarch64_board_early_map(void);

/** Maps @p bytes at @p base in 2 MiB steps; also later, for RAM that turns up. Before
 *  arch_mmu_init. A range beyond 512 GiB, or more than eight partial gigabytes, is left out. */
void aarch64_early_map(u64 base, u64 bytes, bool device);

/*
 * Interrupts.
 */

/** What irq_entry calls, set by the interrupt controller: handles what is pending as core/irq.h
 *  says, from irq_enter to irq_exit; @p pc is where it struck. The timer is served at most once:
 *  it stays due while a quantum is over, until irq_exit has acted on that. */
extern void (*aarch64_irq_dispatch)(uptr pc);

/*
 * Faults. The entry code saves everything on the CPU's fault stack.
 */
struct regs {
	u64 x[31];
	u64 sp, pc, pstate, esr, far;
	u64 frame[2]; /* a frame record (AAPCS64 6.4.6) as a call would leave it, for back traces */
};

/** The C entry of every exception that is not an interrupt. */
_Noreturn void aarch64_fault(struct regs *r);

/*
 * Semihosting (Arm Semihosting specification 2.0): a way out to the host's shell. Used only when
 * the command line holds the word `semihosting`: without a debugger or emulator that listens,
 * its instruction is an exception.
 */
_Noreturn void aarch64_semihosting_exit(int status);

/* System registers by name; GICv3 names that assemblers do not know go by their encoding. */
#define SYSREG_READ(name)                                                                          \
	({                                                                                         \
		u64 value_;                                                                        \
		__asm__ volatile("mrs %0, " #name : "=r"(value_)::"memory");                       \
		value_;                                                                            \
	})
#define SYSREG_WRITE(name, value)                                                                  \
	__asm__ volatile("msr " #name ", %x0" ::"rZ"((u64)(value)) : "memory")
#define ISB() __asm__ volatile("isb" ::: "memory")
