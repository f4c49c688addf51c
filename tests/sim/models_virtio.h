/*
 * models_virtio.h: the tests of the models of virtio devices, for models.c.
 */
#pragma once

#include "models_host.h"

/*
 * virtio: VIRTIO 1.2. Rings: descriptors at 0x000, available at 0x200, used at 0x300.
 */

enum { FEATURES = 0x10, FEATURES_SEL = 0x14, DRIVER_FEATURES = 0x20, DRIVER_FEATURES_SEL = 0x24 };
enum { QUEUE_SEL = 0x30, QUEUE_NUM_MAX = 0x34, QUEUE_NUM = 0x38, QUEUE_READY = 0x44, NOTIFY = 0x50 };
enum { ISR = 0x60, ACK = 0x64, STATUS = 0x70, Q_DESC = 0x80, Q_DRIVER = 0x90, Q_DEVICE = 0xa0, CONFIG = 0x100 };
enum { AVAIL = 0x200, USED = 0x300, HEADER = 0x1000, DATA = 0x2000, DONE = 0x3000 };

static void desc(unsigned i, uint64_t at, uint32_t len, uint16_t flags, uint16_t next)
{
	memcpy(memory + 16 * i, &at, 8);
	memcpy(memory + 16 * i + 8, &len, 4);
	memcpy(memory + 16 * i + 12, &flags, 2);
	memcpy(memory + 16 * i + 14, &next, 2);
}

static uint16_t u16_at(unsigned at)
{
	uint16_t x;

	memcpy(&x, memory + at, 2);
	return x;
}

static void show(uint16_t head)
{
	uint16_t idx = u16_at(AVAIL + 2);

	memcpy(memory + AVAIL + 4 + idx++ % 8 * 2, &head, 2);
	memcpy(memory + AVAIL + 2, &idx, 2);
}

static void negotiate(const struct device_class *class)
{
	begin(class);
	put(STATUS, 1);
	put(STATUS, 3);
	put(FEATURES_SEL, 1);
	CHECK(get(FEATURES) == 1);
	put(DRIVER_FEATURES_SEL, 1);
	put(DRIVER_FEATURES, 1);
	put(DRIVER_FEATURES_SEL, 0);
	put(DRIVER_FEATURES, class == &virtio_blk_class ? 1 << 9 : 0);
	put(STATUS, 11);
	CHECK(get(STATUS) == 11);
}

static void queue(unsigned n)
{
	put(QUEUE_SEL, n);
	CHECK(get(QUEUE_NUM_MAX) == VIRTIO_QUEUE_MAX && get(QUEUE_READY) == 0);
	put(QUEUE_NUM, 8);
	put(Q_DESC, 0);
	put(Q_DRIVER, AVAIL);
	put(Q_DEVICE, USED);
	put(QUEUE_READY, 1);
	CHECK(get(QUEUE_READY) == 1);
}

static void disk(void)
{
	negotiate(&virtio_blk_class);
	queue(0);
	put(STATUS, 15);
	CHECK(misuses == 0);
}

/* A request of three descriptors from @p i on. */
static void request(unsigned i, uint32_t type, uint64_t sector, uint32_t bytes)
{
	memcpy(memory + HEADER, &type, 4);
	memcpy(memory + HEADER + 8, &sector, 8);
	memory[DONE] = 0xff;
	desc(i, HEADER, 16, 1, (uint16_t)(i + 1));
	desc(i + 1, DATA, bytes, type == 1 ? 1 : 3, (uint16_t)(i + 2));
	desc(i + 2, DONE, 1, 2, 0);
	show((uint16_t)i);
}

static void virtio_negotiates(void)
{
	begin(&virtio_blk_class);
	CHECK(get(0) == 0x74726976 && get(4) == 2 && get(8) == 2);
	put(STATUS, 1);
	MISUSE(put(STATUS, 5), "leaves out a step");
	put(STATUS, 0);
	put(STATUS, 1);
	put(STATUS, 3);
	MISUSE(put(STATUS, 1), "takes back a step");
	put(STATUS, 0);
	put(STATUS, 1);
	put(STATUS, 3);
	put(STATUS, 11); /* without VERSION_1: not accepted */
	CHECK(get(STATUS) == 3);
	put(STATUS, 0);
	put(STATUS, 1);
	put(STATUS, 3);
	put(DRIVER_FEATURES_SEL, 1);
	put(DRIVER_FEATURES, 3); /* more than is offered */
	put(STATUS, 11);
	CHECK(get(STATUS) == 3 && misuses == 0);
	negotiate(&virtio_blk_class);
	MISUSE(put(DRIVER_FEATURES, 0), "behind FEATURES_OK");
	MISUSE(put(NOTIFY, 0), "not ready");
	queue(0);
	MISUSE(put(NOTIFY, 0), "before DRIVER_OK");
	MISUSE(put(QUEUE_NUM, 4), "while it is ready");
	put(QUEUE_READY, 0);
	MISUSE(put(QUEUE_NUM, 3), "power of two");
	put(Q_DESC, 8);
	MISUSE(put(QUEUE_READY, 1), "not aligned");
	put(QUEUE_SEL, 1);
	CHECK(get(QUEUE_NUM_MAX) == 0);
	put(STATUS, 0);
	CHECK(get(STATUS) == 0);
}

