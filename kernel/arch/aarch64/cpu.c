/*
 * cpu.c: this CPU's registers, the start of the others, and stacks at rest.
 */
#include "core/cpu.h"
#include "aarch64.h"
#include "base/string.h"
#include "regs.h"

extern const char vectors[];
u64 aarch64_root(void);

/* In .data: CPUs may wait here before the boot CPU has zeroed .bss. */
struct boot_slot boot_slots[CPUS_MAX] __attribute__((section(".data.boot_slots"), aligned(64)));
_Static_assert(sizeof(struct boot_slot) == SLOT_BYTES, "entry.S steps by it");
_Static_assert(offsetof(struct boot_slot, root) == SLOT_ROOT, "entry.S reads it");

u64 aarch64_mpidr(void)
{
	return SYSREG_READ(mpidr_el1) & MPIDR_AFFINITY;
}

void aarch64_clean(const void *start, usize bytes)
{
	usize line = (usize)4 << ((SYSREG_READ(ctr_el0) >> 16) & 15);
	uptr end = (uptr)start + bytes;

	for (uptr a = ALIGN_DOWN((uptr)start, line); a < end; a += line)
		__asm__ volatile("dc civac, %0" ::"r"(a) : "memory");
	__asm__ volatile("dsb sy" ::: "memory");
}

void aarch64_release(unsigned cpu, u64 mpidr, void *stack_top)
{
	struct boot_slot *slot = &boot_slots[cpu];

	slot->mpidr = mpidr;
	slot->cpu = cpu;
	slot->root = aarch64_root();
	/* pairs with the one in aarch64_secondary_entry: stack_top is seen last */
	__asm__ volatile("dmb sy" ::: "memory");
	slot->stack_top = (uptr)stack_top;
	aarch64_clean(slot, sizeof *slot);
	__asm__ volatile("sev" ::: "memory");
}

void arch_cpu_init(struct cpu *c)
{
	if (!aarch64_clock_zero)
		aarch64_clock_zero = SYSREG_READ(cntvct_el0);
	c->arch.mpidr = aarch64_mpidr();
	SYSREG_WRITE(tpidr_el1, (uptr)c);
	arch_current_set(NULL);
	SYSREG_WRITE(tpidrro_el0, (uptr)(c->arch.fault_stack + FAULT_STACK_BYTES));
	SYSREG_WRITE(vbar_el1, (uptr)vectors);
	ISB();
	/* Let asynchronous errors (SError) and breakpoints be taken; interrupts stay masked. */
	__asm__ volatile("msr daifclr, #12" ::: "memory");
}

/* What arch_switch saved, from the saved stack pointer upwards. */
struct saved {
	u64 x29, x30;
	u64 x27, x28, x25, x26, x23, x24, x21, x22, x19, x20;
};

void *arch_stack_prepare(void *top, void (*entry)(void))
{
	struct saved *s = (struct saved *)top - 1;

	memset(s, 0, sizeof *s);
	s->x30 = (uptr)entry;
	return s;
}

uptr arch_saved_fp(const void *saved_sp)
{
	return ((const struct saved *)saved_sp)->x29;
}

uptr arch_saved_pc(const void *saved_sp)
{
	return ((const struct saved *)saved_sp)->x30;
}

/* Asks the MMU, so that a damaged chain of frames ends the trace instead of faulting. */
static bool readable(uptr a)
{
	bool irqs = arch_irq_save();

	__asm__ volatile("at s1e1r, %0" ::"r"(a) : "memory");
	ISB();

	bool ok = !(SYSREG_READ(par_el1) & 1);

	arch_irq_restore(irqs);
	return ok;
}

unsigned arch_backtrace(uptr fp, uptr *pcs, unsigned max)
{
	unsigned n = 0;

	/* A frame record is two words (AAPCS64 6.4.6); the outermost one points nowhere, and
	 * nobody called it. */
	while (n < max && fp && !(fp & 7) && readable(fp) && readable(fp + 8)) {
		const u64 *record = (const u64 *)fp;

		if (record[0] == 0 || record[0] == fp)
			break;
		pcs[n++] = record[1];
		fp = record[0];
	}
	return n;
}
