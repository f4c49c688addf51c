/*
 * vdriver.h: a small driver for virtio devices over MMIO (VIRTIO 1.2, 4.2 and 2.7), for tests of the
 * simulator's devices: negotiation, split rings, notification, interrupt, completion, time limit, reset. What
 * it may be told to do wrong stands in `mistakes`.
 *
 * The rings are one page for each queue, which CPU and device share; buffers are mapped for one
 * request. One lock for each device; the handler and tasks take it. Registers are written with it held, so
 * that the fence before them is one of the same CPU.
 */
#pragma once

#include "arch/arch.h"
#include "async/event.h"
#include "async/select.h"
#include "base/panic.h"
#include "base/string.h"
#include "core/irq.h"
#include "mm/page.h"
#include "sim/devices/map.h"
#include "sync/spin.h"

#define VQUEUES	     2
#define VQUEUE_SIZE  8u
#define VQUEUE_AVAIL 0x400u /* offsets in a queue's page */
#define VQUEUE_USED  0x800u
#define VPARTS_MAX   3

/* What goes wrong. */
enum mistake {
	NO_BARRIER = 1 << 0,	    /* nothing orders a chain before the index that shows it */
	NO_FENCE = 1 << 1,	    /* nor the index before the notification */
	TAKEN_RELAXED = 1 << 2,	    /* nor the used ring's index before its entries */
	NO_ACKNOWLEDGE = 1 << 3,    /* the interrupt goes on */
	CPU_ADDRESS = 1 << 4,	    /* the device is given the CPU's address */
	FREED_TWICE = 1 << 5,	    /* a descriptor is given out that the device has still */
	NO_FEATURES_OK = 1 << 6,    /* a step is left out */
	NO_RESET = 1 << 7,	    /* behind a time limit the device is left as it is */
	ALL_FEATURES = 1 << 8,	    /* reserved bits of a register are written */
	BYTE_STATUS = 1 << 9,	    /* a register is read by the byte */
	LONG_CHAIN = 1 << 10,	    /* a chain that goes round */
	WRITE_BEFORE_READ = 1 << 11, /* a chain in the wrong order */
	EARLY_NOTIFY = 1 << 12,	    /* a notification before DRIVER_OK */
	RESET_UNORDERED = 1 << 13,  /* nothing orders a reset before the rings are made anew */
};
static unsigned mistakes;

enum {
	V_MAGIC = 0x000,
	V_VERSION = 0x004,
	V_DEVICE_ID = 0x008,
	V_DEVICE_FEATURES = 0x010,
	V_DEVICE_FEATURES_SEL = 0x014,
	V_DRIVER_FEATURES = 0x020,
	V_DRIVER_FEATURES_SEL = 0x024,
	V_QUEUE_SEL = 0x030,
	V_QUEUE_NUM_MAX = 0x034,
	V_QUEUE_NUM = 0x038,
	V_QUEUE_READY = 0x044,
	V_QUEUE_NOTIFY = 0x050,
	V_INTERRUPT_STATUS = 0x060,
	V_INTERRUPT_ACK = 0x064,
	V_STATUS = 0x070,
	V_QUEUE_DESC = 0x080,
	V_QUEUE_DRIVER = 0x090,
	V_QUEUE_DEVICE = 0x0a0,
	V_CONFIG = 0x100,
};
enum { V_ACKNOWLEDGE = 1, V_DRIVER = 2, V_DRIVER_OK = 4, V_FEATURES_OK = 8, V_NEEDS_RESET = 64 };
enum { V_DESC_NEXT = 1, V_DESC_WRITE = 2 };
enum { V_VERSION_1_WORD = 1 }; /* of the feature's second word, bit 32 of all */

struct vdesc {
	u64 addr;
	u32 len;
	u16 flags, next;
};

struct vavail {
	u16 flags;
	_Atomic u16 idx;
	u16 ring[VQUEUE_SIZE];
};

struct vused {
	u16 flags;
	_Atomic u16 idx;
	struct {
		u32 id, len;
	} ring[VQUEUE_SIZE];
};

/* A buffer, by its device address. */
struct vpart {
	u64 at;
	u32 bytes;
};

/* What is told when a chain comes back. */
struct vtoken {
	void (*done)(struct vtoken *t, u32 bytes);
};

struct vqueue {
	struct vdesc *desc;
	struct vavail *avail;
	struct vused *used;
	u64 dma;
	u16 free_head, free_count, shown, seen;
	struct vtoken *tokens[VQUEUE_SIZE];
};

