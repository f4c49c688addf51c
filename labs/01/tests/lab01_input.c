/* The console's input: bytes from an interrupt to a task, which runs on another CPU or on the same.
 */
#include "../../common/program.h"
#include "async/join.h"
#include "async/sleep.h"
#include "core/time.h"
#include "reader.h"

#define RING_BYTES 1024u
#define BYTES      1500u
#define BATCH_MAX  24u

static char byte_at(u32 i)
{
	return (char)(i * 7 + i / 251);
}

/* The keyboard: a timer whose function stands for the UART's interrupt. */
static struct timer keys;
static u64 keys_random;
static u32 typed;
static _Atomic u32 read_bytes;
static struct task *reader;

static void keys_strike(struct timer *t)
{
	char batch[BATCH_MAX];
	u32 n = 1 + (u32)test_below(&keys_random, BATCH_MAX);
	/* acquire: pairs with the release in reads */
	u32 room = RING_BYTES - (typed - atomic_load_explicit(&read_bytes, memory_order_acquire));

	n = MIN(MIN(n, room), BYTES - typed);
	for (u32 i = 0; i < n; i++)
		batch[i] = byte_at(typed + i);
	typed += n;
	console_input(batch, n);
	if (typed < BYTES)
		timer_arm(t, clock_ns() + 500 + test_below(&keys_random, US(5)));
}

struct reads {
	struct async async;
	struct console_read read;
	u32 i;
};

static void look_at(struct reads *me)
{
	EXPECT(me->read.byte == byte_at(me->i),
	       "byte number %u was typed as 0x%x, and console_take gives 0x%x: was it there "
	       "before the counter said so?",
	       me->i, (u8)byte_at(me->i), (u8)me->read.byte);
	/* release: pairs with the acquire in keys_strike */
	atomic_store_explicit(&read_bytes, ++me->i, memory_order_release);
}

/* One half as a shell does it, the other by looking again and again. */
static enum poll reads(void *frame)
{
	struct reads *me = frame;

	ASYNC_BEGIN(me);
	while (me->i < BYTES / 2) {
		AWAIT(me, console_read(&me->read));
		look_at(me);
	}
	while (me->i < BYTES) {
		while (!console_take(&me->read.byte))
			arch_relax();
		look_at(me);
	}
	ASYNC_END(me);
}

static void arrived(void *arg)
{
	(void)arg;
	task_wake(reader);
}

struct scene {
	struct async async;
	struct join join;
};

/* Where the keyboard's interrupt strikes: on this CPU. */
static unsigned keys_begin(void)
{
	bool irqs = arch_irq_save();
	unsigned here = cpu_id();

	keys_random = trace_descriptor.seed;
	timer_init(&keys, keys_strike);
	timer_arm(&keys, clock_ns() + US(100));
	arch_irq_restore(irqs);
	return here;
}

static enum poll each_byte_comes_once_and_in_order(void *frame)
{
	struct sched_params params = SCHED_PARAMS_FIFO(18);
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	params.cpus = 1ull << (keys_begin() + 1) % cpu_count; /* another one, if there is */
	MUST(TASK_SPAWN(&reader, "reader", reads, ((struct reads){}), params));
	console_on_input(arrived, NULL);
	AWAIT(me, task_join(&me->join, reader));
	ASYNC_END(me);
}

static void ignore(void *arg)
{
	(void)arg;
}

/* More than there is room for, as if from an interrupt, and nobody reads. */
static void what_does_not_fit_is_dropped(void)
{
	char batch[RING_BYTES + 100], byte;
	u32 n = 0;

	console_on_input(ignore, NULL);
	EXPECT(!console_take(&byte), "nothing was typed, and console_take gives 0x%x", (u8)byte);
	for (u32 i = 0; i < sizeof batch; i++)
		batch[i] = byte_at(i);

	bool irqs = arch_irq_save();

	console_input(batch, 1000);
	console_input(batch + 1000, sizeof batch - 1000);
	arch_irq_restore(irqs);
	while (n <= sizeof batch && console_take(&byte)) {
		EXPECT(byte == byte_at(n),
		       "the ring was filled, and byte %u of it is 0x%x, not 0x%x", n, (u8)byte,
		       (u8)byte_at(n));
		n++;
	}
	EXPECT(n == RING_BYTES, "of %u bytes at once the ring keeps %u, not its %u",
	       (unsigned)sizeof batch, n, RING_BYTES);
}

TESTS_MAIN(PLAIN(what_does_not_fit_is_dropped), ASYNC(each_byte_comes_once_and_in_order));
