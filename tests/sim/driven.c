/*
 * Drivers against the models of the simulated machine's devices: the kernel's own for the UART and the
 * HPET, small ones of the test for the rest. Which tests run: only=; see test_devices.py.
 */
#include "base/words.h"
#include "board/board.h"
#include "core/console.h"
#include "core/time.h"
#include "drivers/timer/hpet.h"
#include "drivers/uart/pl011.h"
#include "async/join.h"
#include "vdriver.h"
#include "../unit/test.h"

/*
 * UART.
 */

#define UART	      DEVICE_BASE(DEVICE_PL011)
#define UART_HZ	      48000000u
#define UART_FR	      (UART + 0x18)
#define UART_CR	      (UART + 0x30)
#define UART_IMSC     (UART + 0x38)
#define UART_INT_RX   (1u << 4 | 1u << 6)
#define UART_BUSY     (1u << 3)
#define UART_LOOPBACK (1u << 7)

struct uart_test {
	struct async async;
	struct wait wait;
	struct event arrived;
	u64 begin_ns;
	unsigned n;
	char text[80];
};

static void uart_arrived(void *arg)
{
	event_set(arg);
}

static void uart_listen(void)
{
	static bool listens;

	if (!listens)
		MUST(pl011_listen(UART, DEVICE_IRQ(DEVICE_PL011)));
	else
		mmio_write32(UART_IMSC, UART_INT_RX);
	listens = true;
}

static void uart_put(const char *s)
{
	while (*s)
		pl011_putc(UART, *s++);
}

/* What the driver writes comes back byte for byte, and takes as long as at 115200 baud. */
static enum poll uart_loopback(void *frame)
{
	static const char sent[] = "0123456789abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	struct uart_test *me = frame;
	char byte;

	ASYNC_BEGIN(me);
	event_init(&me->arrived);
	console_on_input(uart_arrived, &me->arrived);
	pl011_init(UART, UART_HZ, 115200);
	mmio_write32(UART_CR, mmio_read32(UART_CR) | UART_LOOPBACK);
	uart_listen();
	me->begin_ns = clock_ns();
	uart_put(sent);
	while (me->n < sizeof sent - 1) {
		AWAIT(me, event_wait(&me->wait, &me->arrived));
		event_reset(&me->arrived);
		while (console_take(&byte) && me->n < sizeof me->text - 1)
			me->text[me->n++] = byte;
	}
	CHECK_STR(me->text, sent);
	/* Ten bits a byte, of 26.0625 periods of the clock each: 26 1/16 is what 6 bits of fraction give. */
	CHECK(clock_ns() - me->begin_ns >= (sizeof sent - 1) * 86800);
	CHECK(clock_ns() - me->begin_ns < (sizeof sent + 3) * 86800 + MS(1));
	ASYNC_END(me);
}

/* The run's input comes through the UART, and what is written leaves through it. */
static enum poll uart_echo(void *frame)
{
	struct uart_test *me = frame;
	char byte;

	ASYNC_BEGIN(me);
	event_init(&me->arrived);
	console_on_input(uart_arrived, &me->arrived);
	pl011_init(UART, UART_HZ, 115200);
	uart_listen();
	for (byte = 0; byte != '\n';) {
		AWAIT(me, event_wait(&me->wait, &me->arrived));
		event_reset(&me->arrived);
		while (console_take(&byte)) {
			me->text[me->n++ % (sizeof me->text - 1)] = byte;
			pl011_putc(UART, byte);
		}
	}
	uart_put("by the UART: ");
	uart_put(me->text);
	while (mmio_read32(UART_FR) & UART_BUSY)
		arch_relax();
	ASYNC_END(me);
}

/*
 * HPET.
 */

#define HPET	    DEVICE_BASE(DEVICE_HPET)
#define HPET_STATUS (HPET + 0x20)
#define HPET_COUNT  (HPET + 0xf0)
#define HPET_CONF0  (HPET + 0x100)
#define HPET_COMP0  (HPET + 0x108)
enum { HPET_LEVEL = 1 << 1, HPET_ENABLE = 1 << 2, HPET_PERIODIC = 1 << 3, HPET_SET = 1 << 6 };

struct hpet_test {
	struct async async;
	struct wait wait;
	u64 begin_ns;
	unsigned n;
};

static struct event tick;
static _Atomic unsigned ticks;

