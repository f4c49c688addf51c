/*
 * Planted mistakes of drivers. Side 0 drives; side 1 has nothing to do.
 */
#include "core/time.h"
#include "mm/kmalloc.h"
#include "planted.h"
#include "vdriver.h"

#define SECTOR 5

static struct vdevice disk;
static struct vblk_io io, other;
static u8 *buffer, *second;

static void ask(struct vblk_io *r, u32 type, void *data)
{
	*r = (struct vblk_io){.v = &disk, .type = type, .sector = SECTOR, .data = data, .bytes = VBLK_SECTOR_BYTES};
	event_init(&r->done);
	r->token.done = vblk_done;
}

/* Without waiting: what follows is the driver's own. */
static void submit(struct vblk_io *r)
{
	vblk_map(r);
	MUST(vqueue_add(&disk, 0, r->part, r->reads, r->writes, &r->token));
}

/* One request as it should be, but for `mistakes`. */
static enum poll request(struct waiting *me)
{
	ASYNC_BEGIN(me);
	if (me->side == 0) {
		MUST(vblk_restart(&disk));
		ask(&io, VBLK_IN, buffer);
		AWAIT_CALL(me, vblk_io, &io);
		CHECK_EQ(io.async.status, 0);
		CHECK_EQ(buffer[0], SECTOR);
	}
	ASYNC_END(me);
}

#define MISTAKE(name, what)                                                                        \
	static enum poll name(void *frame)                                                         \
	{                                                                                          \
		if (((struct waiting *)frame)->side == 0)                                           \
			mistakes = right ? 0 : (what);                                             \
		return request(frame);                                                             \
	}

MISTAKE(missing_barrier, NO_BARRIER)
MISTAKE(notified_unfenced, NO_FENCE)
MISTAKE(taken_relaxed, TAKEN_RELAXED)
MISTAKE(unacknowledged, NO_ACKNOWLEDGE)
MISTAKE(cpu_address, CPU_ADDRESS)
MISTAKE(left_out_a_step, NO_FEATURES_OK)
MISTAKE(reserved_bit, ALL_FEATURES)
MISTAKE(wrong_size, BYTE_STATUS)
MISTAKE(chain_goes_round, LONG_CHAIN)
MISTAKE(written_before_read, WRITE_BEFORE_READ)
MISTAKE(notified_too_early, EARLY_NOTIFY)

/* The rings are made anew while the device may still be at them, as far as memory knows. */
static enum poll reset_unordered(void *frame)
{
	struct waiting *me = frame;

	ASYNC_BEGIN(me);
	if (me->side == 0) {
		mistakes = right ? 0 : RESET_UNORDERED;
		MUST(vblk_restart(&disk));
		ask(&io, VBLK_IN, buffer);
		submit(&io);
		AWAIT(me, sleep_for(&me->sleep, US(3)));
		MUST(vblk_restart(&disk));
	}
	ASYNC_END(me);
}

/* Behind a time limit the memory is used for something else, and the device was only slow. */
static enum poll left_after_the_limit(void *frame)
{
	struct waiting *me = frame;

	ASYNC_BEGIN(me);
	if (me->side == 0) {
		mistakes = right ? 0 : NO_RESET;
		MUST(vblk_restart(&disk));
		ask(&io, VBLK_IN, buffer);
		AWAIT_CALL(me, vblk_io, &io);
		AWAIT(me, sleep_for(&me->sleep, MS(20)));
	}
	ASYNC_END(me);
}

/* Nothing limits the time, and the device is stuck. */
static enum poll waits_for_ever(void *frame)
{
	struct waiting *me = frame;

	ASYNC_BEGIN(me);
	if (me->side == 0) {
		MUST(vblk_restart(&disk));
		ask(&io, VBLK_IN, buffer);
		if (right) {
			AWAIT_CALL(me, vblk_io, &io);
			CHECK_EQ(io.async.status, ERR_TIMEOUT);
		} else {
			submit(&io);
			AWAIT(me, event_wait(&me->wait, &io.done));
		}
	}
	ASYNC_END(me);
}

static void look(const volatile u8 *at)
{
	(void)*at;
}

/* What somebody does with the memory of a request that is under way. */
static enum poll meanwhile(struct waiting *me, u32 type, void (*does)(void))
{
	ASYNC_BEGIN(me);
	if (me->side == 0) {
		MUST(vblk_restart(&disk));
		ask(&io, type, buffer);
		submit(&io);
		if (!right)
			does();
		AWAIT(me, timeout_after(&io.limit, event_wait(&me->wait, &io.done), MS(1)));
		if (right)
			vblk_unmap(&io);
		if (right)
			does();
	}
	ASYNC_END(me);
}

static void reads(void)
{
	look(buffer);
}

static void writes(void)
{
	buffer[3] = 1;
}

