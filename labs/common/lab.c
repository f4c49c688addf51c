#include "base/lab.h"
#include "arch/arch.h"
#include "board/board.h"
#include <stdatomic.h>

static void say(const char *text)
{
	while (*text)
		board_putc(*text++);
}

/* The console's own functions may be what is not written yet: they come here a second time. */
_Noreturn void lab_todo(const char *lab, const char *function)
{
	static atomic_flag told = ATOMIC_FLAG_INIT;

	(void)arch_irq_save();
	/* relaxed: only who sets it first speaks */
	if (!atomic_flag_test_and_set_explicit(&told, memory_order_relaxed)) {
		say("\nlab ");
		say(lab);
		say(": ");
		say(function);
		say(" is yours\n");
	}
	board_exit(LAB_TODO_STATUS);
}
