/*
 * links: core/console.c
 *
 * The console's ring and its interrupt on one CPU: two interrupts bring two bytes each, at any
 * point of the task that says whom to tell, and takes bytes. They come out in order, each once;
 * whoever is told of input finds its argument.
 */
#include "core/console.h"
#include "explore.h"

const unsigned explore_threads = 1;
const unsigned explore_interrupts[] = {2};

static char bytes[5];
static unsigned brought, taken, told;

static void listen(void *arg)
{
	ASSERT(arg == &told);
	told++;
}

void explore_begin(void)
{
}

void explore_interrupt(unsigned id)
{
	(void)id;
	console_input(brought ? "cd" : "ab", 2);
	brought += 2;
}

void explore_thread(unsigned id)
{
	char byte;

	(void)id;
	console_on_input(listen, &told);
	for (unsigned i = 0; i < 4; i++)
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
