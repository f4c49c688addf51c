/*
 * virtio.c: see virtio.h. Sections are those of VIRTIO 1.2.
 */
#include "sim/devices/virtio.h"
#include <string.h>

/* 2.1: bits of the status. */
enum {
	ACKNOWLEDGE = 1,
	DRIVER = 2,
	DRIVER_OK = 4,
	FEATURES_OK = 8,
	NEEDS_RESET = 64,
	FAILED = 128,
};
enum { ISR_USED = 1, ISR_CONFIG = 2 };
enum { DESC_NEXT = 1, DESC_WRITE = 2, DESC_INDIRECT = 4 };
enum { AVAIL_NO_INTERRUPT = 1 };

#define LOOK_NS	   2000 /* at most, from a notification until the rings are looked at */
#define DESC_BYTES 16

static struct virtio *of(struct device *d)
{
	return (struct virtio *)d;
}

static uint64_t reg(struct virtio *v, uint64_t offset)
{
	return *device_value(&v->d, offset);
}

static uint64_t now_of(struct virtio *v)
{
	return v->d.host->now_ns(&v->d);
}

bool virtio_lives(struct virtio *v)
{
	return (reg(v, VIRTIO_STATUS) & (DRIVER_OK | NEEDS_RESET)) == DRIVER_OK && !v->stuck;
}

/* When there is something to do next. */
static void settle(struct virtio *v)
{
	uint64_t due = v->look_ns;

	for (const struct virtio_work *w = v->work; w < v->work + VIRTIO_WORK; w++)
		if (w->taken && w->at_ns < due)
			due = w->at_ns;
	device_wake(&v->d, virtio_lives(v) ? due : DEVICE_NEVER);
	device_line(&v->d, v->isr);
}

/* 2.1.2: the device cannot go on. */
static void broken(struct virtio *v)
{
	*device_value(&v->d, VIRTIO_STATUS) |= NEEDS_RESET;
	if (reg(v, VIRTIO_STATUS) & DRIVER_OK)
		v->isr |= ISR_CONFIG;
	settle(v);
}

/* Fields in memory are little-endian, as the hosts are. */
static bool move(struct virtio *v, unsigned how, uint64_t at, void *data, size_t bytes, const char *what)
{
	if (v->d.host->dma(&v->d, how, at, data, bytes, what))
		return true;
	broken(v);
	return false;
}

/*
 * Rings: 2.7.
 */

struct desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags, next;
};

static bool desc_read(struct virtio *v, unsigned queue, uint16_t i, struct desc *desc)
{
	uint64_t at = v->desc[queue] + i * (uint64_t)DESC_BYTES;

	return move(v, DMA_READ, at, &desc->addr, 8, "descriptor: address") &&
	       move(v, DMA_READ, at + 8, &desc->len, 4, "descriptor: length") &&
	       move(v, DMA_READ, at + 12, &desc->flags, 2, "descriptor: flags") &&
	       move(v, DMA_READ, at + 14, &desc->next, 2, "descriptor: next");
}

/* 2.7.5: adds a descriptor; false: it must not be there. */
static bool desc_add(struct virtio *v, struct virtio_chain *c, const struct desc *desc)
{
	struct virtio_part part = {desc->addr, desc->len};

	if (desc->flags & ~(DESC_NEXT | DESC_WRITE)) {
		device_misuse(&v->d, "gives a descriptor with the flags %#x, which were not negotiated",
			      desc->flags);
		return false;
	}
	if (!(desc->flags & DESC_WRITE) && c->writes) {
		device_misuse(&v->d, "puts what the device reads behind what it writes");
		return false;
	}
	if (desc->flags & DESC_WRITE)
		c->write[c->writes++] = part;
	else
		c->read[c->reads++] = part;
	return true;
}

static bool chain_read(struct virtio *v, unsigned queue, struct virtio_chain *c)
{
	struct desc desc;
	unsigned i = c->head;

	for (unsigned n = 0; n < v->size[queue]; n++) {
		if (i >= v->size[queue]) {
			device_misuse(&v->d, "names descriptor %u of a queue of %u", i, v->size[queue]);
			return false;
		}
		if (!desc_read(v, queue, (uint16_t)i, &desc) || !desc_add(v, c, &desc))
			return false;
		if (!(desc.flags & DESC_NEXT))
			return true;
		i = desc.next;
	}
	device_misuse(&v->d, "makes a chain of more descriptors than its queue has");
	return false;
}

