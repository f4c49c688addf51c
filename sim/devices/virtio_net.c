/*
 * virtio_net.c: see virtio_net.h.
 */
#include "sim/devices/virtio_net.h"
#include <string.h>

/* 5.1.3, 5.1.4 and 5.1.6. */
#define F_MAC	 (1ull << 5)
#define F_STATUS (1ull << 16)
#define LINK_UP	 1
enum { RECEIVE, TRANSMIT };

#define HEADER_BYTES 12
#define FRAME_MIN    14
#define WORK_NS	     20000
#define MAC_OF(i)    (0x52u + 2 * (i)) /* locally administered */

struct header {
	uint8_t flags, gso_type;
	uint16_t hdr_len, gso_size, csum_start, csum_offset, num_buffers;
};
_Static_assert(sizeof(struct header) == HEADER_BYTES, "5.1.6");

static void work(struct virtio *v, unsigned queue, const struct virtio_chain *c, bool failed)
{
	uint8_t frame[VIRTIO_NET_FRAME_MAX];
	struct header h;
	int64_t head = virtio_read(v, c, 0, &h, HEADER_BYTES), bytes;

	if (head < 0)
		return;
	bytes = virtio_read(v, c, HEADER_BYTES, frame, sizeof frame);
	if (bytes < 0)
		return;
	if (head < HEADER_BYTES || bytes < FRAME_MIN)
		device_misuse(&v->d, "sends a frame of %lld bytes behind a header of %lld", (long long)bytes,
			      (long long)head);
	else if (h.flags || h.gso_type)
		device_misuse(&v->d, "asks for an offload that was not negotiated");
	else if (!failed)
		v->d.host->out(&v->d, frame, (size_t)bytes);
	virtio_used(v, queue, c->head, 0);
}

static void in(struct device *d, const void *data, size_t bytes)
{
	struct virtio *v = (struct virtio *)d;
	struct header h = {.num_buffers = 1};
	struct virtio_chain c;
	int64_t head, rest;

	if (!virtio_take(v, RECEIVE, &c))
		return;
	head = virtio_write(v, &c, 0, &h, HEADER_BYTES);
	rest = head < 0 ? -1 : virtio_write(v, &c, HEADER_BYTES, data, bytes);
	if (rest < 0)
		return;
	if (head + rest != HEADER_BYTES + (int64_t)bytes)
		device_misuse(d, "gives a buffer of %lld bytes, which a frame does not fit in",
			      (long long)head + (long long)rest);
	virtio_used(v, RECEIVE, c.head, (uint32_t)(head + rest));
}

static bool takes(unsigned queue)
{
	return queue == TRANSMIT;
}

static const struct virtio_type type = {
	.id = 1,
	.features = VIRTIO_F_VERSION_1 | F_MAC | F_STATUS,
	.queues = 2,
	.ordered = true,
	.work_ns = WORK_NS,
	.takes = takes,
	.work = work,
};

static uint64_t mac_read(struct device *d, unsigned i)
{
	(void)d;
	return MAC_OF(i);
}

static const struct reg regs[] = {
	VIRTIO_REGS(1),
	{"mac", VIRTIO_CONFIG, 1, REG_R, .count = 6, .read = mac_read},
	{"status", VIRTIO_CONFIG + 6, 2, REG_R, .reset = LINK_UP},
};

static void reset(struct device *d)
{
	virtio_begin((struct virtio *)d, &type);
}

const struct device_class virtio_net_class = {
	.name = "virtio-net",
	.regs = regs,
	.reg_count = sizeof regs / sizeof *regs,
	.window_bytes = 0x200,
	.bytes = sizeof(struct virtio),
	.reset = reset,
	.run = virtio_run,
	.in = in,
};
