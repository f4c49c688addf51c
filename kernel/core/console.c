#include "core/console.h"
#include <stdatomic.h>

#define INPUT_BYTES 1024u /* a power of two: the counters may wrap */

/* One producer (the UART's interrupt), one consumer (a task). */
static char input[INPUT_BYTES];
static _Atomic u32 input_end;   /* bytes ever received; written by the producer */
static _Atomic u32 input_begin; /* bytes ever taken; written by the consumer */
static u64 input_dropped;

static void *listener_arg;
static void (*_Atomic listener)(void *arg);

void console_input(const char *bytes, usize n)
{
	u32 end = atomic_load_explicit(&input_end, memory_order_relaxed); /* its own */
	/* acquire: pairs with the release in console_take: the byte there was read */
	u32 begin = atomic_load_explicit(&input_begin, memory_order_acquire);

	for (; n; n--, bytes++) {
		if (end - begin == INPUT_BYTES) {
			input_dropped += n;
			break;
		}
		input[end++ % INPUT_BYTES] = *bytes;
	}
	/* release: pairs with the acquire in console_take */
	atomic_store_explicit(&input_end, end, memory_order_release);

	/* acquire: pairs with the release in console_on_input */
	void (*fn)(void *) = atomic_load_explicit(&listener, memory_order_acquire);

	if (fn)
		fn(listener_arg);
}

bool console_take(char *byte)
{
	u32 begin = atomic_load_explicit(&input_begin, memory_order_relaxed); /* its own */

	/* acquire: pairs with the release in console_input */
	if (begin == atomic_load_explicit(&input_end, memory_order_acquire))
		return false;
	*byte = input[begin % INPUT_BYTES];
	/* release: pairs with the acquire in console_input */
	atomic_store_explicit(&input_begin, begin + 1, memory_order_release);
	return true;
}

void console_on_input(void (*fn)(void *arg), void *arg)
{
	listener_arg = arg;
	/* release: pairs with the acquire in console_input */
	atomic_store_explicit(&listener, fn, memory_order_release);
}