static void hpet_interrupt(void *arg)
{
	(void)arg;
	mmio_write32(HPET_STATUS, 1);
	atomic_fetch_add_explicit(&ticks, 1, memory_order_relaxed);
	event_set(&tick);
}

/* The kernel's driver finds the counter's rate, and the counter keeps it. */
static void hpet_counts(void)
{
	const struct reference *r = hpet_init(HPET);
	u64 begin_ns, ns;
	u32 begin;

	if (!r) {
		test_fail(__FILE__, __LINE__, "the HPET does not count");
		return;
	}
	CHECK_EQ(r->hz, 100000000);
	begin_ns = clock_ns();
	begin = r->read();
	while ((ns = clock_ns() - begin_ns) < US(100))
		arch_relax();
	ns = (r->read() - begin) * 10ull;
	CHECK(ns >= US(100) - 200 && ns < US(110));
}

/* A comparator fires once, then with a period. */
static enum poll hpet_fires(void *frame)
{
	struct hpet_test *me = frame;
	u64 at;

	ASYNC_BEGIN(me);
	event_init(&tick);
	MUST(hpet_init(HPET) ? 0 : ERR_NODEV);
	MUST(irq_register(DEVICE_IRQ(DEVICE_HPET), "hpet", hpet_interrupt, NULL));
	me->begin_ns = clock_ns();
	mmio_write64(HPET_COMP0, mmio_read64(HPET_COUNT) + 5000);
	mmio_write32(HPET_CONF0, HPET_LEVEL | HPET_ENABLE);
	AWAIT(me, event_wait(&me->wait, &tick));
	CHECK(clock_ns() - me->begin_ns >= US(50));
	CHECK_EQ(mmio_read32(HPET_STATUS), 0);
	mmio_write32(HPET_CONF0, HPET_LEVEL | HPET_ENABLE | HPET_PERIODIC | HPET_SET);
	at = mmio_read64(HPET_COUNT) + 5000;
	mmio_write64(HPET_COMP0, at);
	mmio_write64(HPET_COMP0, 10000);
	me->begin_ns = clock_ns();
	while (atomic_load_explicit(&ticks, memory_order_relaxed) < 6) {
		event_reset(&tick);
		AWAIT(me, event_wait(&me->wait, &tick));
	}
	CHECK(clock_ns() - me->begin_ns >= US(449));
	mmio_write32(HPET_CONF0, 0);
	ASYNC_END(me);
}

/* Counts of 10 ns: when the comparator matches, and the most that a handler came later. relaxed, all: each is one word. */
static _Atomic u64 due, latest;

static void hpet_late(void *arg)
{
	u64 now = mmio_read64(HPET_COUNT), at = atomic_load_explicit(&due, memory_order_relaxed);

	(void)arg;
	if (now < at)
		test_fail(__FILE__, __LINE__, "an interrupt before its time");
	else if (now - at > atomic_load_explicit(&latest, memory_order_relaxed))
		atomic_store_explicit(&latest, now - at, memory_order_relaxed);
	mmio_write32(HPET_STATUS, 1);
	event_set(&tick);
}

/* Each interrupt comes, once. With the fault irq-late=1, and the word `late`, up to 100 us behind its time. */
static enum poll hpet_in_time(void *frame)
{
	struct hpet_test *me = frame;
	char text[4];
	u64 at;

	ASYNC_BEGIN(me);
	event_init(&tick);
	MUST(hpet_init(HPET) ? 0 : ERR_NODEV);
	MUST(irq_register(DEVICE_IRQ(DEVICE_HPET), "hpet", hpet_late, NULL));
	for (me->n = 0; me->n < 40; me->n++) {
		event_reset(&tick);
		at = mmio_read64(HPET_COUNT) + 500;
		atomic_store_explicit(&due, at, memory_order_relaxed);
		mmio_write64(HPET_COMP0, at);
		mmio_write32(HPET_CONF0, HPET_LEVEL | HPET_ENABLE);
		AWAIT(me, event_wait(&me->wait, &tick));
		mmio_write32(HPET_CONF0, 0);
	}
	at = atomic_load_explicit(&latest, memory_order_relaxed);
	if (words_find(board_cmdline(), "late", text, sizeof text))
		CHECK(at > 5000 && at < 10500);
	else
		CHECK(at < 500);
	ASYNC_END(me);
}

/*
 * GPIO.
 */