struct vdevice {
	struct spin lock;
	unsigned device, queues;
	struct vqueue queue[VQUEUES];
	u64 completions; /* under the lock */
	bool listens;
};

static inline uptr vreg(const struct vdevice *v, unsigned offset)
{
	return DEVICE_BASE(v->device) + offset;
}

static void vqueue_forget(struct vqueue *q)
{
	memset(q->desc, 0, PAGE_BYTES);
	q->free_head = q->shown = q->seen = 0;
	q->free_count = VQUEUE_SIZE;
	for (unsigned i = 0; i < VQUEUE_SIZE; i++) {
		q->desc[i].next = (u16)(i + 1);
		q->tokens[i] = NULL;
	}
}

/* The ring's page is mapped once and for all. */
static void vqueue_memory(struct vdevice *v, struct vqueue *q)
{
	char *page = page_alloc(0);

	if (!page)
		panic("no memory for a ring");
	memset(page, 0, PAGE_BYTES);
	q->desc = (struct vdesc *)page;
	q->avail = (struct vavail *)(page + VQUEUE_AVAIL);
	q->used = (struct vused *)(page + VQUEUE_USED);
	q->dma = sim_dma_map(v->device, page, PAGE_BYTES, SIM_DMA_SHARED);
	if (!q->dma)
		panic("a ring cannot be mapped");
}

static void vqueue_address(struct vdevice *v, unsigned offset, u64 at)
{
	mmio_write32(vreg(v, offset), (u32)at);
	mmio_write32(vreg(v, offset + 4), (u32)(at >> 32));
}

static void vqueue_start(struct vdevice *v, unsigned n)
{
	struct vqueue *q = &v->queue[n];

	mmio_write32(vreg(v, V_QUEUE_SEL), n);
	if (mmio_read32(vreg(v, V_QUEUE_READY)) || mmio_read32(vreg(v, V_QUEUE_NUM_MAX)) < VQUEUE_SIZE)
		panic("queue %u cannot be used", n);
	if (!q->desc)
		vqueue_memory(v, q);
	vqueue_forget(q);
	mmio_write32(vreg(v, V_QUEUE_NUM), VQUEUE_SIZE);
	vqueue_address(v, V_QUEUE_DESC, q->dma);
	vqueue_address(v, V_QUEUE_DRIVER, q->dma + VQUEUE_AVAIL);
	vqueue_address(v, V_QUEUE_DEVICE, q->dma + VQUEUE_USED);
	mmio_barrier();
	mmio_write32(vreg(v, V_QUEUE_READY), 1);
}

static u32 vfeatures(struct vdevice *v, u32 word, u32 wanted)
{
	u32 offered;

	mmio_write32(vreg(v, V_DEVICE_FEATURES_SEL), word);
	offered = mmio_read32(vreg(v, V_DEVICE_FEATURES));
	mmio_write32(vreg(v, V_DRIVER_FEATURES_SEL), word);
	mmio_write32(vreg(v, V_DRIVER_FEATURES), offered & wanted);
	return offered & wanted;
}

/* 3.1.1. Errors: ERR_NODEV, ERR_NOTSUP. */
static int vdevice_negotiate(struct vdevice *v, u32 id, u32 wanted)
{
	u32 status = V_ACKNOWLEDGE | V_DRIVER, is;

	if (mmio_read32(vreg(v, V_MAGIC)) != 0x74726976 || mmio_read32(vreg(v, V_VERSION)) != 2 ||
	    mmio_read32(vreg(v, V_DEVICE_ID)) != id)
		return ERR_NODEV;
	mmio_write32(vreg(v, V_STATUS), 0);
	is = mistakes & BYTE_STATUS ? mmio_read8(vreg(v, V_STATUS)) : mmio_read32(vreg(v, V_STATUS));
	if (is)
		return ERR_NODEV;
	/* The device has ended what it did with the rings, before they are made anew. */
	if (!(mistakes & RESET_UNORDERED))
		mmio_barrier();
	mmio_write32(vreg(v, V_STATUS), V_ACKNOWLEDGE);
	mmio_write32(vreg(v, V_STATUS), status);
	vfeatures(v, 0, wanted);
	if (!vfeatures(v, 1, V_VERSION_1_WORD))
		return ERR_NOTSUP;
	if (mistakes & NO_FEATURES_OK)
		return 0;
	mmio_write32(vreg(v, V_STATUS), status | V_FEATURES_OK | (mistakes & ALL_FEATURES ? 1 << 16 : 0));
	return mmio_read32(vreg(v, V_STATUS)) & V_FEATURES_OK ? 0 : ERR_NOTSUP;
}

