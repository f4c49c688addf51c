/*
 * links: core/console.c
 *
 * The console's ring when it is full: a byte is added while another CPU makes room. It is dropped,
 * or stored where the byte was that had been read.
 */
#include "core/console.h"
#include "explore.h"

#define INPUT_BYTES 1024

const unsigned explore_threads = 2;

static char first, last;

void explore_begin(void)
{
	char fill[INPUT_BYTES];

	for (unsigned i = 0; i < INPUT_BYTES; i++)
		fill[i] = i ? 'x' : 'a';
	for (unsigned i = 0; i < 3; i++) { /* it begins anywhere */
		console_input("b", 1);
		ASSERT(console_take(&last) && last == 'b');
	}
	console_input(fill, INPUT_BYTES);
}

void explore_thread(unsigned id)
{
	if (id == 0)
		console_input("z", 1);
	else
		ASSERT(console_take(&first));
}

void explore_end(void)
{
	unsigned more = 0;

	while (console_take(&last))
		more++;
	ASSERT(first == 'a');
	ASSERT((more == INPUT_BYTES - 1 && last == 'x') || (more == INPUT_BYTES && last == 'z'));
}
