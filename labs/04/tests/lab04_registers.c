/* The board's own arch_switch: twelve numbers, more than any ABI has callee-saved registers, stay alive
 * across a switch to a stack whose code has twelve of its own. */
#include "../../common/program.h"
#include "arch/arch.h"

#define ROUNDS	    1000u
#define STACK_WORDS 2048u

/* The compiler knows nothing of their values from here on. */
#define HELD(a, b, c, d, e, f)                                                                     \
	__asm__ volatile("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d), "+r"(e), "+r"(f))

static u64 stack[STACK_WORDS] __attribute__((aligned(16)));
static void *here, *there;
static unsigned visits, changed;

/* Switches, and counts the numbers that are others when somebody has switched back. */
static unsigned __attribute__((noinline)) hold_and_switch(void **save, void *load, u64 first)
{
	u64 a = first + 1, b = first + 2, c = first + 3, d = first + 4, e = first + 5, f = first + 6;
	u64 g = first + 7, h = first + 8, i = first + 9, j = first + 10, k = first + 11, l = first + 12;

	HELD(a, b, c, d, e, f);
	HELD(g, h, i, j, k, l);
	arch_switch(save, load);
	return (a != first + 1) + (b != first + 2) + (c != first + 3) + (d != first + 4) + (e != first + 5) +
	       (f != first + 6) + (g != first + 7) + (h != first + 8) + (i != first + 9) + (j != first + 10) +
	       (k != first + 11) + (l != first + 12);
}

static void other_side(void)
{
	for (;;) {
		visits++;
		changed += hold_and_switch(&there, here, ~(u64)visits << 20);
	}
}

static void registers_survive(void)
{
	bool irqs = arch_irq_save();

	there = arch_stack_prepare(stack + STACK_WORDS, other_side);
	for (unsigned round = 0; round < ROUNDS; round++)
		changed += hold_and_switch(&here, there, (u64)round << 32);
	arch_irq_restore(irqs);
	EXPECT(visits == ROUNDS, "of %u switches to the other stack %u arrived there", ROUNDS, visits);
	EXPECT(!changed, "%u times a number in a register was another one when its stack ran again: arch_switch "
	       "must save and restore each callee-saved register", changed);
}

TESTS_MAIN(PLAIN(registers_survive));