/* A chain that came back, or NULL. */
static struct vtoken *vqueue_take(struct vqueue *q, u32 *bytes)
{
	/* acquire: pairs with the device's writing the index behind the entry */
	u16 idx = mistakes & TAKEN_RELAXED ? atomic_load_explicit(&q->used->idx, memory_order_relaxed)
					   : atomic_load_explicit(&q->used->idx, memory_order_acquire);
	struct vtoken *t;
	u16 head, last;

	if (q->seen == idx)
		return NULL;
	head = (u16)q->used->ring[q->seen % VQUEUE_SIZE].id;
	*bytes = q->used->ring[q->seen % VQUEUE_SIZE].len;
	q->seen++;
	t = q->tokens[head];
	q->tokens[head] = NULL;
	q->free_count++;
	for (last = head; q->desc[last].flags & V_DESC_NEXT; last = q->desc[last].next)
		q->free_count++;
	q->desc[last].next = q->free_head;
	q->free_head = head;
	return t;
}

/* Tells of what came back to queue @p n. */
static void vqueue_complete(struct vdevice *v, unsigned n)
{
	struct vtoken *t;
	u32 bytes;

	do {
		bool irqs = spin_lock(&v->lock);

		t = vqueue_take(&v->queue[n], &bytes);
		v->completions += t != NULL;
		spin_unlock(&v->lock, irqs);
		if (t)
			t->done(t, bytes);
	} while (t);
}

static void vdevice_interrupt(void *arg)
{
	struct vdevice *v = arg;
	u32 status = mmio_read32(vreg(v, V_INTERRUPT_STATUS));

	if (!status)
		return;
	if (!(mistakes & NO_ACKNOWLEDGE))
		mmio_write32(vreg(v, V_INTERRUPT_ACK), status);
	for (unsigned n = 0; n < v->queues; n++)
		vqueue_complete(v, n);
}

/* Brings the device up; also again, which ends all that it was doing. Errors: as vdevice_negotiate. */
static int vdevice_start(struct vdevice *v, unsigned device, u32 id, unsigned queues, u32 wanted)
{
	bool irqs;
	int err;

	irqs = spin_lock(&v->lock);
	if (!v->listens) {
		v->device = device;
		v->queues = queues;
	}
	err = vdevice_negotiate(v, id, wanted);
	for (unsigned n = 0; n < queues && !err; n++)
		vqueue_start(v, n);
	if (mistakes & EARLY_NOTIFY)
		mmio_write32(vreg(v, V_QUEUE_NOTIFY), 0);
	mmio_write32(vreg(v, V_STATUS), V_ACKNOWLEDGE | V_DRIVER | V_DRIVER_OK |
						(mistakes & NO_FEATURES_OK ? 0 : V_FEATURES_OK));
	spin_unlock(&v->lock, irqs);
	if (!err && !v->listens)
		err = irq_register(DEVICE_IRQ(device), "virtio", vdevice_interrupt, v);
	v->listens = true;
	return err;
}

static void vdesc_set(struct vdesc *d, struct vpart part, u16 flags)
{
	d->addr = part.at;
	d->len = part.bytes;
	d->flags = flags;
}

/* Shows a chain to the device: 2.7.13. */
static void vqueue_show(struct vdevice *v, unsigned n, u16 head)
{
	struct vqueue *q = &v->queue[n];

	q->avail->ring[q->shown++ % VQUEUE_SIZE] = head;
	/* release: the device reads the index first, and the rest behind it */
	if (mistakes & NO_BARRIER)
		atomic_store_explicit(&q->avail->idx, q->shown, memory_order_relaxed);
	else
		atomic_store_explicit(&q->avail->idx, q->shown, memory_order_release);
	if (!(mistakes & (NO_BARRIER | NO_FENCE)))
		mmio_barrier();
	mmio_write32(vreg(v, V_QUEUE_NOTIFY), n);
}

