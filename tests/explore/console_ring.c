/*
 * links: core/console.c
 *
 * The console's ring: the interrupt's CPU adds four bytes, in two parts, while another takes them.
 * They come out in order, each once; whoever is told of input finds it.
 */
#include "core/console.h"
#include "explore.h"

const unsigned explore_threads = 2;

static unsigned taken, told;
static char bytes[4];

static void listen(void *arg)
{
	ASSERT(arg == &told);
	told++;
}

void explore_begin(void)
{
}

void explore_thread(unsigned id)
{
	char byte;

	if (id == 0) {
		console_input("ab", 2);
		console_input("cd", 2);
		return;
	}
	console_on_input(listen, &told);
	for (int i = 0; i < 3; i++)
		if (console_take(&byte))
			bytes[taken++] = byte;
}

void explore_end(void)
{
	while (console_take(&bytes[taken]))
		taken++;
	ASSERT(taken == 4 && bytes[0] == 'a' && bytes[1] == 'b' && bytes[2] == 'c' &&
	       bytes[3] == 'd');
}