#define GPIO		DEVICE_BASE(DEVICE_GPIO)
#define GPIO_FSEL2	(GPIO + 0x08)
#define GPIO_SET0	(GPIO + 0x1c)
#define GPIO_CLR0	(GPIO + 0x28)
#define GPIO_LEV0	(GPIO + 0x34)
#define GPIO_EDS0	(GPIO + 0x40)
#define GPIO_REN0	(GPIO + 0x4c)
#define GPIO_FEN0	(GPIO + 0x58)
#define GPIO_PUD	(GPIO + 0x94)
#define GPIO_PUDCLK0	(GPIO + 0x98)
#define PIN(n)		(1u << (n))
#define FSEL2_OUTPUT_20 1u

static _Atomic u32 edges;

static void gpio_interrupt(void *arg)
{
	u32 set = mmio_read32(GPIO_EDS0);

	(void)arg;
	mmio_write32(GPIO_EDS0, set);
	atomic_fetch_add_explicit(&edges, set ? 1 : 0x10000, memory_order_relaxed);
}

static void gpio_wait(u32 level)
{
	while ((mmio_read32(GPIO_LEV0) & PIN(21)) != level)
		arch_relax();
}

static void gpio_wait_edges(u32 n)
{
	while (atomic_load_explicit(&edges, memory_order_relaxed) != n)
		arch_relax();
}

static void wait_ns(u64 ns)
{
	u64 end_ns = clock_ns() + ns;

	while (clock_ns() < end_ns)
		arch_relax();
}

/* Pin 20 is an output and wired to pin 21, which looks for edges. */
static void gpio_edges(void)
{
	MUST(irq_register(DEVICE_IRQ(DEVICE_GPIO), "gpio", gpio_interrupt, NULL));
	mmio_write32(GPIO_FSEL2, FSEL2_OUTPUT_20);
	mmio_write32(GPIO_REN0, PIN(21));
	mmio_write32(GPIO_SET0, PIN(20));
	gpio_wait(PIN(21));
	gpio_wait_edges(1);
	mmio_write32(GPIO_CLR0, PIN(20));
	gpio_wait(0);
	CHECK_EQ(atomic_load_explicit(&edges, memory_order_relaxed), 1);
	mmio_write32(GPIO_FEN0, PIN(21));
	mmio_write32(GPIO_SET0, PIN(20));
	gpio_wait_edges(2);
	mmio_write32(GPIO_CLR0, PIN(20));
	gpio_wait_edges(3);
	CHECK_EQ(mmio_read32(GPIO_EDS0), 0);
}

/* Pin 22 drives nothing, so that 23 has what its pull says. */
static void gpio_pull(void)
{
	CHECK_EQ(mmio_read32(GPIO_LEV0) & PIN(23), 0);
	mmio_write32(GPIO_PUD, 2);
	wait_ns(US(1));
	mmio_write32(GPIO_PUDCLK0, PIN(23));
	wait_ns(US(1));
	mmio_write32(GPIO_PUD, 0);
	mmio_write32(GPIO_PUDCLK0, 0);
	CHECK_EQ(mmio_read32(GPIO_LEV0) & PIN(23), PIN(23));
}

/*
 * A disk.
 */

#define AT_A_TIME 2

struct blk_test {
	struct async async;
	struct vblk_io io[AT_A_TIME];
	struct task *tasks[AT_A_TIME];
	struct join join;
	unsigned i, tries;
	int err;
};

static struct vdevice disk;
static u8 sectors[AT_A_TIME][VBLK_SECTOR_BYTES];
static _Atomic unsigned ended, first_to_end;

static bool all_are(const u8 *p, usize bytes, u8 x)
{
	for (usize i = 0; i < bytes; i++)
		if (p[i] != x)
			return false;
	return true;
}

static void ask(struct vblk_io *io, u32 type, u64 sector, void *data, u32 bytes)
{
	*io = (struct vblk_io){.v = &disk, .type = type, .sector = sector, .data = data, .bytes = bytes};
}

static u64 completions(struct vdevice *v)
{
	bool irqs = spin_lock(&v->lock);
	u64 n = v->completions;

	spin_unlock(&v->lock, irqs);
	return n;
}

static enum poll blk_reads_and_writes(void *frame)
{
	struct blk_test *me = frame;
	struct vblk_io *io = &me->io[0];