/* Gives the device @p reads parts to read and behind these @p writes to write. Errors: ERR_AGAIN. */
static int vqueue_add(struct vdevice *v, unsigned n, const struct vpart *part, unsigned reads,
		      unsigned writes, struct vtoken *t)
{
	struct vqueue *q = &v->queue[n];
	bool irqs = spin_lock(&v->lock);
	u16 head = q->free_head, i = head;

	if (q->free_count < reads + writes) {
		spin_unlock(&v->lock, irqs);
		return ERR_AGAIN;
	}
	for (unsigned k = 0; k < reads + writes; k++, i = q->desc[i].next) {
		bool last = k + 1 == reads + writes;
		bool out = mistakes & WRITE_BEFORE_READ ? k >= writes : k < reads;

		vdesc_set(&q->desc[i], part[k], (u16)((last ? 0 : V_DESC_NEXT) | (out ? 0 : V_DESC_WRITE)));
		if (last && mistakes & LONG_CHAIN) {
			q->desc[i].flags |= V_DESC_NEXT;
			q->desc[i].next = i;
		}
	}
	q->tokens[head] = t;
	if (!(mistakes & FREED_TWICE)) {
		q->free_head = i;
		q->free_count = (u16)(q->free_count - reads - writes);
	}
	vqueue_show(v, n, head);
	spin_unlock(&v->lock, irqs);
	return 0;
}

/*
 * A disk: 5.2.6.
 */

enum { VBLK_IN = 0, VBLK_OUT = 1, VBLK_FLUSH = 4, VBLK_GET_ID = 8 };
enum { VBLK_FEATURE_FLUSH = 1 << 9 };
enum { VBLK_SECTOR_BYTES = 512, VBLK_ID_BYTES = 20, VBLK_SECTORS = 64 };

#define VBLK_LIMIT_NS MS(2)

struct vblk_header {
	u32 type, reserved;
	u64 sector;
};

/* Frame of vblk_io: one request. The caller sets what stands above `async`'s successor `at`. */
struct vblk_io {
	struct async async;
	struct vdevice *v;
	u32 type, bytes;
	u64 sector;
	void *data; /* NULL: none */
	/* Its own. */
	struct vblk_header header;
	u8 status;
	struct vpart part[VPARTS_MAX];
	unsigned reads, writes;
	struct vtoken token;
	struct event done;
	struct wait wait;
	struct timeout limit;
};

static void vblk_done(struct vtoken *t, u32 bytes)
{
	(void)bytes;
	event_set(&CONTAINER_OF(t, struct vblk_io, token)->done);
}

static struct vpart vmap(struct vblk_io *io, void *p, u32 bytes, unsigned how)
{
	u64 at = sim_dma_map(io->v->device, p, bytes, how);

	if (!at)
		panic("a buffer cannot be mapped");
	return (struct vpart){mistakes & CPU_ADDRESS ? (uptr)p : at, bytes};
}

static void vblk_map(struct vblk_io *io)
{
	unsigned n = 0;

	io->header = (struct vblk_header){.type = io->type, .sector = io->sector};
	io->status = 0xff;
	io->reads = io->writes = 1;
	io->part[n++] = vmap(io, &io->header, sizeof io->header, SIM_DMA_TO_DEVICE);
	if (io->data) {
		bool out = io->type == VBLK_OUT;

		io->part[n++] = vmap(io, io->data, io->bytes, out ? SIM_DMA_TO_DEVICE : SIM_DMA_FROM_DEVICE);
		io->reads += out;
		io->writes += !out;
	}
	io->part[n] = vmap(io, &io->status, 1, SIM_DMA_FROM_DEVICE);
}

static void vblk_unmap(struct vblk_io *io)
{
	for (unsigned n = 0; n < io->reads + io->writes; n++)
		sim_dma_unmap(io->v->device, io->part[n].at, io->part[n].bytes);
}

static int vblk_restart(struct vdevice *v)
{
	return vdevice_start(v, DEVICE_VIRTIO_BLK, 2, 1, VBLK_FEATURE_FLUSH);
}

/* One request. Status: ERR_TIMEOUT (it took more than VBLK_LIMIT_NS, and the device was reset), ERR_AGAIN,
 * ERR_INVAL (the disk says so). */
static enum poll vblk_io(void *frame)
{
	struct vblk_io *me = frame;
	int err;

	ASYNC_BEGIN(me);
	event_init(&me->done);
	me->token.done = vblk_done;
	memset(&me->limit, 0, sizeof me->limit);
	vblk_map(me);
	err = vqueue_add(me->v, 0, me->part, me->reads, me->writes, &me->token);
	if (err) {
		vblk_unmap(me);
		ASYNC_RETURN(me, err);
	}
	AWAIT(me, timeout_after(&me->limit, event_wait(&me->wait, &me->done), VBLK_LIMIT_NS));
	err = timeout_status(&me->limit);
	if (err && !(mistakes & NO_RESET) && vblk_restart(me->v))
		panic("the disk does not come back");
	vblk_unmap(me);
	ASYNC_RETURN(me, err ? err : me->status ? ERR_INVAL : 0);
	ASYNC_END(me);
}