static void unmaps(void)
{
	if (!right)
		vblk_unmap(&io);
}

static void frees(void)
{
	kfree(buffer);
}

#define MEANWHILE(name, type, does)                                                                \
	static enum poll name(void *frame)                                                         \
	{                                                                                          \
		return meanwhile(frame, type, does);                                               \
	}

MEANWHILE(read_too_early, VBLK_IN, reads)
MEANWHILE(reused_too_early, VBLK_OUT, writes)
MEANWHILE(unmapped_too_early, VBLK_IN, unmaps)
MEANWHILE(freed_while_mapped, VBLK_OUT, frees)

/* Two requests share a descriptor. */
static enum poll given_twice(void *frame)
{
	struct waiting *me = frame;

	ASYNC_BEGIN(me);
	if (me->side == 0) {
		mistakes = right ? 0 : FREED_TWICE;
		MUST(vblk_restart(&disk));
		ask(&io, VBLK_IN, buffer);
		ask(&other, VBLK_IN, second);
		submit(&io);
		submit(&other);
		AWAIT(me, timeout_after(&io.limit, event_wait(&me->wait, &io.done), MS(1)));
		AWAIT(me, timeout_after(&other.limit, event_wait(&me->wait, &other.done), MS(1)));
	}
	ASYNC_END(me);
}

/* A part of the buffer is mapped, or for the other direction. */
static enum poll mapped_badly(struct waiting *me, u32 bytes, unsigned how)
{
	ASYNC_BEGIN(me);
	if (me->side == 0) {
		MUST(vblk_restart(&disk));
		ask(&io, VBLK_IN, buffer);
		vblk_map(&io);
		if (!right) {
			sim_dma_unmap(disk.device, io.part[1].at, VBLK_SECTOR_BYTES);
			io.part[1] = vmap(&io, buffer, bytes, how);
			io.part[1].bytes = VBLK_SECTOR_BYTES;
		}
		MUST(vqueue_add(&disk, 0, io.part, io.reads, io.writes, &io.token));
		AWAIT(me, timeout_after(&io.limit, event_wait(&me->wait, &io.done), MS(1)));
	}
	ASYNC_END(me);
}

static enum poll mapped_in_part(void *frame)
{
	return mapped_badly(frame, VBLK_SECTOR_BYTES / 2, SIM_DMA_FROM_DEVICE);
}

static enum poll mapped_to_read(void *frame)
{
	return mapped_badly(frame, VBLK_SECTOR_BYTES, SIM_DMA_TO_DEVICE);
}

static void unmapped_twice(unsigned side)
{
	u64 at;

	if (side)
		return;
	at = sim_dma_map(DEVICE_VIRTIO_BLK, buffer, VBLK_SECTOR_BYTES, SIM_DMA_TO_DEVICE);
	sim_dma_unmap(DEVICE_VIRTIO_BLK, at, VBLK_SECTOR_BYTES);
	if (!right)
		sim_dma_unmap(DEVICE_VIRTIO_BLK, at, VBLK_SECTOR_BYTES);
}

/*
 * A UART, pins and a timer.
 */

#define UART(r) (DEVICE_BASE(DEVICE_PL011) + (r))
enum { UART_DR = 0x00, UART_FR = 0x18, UART_IBRD = 0x24, UART_LCR_H = 0x2c, UART_CR = 0x30 };
enum { UART_FULL = 1 << 5, UART_BUSY = 1 << 3, UART_FIFOS = 1 << 4, UART_BITS_8 = 3 << 5 };
enum { UART_ON = 1 << 0 | 1 << 8 | 1 << 9 };

/* More bytes than the FIFO has room for. */
static void blindly_sent(unsigned side)
{
	if (side)
		return;
	mmio_write32(UART(UART_CR), 0);
	mmio_write32(UART(UART_LCR_H), UART_BITS_8 | UART_FIFOS);
	mmio_write32(UART(UART_CR), UART_ON);
	for (unsigned i = 0; i < 40; i++) {
		while (right && mmio_read32(UART(UART_FR)) & UART_FULL)
			arch_relax();
		mmio_write32(UART(UART_DR), 'a');
	}
}

static void rate_changed_while_on(unsigned side)
{
	if (side)
		return;
	mmio_write32(UART(UART_CR), right ? 0 : UART_ON);
	mmio_write32(UART(UART_IBRD), 26);
	mmio_write32(UART(UART_LCR_H), UART_BITS_8 | UART_FIFOS);
}

#define PINS(r) (DEVICE_BASE(DEVICE_GPIO) + (r))
enum { PINS_FSEL2 = 0x08, PINS_SET0 = 0x1c, PINS_LEV0 = 0x34, PINS_EDS0 = 0x40, PINS_REN0 = 0x4c };
enum { PINS_PUD = 0x94, PINS_PUDCLK0 = 0x98 };