	ASYNC_BEGIN(me);
	MUST(vblk_restart(&disk));
	CHECK_EQ(mmio_read32(vreg(&disk, V_CONFIG)), VBLK_SECTORS);
	ask(io, VBLK_IN, 5, sectors[0], VBLK_SECTOR_BYTES);
	AWAIT_CALL(me, vblk_io, io);
	CHECK_EQ(io->async.status, 0);
	CHECK(all_are(sectors[0], VBLK_SECTOR_BYTES, 5));
	memset(sectors[0], 0xa5, VBLK_SECTOR_BYTES);
	ask(io, VBLK_OUT, 7, sectors[0], VBLK_SECTOR_BYTES);
	AWAIT_CALL(me, vblk_io, io);
	CHECK_EQ(io->async.status, 0);
	ask(io, VBLK_FLUSH, 0, NULL, 0);
	AWAIT_CALL(me, vblk_io, io);
	CHECK_EQ(io->async.status, 0);
	ask(io, VBLK_IN, 7, sectors[1], VBLK_SECTOR_BYTES);
	AWAIT_CALL(me, vblk_io, io);
	CHECK(all_are(sectors[1], VBLK_SECTOR_BYTES, 0xa5));
	ask(io, VBLK_GET_ID, 0, sectors[0], VBLK_ID_BYTES);
	AWAIT_CALL(me, vblk_io, io);
	CHECK_STR((char *)sectors[0], "fermata-sim");
	ask(io, VBLK_IN, VBLK_SECTORS, sectors[0], VBLK_SECTOR_BYTES);
	AWAIT_CALL(me, vblk_io, io);
	CHECK_EQ(io->async.status, ERR_INVAL);
	CHECK_EQ(completions(&disk), 6);
	ASYNC_END(me);
}

static enum poll reader(void *frame)
{
	struct vblk_io *me = frame;
	enum poll p = vblk_io(frame);
	unsigned which = (unsigned)me->sector;

	if (p == POLL_READY && atomic_fetch_add_explicit(&ended, 1, memory_order_relaxed) == 0)
		atomic_store_explicit(&first_to_end, which, memory_order_relaxed);
	if (p == POLL_READY && !all_are(me->data, VBLK_SECTOR_BYTES, (u8)which))
		test_fail(__FILE__, __LINE__, "sector %u has other bytes", which);
	return p;
}

/* Two requests at a time; which is done first is for the device to say. */
static enum poll blk_in_any_order(void *frame)
{
	struct blk_test *me = frame;

	ASYNC_BEGIN(me);
	MUST(vblk_restart(&disk));
	for (me->i = 0; me->i < AT_A_TIME; me->i++) {
		ask(&me->io[me->i], VBLK_IN, me->i, sectors[me->i], VBLK_SECTOR_BYTES);
		MUST(TASK_SPAWN(&me->tasks[me->i], "reader", reader, me->io[me->i], SCHED_PARAMS_FIFO(16)));
	}
	for (me->i = 0; me->i < AT_A_TIME; me->i++)
		AWAIT(me, task_join(&me->join, me->tasks[me->i]));
	kprintf("first: %u\n", atomic_load_explicit(&first_to_end, memory_order_relaxed));
	ASYNC_END(me);
}

/* Whatever the device does, stuck, slow or wrong: after some tries with a limit each the data are there. */
static enum poll blk_survives(void *frame)
{
	struct blk_test *me = frame;

	ASYNC_BEGIN(me);
	MUST(vblk_restart(&disk));
	for (me->i = 0; me->i < 8; me->i++) {
		for (me->err = 1, me->tries = 0; me->err && me->tries < 30; me->tries++) {
			ask(&me->io[0], VBLK_IN, me->i, sectors[0], VBLK_SECTOR_BYTES);
			AWAIT_CALL(me, vblk_io, &me->io[0]);
			me->err = me->io[0].async.status;
			if (me->err)
				kprintf("again: %s\n", err_name(me->err));
		}
		CHECK_EQ(me->err, 0);
		CHECK(all_are(sectors[0], VBLK_SECTOR_BYTES, (u8)me->i));
	}
	ASYNC_END(me);
}

/*
 * A network.
 */

#define NET_HEADER  12
#define NET_BUFFER  (NET_HEADER + 1514)
#define NET_BUFFERS 4
#define NET_FRAMES  6
#define NET_BYTES   100
enum { RECEIVE, TRANSMIT };

struct net_buffer {
	struct vtoken token;
	u64 dma;
	_Atomic u32 got; /* bytes; 0: the device has it still */
	u8 bytes[NET_BUFFER];
};

struct net_test {
	struct async async;
	struct wait wait;
	struct timeout limit;
	unsigned i, b;
};