static void virtio_requests(void)
{
	disk();
	request(0, 0, 9, 512);
	put(NOTIFY, 0);
	CHECK(u16_at(USED + 2) == 0 && !high);
	pass(200000);
	CHECK(u16_at(USED + 2) == 1 && memory[USED + 4] == 0 && u16_at(USED + 8) == 513);
	CHECK(memory[DATA] == 9 && memory[DATA + 511] == 9 && memory[DONE] == 0);
	CHECK(high && get(ISR) == 1);
	MISUSE(put(ACK, 2), "was not there");
	put(ACK, 1);
	CHECK(!high && get(ISR) == 0);
	memset(memory + DATA, 0x77, 512);
	request(3, 1, 63, 512);
	memory[AVAIL] = 1; /* no interrupt, please */
	put(NOTIFY, 0);
	pass(200000);
	CHECK(u16_at(USED + 2) == 2 && memory[USED + 12] == 3 && memory[DONE] == 0 && !high);
	request(0, 0, 63, 512);
	memset(memory + DATA, 0, 512);
	put(NOTIFY, 0);
	pass(200000);
	CHECK(memory[DATA] == 0x77 && memory[DONE] == 0);
	request(0, 0, 64, 512);
	put(NOTIFY, 0);
	pass(200000);
	CHECK(memory[DONE] == 1);
	request(0, 99, 0, 512);
	put(NOTIFY, 0);
	pass(200000);
	CHECK(memory[DONE] == 2 && misuses == 0);
}

static void virtio_breaks(void)
{
	disk();
	request(0, 0, 9, 512);
	forbidden_at = DATA + 100;
	put(NOTIFY, 0);
	pass(200000);
	CHECK(get(STATUS) == (15 | 64) && get(ISR) == 2 && u16_at(USED + 2) == 0);
	put(STATUS, 15);
	CHECK(get(STATUS) & 64); /* only a reset ends it */
	put(STATUS, 0);
	CHECK(get(STATUS) == 0 && !high);
	disk();
	request(0, 0, 9, 512);
	desc(2, DONE, 1, 3, 9);
	MISUSE((put(NOTIFY, 0), pass(200000)), "names descriptor 9 of a queue of 8");
	disk();
	request(0, 0, 9, 512);
	show(0);
	MISUSE((put(NOTIFY, 0), pass(200000)), "which the device has still");
	disk();
	request(0, 0, 9, 512);
	memory[AVAIL + 2] = 9;
	MISUSE((put(NOTIFY, 0), pass(200000)), "9 chains available at a time");
	disk();
	request(0, 0, 9, 500);
	MISUSE((put(NOTIFY, 0), pass(200000)), "which are no sectors");
}

static void virtio_fails(void)
{
	disk();
	struck = DEVICE_ERROR;
	request(0, 0, 9, 512);
	put(NOTIFY, 0);
	pass(200000);
	CHECK(memory[DONE] == 1 && memory[DATA] == 0);
	struck = DEVICE_SLOW;
	request(0, 0, 9, 512);
	put(NOTIFY, 0);
	pass(900000);
	CHECK(u16_at(USED + 2) == 1);
	pass(300000);
	CHECK(u16_at(USED + 2) == 2);
	struck = DEVICE_STUCK;
	request(0, 0, 9, 512);
	put(NOTIFY, 0);
	pass(1000000000);
	CHECK(u16_at(USED + 2) == 2);
	struck = -1;
	put(STATUS, 0);
	disk();
	request(0, 0, 9, 512);
	put(NOTIFY, 0);
	pass(200000);
	CHECK(u16_at(USED + 2) == 1);
}

static void net_frames(void)
{
	uint8_t frame[60];

	memset(frame, 0x42, sizeof frame);
	negotiate(&virtio_net_class);
	CHECK(device_read(d, CONFIG, 1) == 0x52 && device_read(d, CONFIG + 6, 2) == 1);
	queue(1);
	put(STATUS, 15);
	desc(0, HEADER, 12, 1, 1);
	desc(1, DATA, 60, 0, 0);
	memcpy(memory + DATA, frame, sizeof frame);
	show(0);
	put(NOTIFY, 1);
	pass(200000);
	CHECK(sent_bytes == 60 && !memcmp(sent, frame, 60) && u16_at(USED + 2) == 1 && misuses == 0);
	desc(1, DATA, 5, 0, 0);
	show(0);
	MISUSE((put(NOTIFY, 1), pass(200000)), "sends a frame of 5 bytes");
	negotiate(&virtio_net_class);
	queue(0);
	put(STATUS, 15);
	d->class->in(d, frame, sizeof frame); /* no buffer: lost */
	CHECK(u16_at(USED + 2) == 0);
	desc(0, DATA, 1526, 2, 0);
	show(0);
	d->class->in(d, frame, sizeof frame);
	CHECK(u16_at(USED + 2) == 1 && u16_at(USED + 8) == 72 && u16_at(DATA + 10) == 1);
	CHECK(!memcmp(memory + DATA + 12, frame, 60) && high && misuses == 0);
}