static void wait_ns(u64 ns)
{
	u64 end_ns = clock_ns() + ns;

	while (clock_ns() < end_ns)
		arch_relax();
}

static void pulled_too_fast(unsigned side)
{
	if (side)
		return;
	mmio_write32(PINS(PINS_PUD), 2);
	if (right)
		wait_ns(US(1));
	mmio_write32(PINS(PINS_PUDCLK0), 1 << 23);
	wait_ns(US(1));
	mmio_write32(PINS(PINS_PUD), 0);
	mmio_write32(PINS(PINS_PUDCLK0), 0);
}

/* Events are cleared by a written 1: who reads, changes and writes back clears those of others, too. */
static void cleared_with_others(unsigned side)
{
	u32 set;

	if (side)
		return;
	mmio_write32(PINS(PINS_FSEL2), 1 | 1 << 6); /* 20 and 22 are outputs, wired to 21 and 23 */
	mmio_write32(PINS(PINS_REN0), 1 << 21 | 1 << 23);
	mmio_write32(PINS(PINS_SET0), 1 << 20 | 1 << 22);
	while ((mmio_read32(PINS(PINS_LEV0)) & (5u << 21)) != 5u << 21)
		arch_relax();
	set = right ? 0 : mmio_read32(PINS(PINS_EDS0));
	mmio_write32(PINS(PINS_EDS0), set | 1 << 21);
	CHECK_EQ(mmio_read32(PINS(PINS_EDS0)), 1 << 23);
}

#define TIMER(r) (DEVICE_BASE(DEVICE_HPET) + (r))
enum { TIMER_CONFIGURATION = 0x10, TIMER_STATUS = 0x20, TIMER_COUNTER = 0xf0, TIMER_0 = 0x100, TIMER_MATCH = 0x108 };
enum { TIMER_LEVEL = 1 << 1, TIMER_ENABLE = 1 << 2 };

static struct event tick;

static void on_tick(void *arg)
{
	(void)arg;
	mmio_write32(TIMER(TIMER_STATUS), 1);
	event_set(&tick);
}

/* The time to wake up at has passed before the comparator has it, and will not come again. */
static enum poll match_in_the_past(void *frame)
{
	struct waiting *me = frame;
	u64 ahead, at;

	ASYNC_BEGIN(me);
	if (me->side == 0) {
		event_init(&tick);
		MUST(irq_register(DEVICE_IRQ(DEVICE_HPET), "hpet", on_tick, NULL));
		mmio_write32(TIMER(TIMER_CONFIGURATION), 1);
		mmio_write32(TIMER(TIMER_0), TIMER_LEVEL | TIMER_ENABLE);
		ahead = 4;
		do {
			at = mmio_read64(TIMER(TIMER_COUNTER)) + ahead;
			mmio_write64(TIMER(TIMER_MATCH), at);
			ahead *= 2;
		} while (right && (i64)(mmio_read64(TIMER(TIMER_COUNTER)) - at) >= 0);
		AWAIT(me, event_wait(&me->wait, &tick));
	}
	ASYNC_END(me);
}

static void counter_set_while_it_counts(unsigned side)
{
	if (side)
		return;
	mmio_write32(TIMER(TIMER_CONFIGURATION), right ? 0 : 1);
	mmio_write64(TIMER(TIMER_COUNTER), 0);
}

static void prepare(void)
{
	buffer = kzalloc(VBLK_SECTOR_BYTES);
	second = kzalloc(VBLK_SECTOR_BYTES);
	if (!buffer || !second)
		panic("no memory");
}

PLANTED(prepare, WAITING_BUG(missing_barrier), WAITING_BUG(notified_unfenced), WAITING_BUG(taken_relaxed),
	WAITING_BUG(unacknowledged), WAITING_BUG(cpu_address), WAITING_BUG(left_out_a_step),
	WAITING_BUG(reserved_bit), WAITING_BUG(wrong_size), WAITING_BUG(chain_goes_round),
	WAITING_BUG(written_before_read), WAITING_BUG(notified_too_early), WAITING_BUG(reset_unordered),
	WAITING_BUG(left_after_the_limit), WAITING_BUG(waits_for_ever), WAITING_BUG(read_too_early),
	WAITING_BUG(reused_too_early), WAITING_BUG(unmapped_too_early), WAITING_BUG(freed_while_mapped),
	WAITING_BUG(given_twice), WAITING_BUG(mapped_in_part), WAITING_BUG(mapped_to_read), BUG(unmapped_twice),
	BUG(blindly_sent), BUG(rate_changed_while_on), BUG(pulled_too_fast), BUG(cleared_with_others),
	WAITING_BUG(match_in_the_past), BUG(counter_set_while_it_counts));