bool virtio_take(struct virtio *v, unsigned queue, struct virtio_chain *c)
{
	struct virtio_queue *q = &v->queue[queue];
	uint16_t idx, ahead;

	memset(c, 0, sizeof *c);
	if (!virtio_lives(v) || !(v->ready >> queue & 1) ||
	    !move(v, DMA_READ | DMA_ORDERED, v->driver[queue] + 2, &idx, 2, "available ring: index"))
		return false;
	ahead = (uint16_t)(idx - q->next_avail);
	if (!ahead)
		return false;
	if (ahead > v->size[queue]) {
		device_misuse(&v->d, "makes %u chains available at a time, of a queue of %u", ahead,
			      v->size[queue]);
		broken(v);
		return false;
	}
	if (!move(v, DMA_READ, v->driver[queue] + 4 + q->next_avail % v->size[queue] * 2u, &c->head, 2,
		  "available ring: entry"))
		return false;
	q->next_avail++;
	if (c->head < VIRTIO_QUEUE_MAX && q->in_flight >> c->head & 1) {
		device_misuse(&v->d, "makes descriptor %u available, which the device has still", c->head);
		broken(v);
		return false;
	}
	if (!chain_read(v, queue, c)) {
		broken(v);
		return false;
	}
	q->in_flight |= 1u << c->head;
	return true;
}

void virtio_used(struct virtio *v, unsigned queue, uint16_t head, uint32_t bytes)
{
	struct virtio_queue *q = &v->queue[queue];
	uint64_t at = v->device[queue] + 4 + q->used % v->size[queue] * 8u;
	uint32_t id = head;
	uint16_t flags;

	if (!move(v, DMA_WRITE, at, &id, 4, "used ring: entry") ||
	    !move(v, DMA_WRITE, at + 4, &bytes, 4, "used ring: length"))
		return;
	q->used++;
	q->in_flight &= ~(1u << head);
	if (!move(v, DMA_WRITE | DMA_ORDERED, v->device[queue] + 2, &q->used, 2, "used ring: index") ||
	    !move(v, DMA_READ | DMA_ORDERED, v->driver[queue], &flags, 2, "available ring: flags"))
		return;
	if (!(flags & AVAIL_NO_INTERRUPT))
		v->isr |= ISR_USED;
	settle(v);
}

static int64_t parts(struct virtio *v, const struct virtio_part *part, unsigned n, uint64_t skip,
		     unsigned how, void *data, size_t bytes)
{
	size_t done = 0;

	for (unsigned i = 0; i < n && done < bytes; i++) {
		uint64_t from = skip < part[i].bytes ? skip : part[i].bytes;
		size_t here = part[i].bytes - from;

		here = here < bytes - done ? here : bytes - done;
		skip -= from;
		if (here && !move(v, how, part[i].at + from, (char *)data + done, here,
				  how == DMA_READ ? "buffer that it reads" : "buffer that it writes"))
			return -1;
		done += here;
	}
	return (int64_t)done;
}

int64_t virtio_read(struct virtio *v, const struct virtio_chain *c, uint64_t at, void *to, size_t bytes)
{
	return parts(v, c->read, c->reads, at, DMA_READ, to, bytes);
}

int64_t virtio_write(struct virtio *v, const struct virtio_chain *c, uint64_t at, const void *from,
		     size_t bytes)
{
	return parts(v, c->write, c->writes, at, DMA_WRITE, (void *)(uintptr_t)from, bytes);
}

/*
 * Requests.
 */

