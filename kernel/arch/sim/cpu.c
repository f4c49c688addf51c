/*
 * cpu.c: the virtual CPU.
 */
#include "core/cpu.h"

void arch_cpu_init(struct cpu *c)
{
	c->self = c;
	sim_cpu_set_local(c);
}
