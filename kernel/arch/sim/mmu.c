/*
 * mmu.c: the host's page tables serve: its loader mapped text, constants and data as they
 * should be, page 0 is unmapped, and RAM is where it is, writable and not executable.
 */
#include "arch/arch.h"

void arch_mmu_init(const struct mem_range *ram, unsigned rams, const struct mem_range *mmio,
		   unsigned mmios)
{
	(void)ram, (void)rams, (void)mmio, (void)mmios;
}

void arch_mmu_cpu_init(void)
{
}

void arch_mmu_guard(uptr page)
{
	sim_guard(page);
}