static void accept(struct virtio *v, unsigned queue, struct virtio_work *w)
{
	struct virtio_queue *q = &v->queue[queue];
	uint64_t ns;

	w->taken = true;
	w->queue = queue;
	w->at_ns = now_of(v) + 1 + v->d.host->below(&v->d, v->type->work_ns);
	if (v->d.host->fault(&v->d, DEVICE_SLOW, &ns))
		w->at_ns += ns;
	if (v->type->ordered && w->at_ns <= q->last_ns)
		w->at_ns = q->last_ns + 1;
	q->last_ns = w->at_ns;
	w->failed = v->d.host->fault(&v->d, DEVICE_ERROR, &ns);
	v->stuck |= v->d.host->fault(&v->d, DEVICE_STUCK, &ns);
}

static void look(struct virtio *v)
{
	for (unsigned queue = 0; queue < v->type->queues; queue++) {
		while (v->type->takes(queue)) {
			struct virtio_work *w = v->work;

			while (w < v->work + VIRTIO_WORK && w->taken)
				w++;
			if (w == v->work + VIRTIO_WORK || !virtio_take(v, queue, &w->chain))
				break;
			accept(v, queue, w);
		}
	}
}

void virtio_run(struct device *d)
{
	struct virtio *v = of(d);
	uint64_t now = now_of(v);

	for (struct virtio_work *w = v->work; w < v->work + VIRTIO_WORK && virtio_lives(v); w++) {
		if (!w->taken || w->at_ns > now)
			continue;
		w->taken = false;
		v->type->work(v, w->queue, &w->chain, w->failed);
	}
	/* Also when it was not notified: a device may look whenever it works. */
	v->look_ns = DEVICE_NEVER;
	if (virtio_lives(v))
		look(v);
	settle(v);
}

/*
 * Registers: 4.2.2.
 */

static unsigned queue_selected(struct virtio *v)
{
	return (unsigned)reg(v, VIRTIO_QUEUE_SEL);
}

/* 4.2.2.2: what describes a queue is not written while it is in use. */
static bool queue_open(struct virtio *v)
{
	unsigned queue = queue_selected(v);

	if (queue >= v->type->queues)
		device_misuse(&v->d, "sets up queue %u, which the device does not have", queue);
	else if (v->ready >> queue & 1)
		device_misuse(&v->d, "changes queue %u while it is ready", queue);
	else
		return true;
	return false;
}

static void begin(struct virtio *v)
{
	const struct virtio_type *type = v->type;
	struct device d = v->d;

	memset(v, 0, sizeof *v);
	v->d = d;
	v->type = type;
	v->look_ns = DEVICE_NEVER;
	*device_value(&v->d, VIRTIO_STATUS) = 0;
}

void virtio_begin(struct virtio *v, const struct virtio_type *type)
{
	v->type = type;
	begin(v);
}

uint64_t virtio_features_read(struct device *d, unsigned i)
{
	uint64_t sel = reg(of(d), VIRTIO_DEVICE_FEATURES_SEL);

	(void)i;
	return sel < 2 ? (uint32_t)(of(d)->type->features >> 32 * sel) : 0;
}

void virtio_features_write(struct device *d, unsigned i, uint64_t value)
{
	struct virtio *v = of(d);
	unsigned shift = reg(v, VIRTIO_DRIVER_FEATURES_SEL) ? 32 : 0;

	(void)i;
	if (reg(v, VIRTIO_STATUS) & FEATURES_OK)
		device_misuse(d, "changes features behind FEATURES_OK");
	v->driver_features = (v->driver_features & ~(0xffffffffull << shift)) | value << shift;
}

void virtio_select_write(struct device *d, unsigned i, uint64_t value)
{
	(void)i;
	*device_value(d, VIRTIO_QUEUE_NUM_MAX) = value < of(d)->type->queues ? VIRTIO_QUEUE_MAX : 0;
}

void virtio_size_write(struct device *d, unsigned i, uint64_t value)
{
	struct virtio *v = of(d);

	(void)i;
	if (!queue_open(v))
		return;
	if (value < 1 || value > VIRTIO_QUEUE_MAX || value & (value - 1))
		device_misuse(d, "makes a queue of %llu, not of a power of two up to QueueNumMax",
			      (unsigned long long)value);
	else
		v->size[queue_selected(v)] = (uint32_t)value;
}

uint64_t virtio_ready_read(struct device *d, unsigned i)
{
	unsigned queue = queue_selected(of(d));

	(void)i;
	return queue < of(d)->type->queues && of(d)->ready >> queue & 1;
}