static struct vdevice net;
static struct net_buffer receive[NET_BUFFERS], transmit[NET_FRAMES];
static struct event net_event;

static void net_arrived(struct vtoken *t, u32 bytes)
{
	struct net_buffer *b = CONTAINER_OF(t, struct net_buffer, token);

	sim_dma_unmap(net.device, b->dma, NET_BUFFER);
	/* release: the frame is there */
	atomic_store_explicit(&b->got, bytes, memory_order_release);
	event_set(&net_event);
}

static void net_sent(struct vtoken *t, u32 bytes)
{
	struct net_buffer *b = CONTAINER_OF(t, struct net_buffer, token);

	(void)bytes;
	sim_dma_unmap(net.device, b->dma, NET_HEADER + NET_BYTES);
	event_set(&net_event);
}

static void net_give(struct net_buffer *b, unsigned queue, u32 bytes)
{
	struct vpart part;

	b->token.done = queue == RECEIVE ? net_arrived : net_sent;
	atomic_store_explicit(&b->got, 0, memory_order_relaxed);
	b->dma = sim_dma_map(net.device, b->bytes, bytes,
			     queue == RECEIVE ? SIM_DMA_FROM_DEVICE : SIM_DMA_TO_DEVICE);
	MUST(b->dma ? 0 : ERR_NOMEM);
	part = (struct vpart){b->dma, bytes};
	MUST(vqueue_add(&net, queue, &part, queue == TRANSMIT, queue == RECEIVE, &b->token));
}

static void net_send(unsigned n)
{
	struct net_buffer *b = &transmit[n];

	memset(b->bytes, 0, NET_HEADER);
	memset(b->bytes + NET_HEADER, (int)n, NET_BYTES);
	memset(b->bytes + NET_HEADER, 0xbb, 6);
	memset(b->bytes + NET_HEADER + 6, 0xaa, 6);
	net_give(b, TRANSMIT, NET_HEADER + NET_BYTES);
}

/* A frame that came back has its addresses exchanged, and the rest as it was. */
static u32 net_got(const struct net_buffer *b)
{
	return atomic_load_explicit(&b->got, memory_order_acquire); /* pairs with net_arrived */
}

static unsigned net_check(const struct net_buffer *b)
{
	const u8 *frame = b->bytes + NET_HEADER;

	CHECK_EQ(net_got(b), NET_HEADER + NET_BYTES);
	CHECK(all_are(frame, 6, 0xaa));
	CHECK(all_are(frame + 6, 6, 0xbb));
	CHECK(all_are(frame + 12, NET_BYTES - 12, frame[12]));
	return frame[12];
}

static enum poll net_echoes(void *frame)
{
	struct net_test *me = frame;
	static bool seen[NET_FRAMES];

	ASYNC_BEGIN(me);
	event_init(&net_event);
	MUST(vdevice_start(&net, DEVICE_VIRTIO_NET, 1, 2, 1 << 5 | 1 << 16));
	CHECK_EQ(mmio_read8(vreg(&net, V_CONFIG)), 0x52);
	CHECK_EQ(mmio_read16(vreg(&net, V_CONFIG + 6)), 1);
	for (me->b = 0; me->b < NET_BUFFERS; me->b++)
		net_give(&receive[me->b], RECEIVE, NET_BUFFER);
	for (me->i = 0; me->i < NET_FRAMES; me->i++) {
		net_send(me->i);
		me->b = NET_BUFFERS;
		while (me->b == NET_BUFFERS) {
			AWAIT(me, event_wait(&me->wait, &net_event));
			event_reset(&net_event);
			for (me->b = 0; me->b < NET_BUFFERS && !net_got(&receive[me->b]); me->b++)
				;
		}
		CHECK_EQ(net_check(&receive[me->b]), me->i);
		seen[me->i] = true;
		net_give(&receive[me->b], RECEIVE, NET_BUFFER);
	}
	CHECK(seen[NET_FRAMES - 1]);
	ASYNC_END(me);
}

TESTS_MAIN(ASYNC(uart_loopback), ASYNC(uart_echo), PLAIN(hpet_counts), ASYNC(hpet_fires), ASYNC(hpet_in_time), PLAIN(gpio_edges),
	   PLAIN(gpio_pull), ASYNC(blk_reads_and_writes), ASYNC(blk_in_any_order), ASYNC(blk_survives),
	   ASYNC(net_echoes));