void virtio_ready_write(struct device *d, unsigned i, uint64_t value)
{
	struct virtio *v = of(d);
	unsigned queue = queue_selected(v);

	(void)i;
	if (!(value & 1)) {
		v->ready &= queue < 32 ? ~(1u << queue) : ~0u;
		return;
	}
	if (!queue_open(v))
		return;
	if (!v->size[queue] || v->desc[queue] % 16 || v->driver[queue] % 2 || v->device[queue] % 4)
		device_misuse(d, "makes queue %u ready without a size, or at addresses that are not aligned", queue);
	else
		v->ready |= 1u << queue;
}

void virtio_notify_write(struct device *d, unsigned i, uint64_t value)
{
	struct virtio *v = of(d);
	uint64_t at = now_of(v) + 1 + d->host->below(d, LOOK_NS);

	(void)i;
	if (value >= v->type->queues || !(v->ready >> value & 1))
		device_misuse(d, "notifies of queue %llu, which is not ready", (unsigned long long)value);
	else if (!(reg(v, VIRTIO_STATUS) & DRIVER_OK))
		device_misuse(d, "notifies of queue %llu before DRIVER_OK", (unsigned long long)value);
	else
		v->look_ns = at < v->look_ns ? at : v->look_ns;
	settle(v);
}

uint64_t virtio_isr_read(struct device *d, unsigned i)
{
	(void)i;
	return of(d)->isr;
}

void virtio_ack_write(struct device *d, unsigned i, uint64_t value)
{
	(void)i;
	if (value & ~of(d)->isr & (ISR_USED | ISR_CONFIG))
		device_misuse(d, "acknowledges an interrupt that was not there: %#llx of %#x",
			      (unsigned long long)value, of(d)->isr);
	of(d)->isr &= ~(uint32_t)value;
	settle(of(d));
}

/* 3.1.1: the steps of the driver, one after the other; 2.1.1: none is taken back but by a reset. */
static void status_check(struct virtio *v, uint64_t status)
{
	static const unsigned steps[] = {ACKNOWLEDGE, DRIVER, FEATURES_OK, DRIVER_OK};
	uint64_t before = v->status;

	for (unsigned i = 1; i < sizeof steps / sizeof *steps; i++)
		if (status & steps[i] && !(before & steps[i - 1]))
			device_misuse(&v->d, "writes %#llx to Status, which leaves out a step",
				      (unsigned long long)status);
	if (before & ~status & (ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK))
		device_misuse(&v->d, "writes %#llx to Status, which takes back a step of %#llx",
			      (unsigned long long)status, (unsigned long long)before);
}

void virtio_status_write(struct device *d, unsigned i, uint64_t value)
{
	struct virtio *v = of(d);
	uint64_t *status = device_value(d, VIRTIO_STATUS);

	(void)i;
	if (!value) {
		begin(v);
		settle(v);
		return;
	}
	status_check(v, value);
	/* 2.2.2: the device does not take features that it cannot have. */
	if (value & FEATURES_OK && (v->driver_features & ~v->type->features ||
				    !(v->driver_features & VIRTIO_F_VERSION_1)))
		*status &= ~(uint64_t)FEATURES_OK;
	if (value & DRIVER_OK && !(*status & FEATURES_OK))
		*status &= ~(uint64_t)DRIVER_OK;
	v->status = *status;
	settle(v);
}

static void address_write(struct device *d, uint64_t *addresses, unsigned i, uint64_t value)
{
	uint64_t *at = &addresses[queue_selected(of(d)) % VIRTIO_QUEUES];

	if (queue_open(of(d)))
		*at = (*at & ~(0xffffffffull << 32 * i)) | value << 32 * i;
}

void virtio_desc_write(struct device *d, unsigned i, uint64_t value)
{
	address_write(d, of(d)->desc, i, value);
}

void virtio_driver_write(struct device *d, unsigned i, uint64_t value)
{
	address_write(d, of(d)->driver, i, value);
}

void virtio_device_write(struct device *d, unsigned i, uint64_t value)
{
	address_write(d, of(d)->device, i, value);
}
