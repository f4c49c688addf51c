/*
 * virtio.h: what the models of virtio devices share: registers over MMIO, negotiation, split rings ("Virtual
 * I/O Device (VIRTIO) Version 1.2", 2, 4.2 and 2.7). A request that was taken from a ring is done after a time
 * that the device's generator draws, so requests come back in another order than they were made in,
 * unless the type says otherwise. Not here: legacy devices, indirect descriptors, event indices, packed rings,
 * shared memory.
 *
 * What the driver must not do is told; what leaves the device without a way on breaks it, as 2.1.2 has it:
 * DEVICE_NEEDS_RESET.
 */
#pragma once

#include "sim/devices/device.h"

#define VIRTIO_QUEUES	 2
#define VIRTIO_QUEUE_MAX 16 /* descriptors of a queue, at most */
#define VIRTIO_WORK	 (VIRTIO_QUEUES * VIRTIO_QUEUE_MAX)

#define VIRTIO_F_VERSION_1 (1ull << 32)

struct virtio_part {
	uint64_t at;
	uint32_t bytes;
};

/* A chain of descriptors: what the device may read, and behind that what it may write. */
struct virtio_chain {
	uint16_t head;
	unsigned reads, writes;
	struct virtio_part read[VIRTIO_QUEUE_MAX], write[VIRTIO_QUEUE_MAX];
};

struct virtio;

struct virtio_type {
	uint32_t id;
	uint64_t features; /* that it offers, with VIRTIO_F_VERSION_1 */
	unsigned queues;
	bool ordered;	  /* requests of a queue are done one after the other */
	uint64_t work_ns; /* that a request takes at most */
	/** Whether @p queue is worked off by itself; else the type takes chains when it needs them. */
	bool (*takes)(unsigned queue);
	/** Does a request; @p failed: so that it fails. The type calls virtio_used. */
	void (*work)(struct virtio *v, unsigned queue, const struct virtio_chain *c, bool failed);
};

struct virtio_queue {
	uint16_t next_avail, used;
	uint32_t in_flight; /* bit n: the device has the chain of descriptor n */
	uint64_t last_ns;   /* when the last request of it will be done */
};

struct virtio {
	struct device d;
	const struct virtio_type *type;
	struct virtio_queue queue[VIRTIO_QUEUES];
	uint32_t ready, size[VIRTIO_QUEUES];
	uint64_t desc[VIRTIO_QUEUES], driver[VIRTIO_QUEUES], device[VIRTIO_QUEUES]; /* 2.7's three parts */
	uint64_t driver_features;
	uint64_t status; /* before the write that is being looked at */
	uint32_t isr;
	uint64_t look_ns; /* when the rings are looked at */
	bool stuck;
	struct virtio_work {
		uint64_t at_ns;
		unsigned queue;
		bool taken, failed;
		struct virtio_chain chain;
	} work[VIRTIO_WORK];
};

/** For the type's reset: which type it is. */
void virtio_begin(struct virtio *v, const struct virtio_type *type);

/** Takes the next chain of @p queue; false: there is none, or the device broke. */
bool virtio_take(struct virtio *v, unsigned queue, struct virtio_chain *c);

/** Gives a chain back, with @p bytes written. */
void virtio_used(struct virtio *v, unsigned queue, uint16_t head, uint32_t bytes);

/** Moves @p bytes, at most, from or to the parts of a chain, from byte @p at of these on; how many there
 *  were. -1: the IOMMU refused, and the device broke. */
int64_t virtio_read(struct virtio *v, const struct virtio_chain *c, uint64_t at, void *to, size_t bytes);
int64_t virtio_write(struct virtio *v, const struct virtio_chain *c, uint64_t at, const void *from,
		     size_t bytes);

/** Whether the driver may use the device: DRIVER_OK is set, and it is not broken. */
bool virtio_lives(struct virtio *v);

void virtio_run(struct device *d);

/* Hooks of the registers below. */
uint64_t virtio_features_read(struct device *d, unsigned i);
void virtio_features_write(struct device *d, unsigned i, uint64_t value);
void virtio_select_write(struct device *d, unsigned i, uint64_t value);
void virtio_size_write(struct device *d, unsigned i, uint64_t value);
uint64_t virtio_ready_read(struct device *d, unsigned i);
void virtio_ready_write(struct device *d, unsigned i, uint64_t value);
void virtio_notify_write(struct device *d, unsigned i, uint64_t value);
uint64_t virtio_isr_read(struct device *d, unsigned i);
void virtio_ack_write(struct device *d, unsigned i, uint64_t value);
void virtio_status_write(struct device *d, unsigned i, uint64_t value);
void virtio_desc_write(struct device *d, unsigned i, uint64_t value);
void virtio_driver_write(struct device *d, unsigned i, uint64_t value);
void virtio_device_write(struct device *d, unsigned i, uint64_t value);

/* Offsets: table 4.1. */
enum {
	VIRTIO_MAGIC = 0x000,
	VIRTIO_VERSION = 0x004,
	VIRTIO_DEVICE_ID = 0x008,
	VIRTIO_VENDOR_ID = 0x00c,
	VIRTIO_DEVICE_FEATURES = 0x010,
	VIRTIO_DEVICE_FEATURES_SEL = 0x014,
	VIRTIO_DRIVER_FEATURES = 0x020,
	VIRTIO_DRIVER_FEATURES_SEL = 0x024,
	VIRTIO_QUEUE_SEL = 0x030,
	VIRTIO_QUEUE_NUM_MAX = 0x034,
	VIRTIO_QUEUE_NUM = 0x038,
	VIRTIO_QUEUE_READY = 0x044,
	VIRTIO_QUEUE_NOTIFY = 0x050,
	VIRTIO_INTERRUPT_STATUS = 0x060,
	VIRTIO_INTERRUPT_ACK = 0x064,
	VIRTIO_STATUS = 0x070,
	VIRTIO_QUEUE_DESC = 0x080,
	VIRTIO_QUEUE_DRIVER = 0x090,
	VIRTIO_QUEUE_DEVICE = 0x0a0,
	VIRTIO_CONFIG_GENERATION = 0x0fc,
	VIRTIO_CONFIG = 0x100,
};

/* The registers that all have; those of the configuration follow in the type's table. All are 32 bits wide. */
#define VIRTIO_REGS(id)                                                                                \
	{"MagicValue", VIRTIO_MAGIC, 4, REG_R, .reset = 0x74726976},                                   \
	{"Version", VIRTIO_VERSION, 4, REG_R, .reset = 2},                                             \
	{"DeviceID", VIRTIO_DEVICE_ID, 4, REG_R, .reset = id},                                         \
	{"VendorID", VIRTIO_VENDOR_ID, 4, REG_R, .reset = 0x464d5246},                                 \
	{"DeviceFeatures", VIRTIO_DEVICE_FEATURES, 4, REG_R, .read = virtio_features_read},            \
	{"DeviceFeaturesSel", VIRTIO_DEVICE_FEATURES_SEL, 4, .access = REG_W},                                   \
	{"DriverFeatures", VIRTIO_DRIVER_FEATURES, 4, REG_W, .write = virtio_features_write},          \
	{"DriverFeaturesSel", VIRTIO_DRIVER_FEATURES_SEL, 4, .access = REG_W},                                   \
	{"QueueSel", VIRTIO_QUEUE_SEL, 4, REG_W, .write = virtio_select_write},                        \
	{"QueueNumMax", VIRTIO_QUEUE_NUM_MAX, 4, REG_R, .reset = VIRTIO_QUEUE_MAX},                    \
	{"QueueNum", VIRTIO_QUEUE_NUM, 4, REG_W, .write = virtio_size_write},                          \
	{"QueueReady", VIRTIO_QUEUE_READY, 4, REG_RW, .reserved = ~1u, .read = virtio_ready_read,      \
	 .write = virtio_ready_write},                                                                 \
	{"QueueNotify", VIRTIO_QUEUE_NOTIFY, 4, REG_W, .write = virtio_notify_write},                  \
	{"InterruptStatus", VIRTIO_INTERRUPT_STATUS, 4, REG_R, .read = virtio_isr_read},               \
	{"InterruptACK", VIRTIO_INTERRUPT_ACK, 4, REG_W, .reserved = ~3u, .write = virtio_ack_write},  \
	{"Status", VIRTIO_STATUS, 4, REG_RW, .reserved = ~0xcfu, .constant = 0x40,                     \
	 .write = virtio_status_write},                                                                \
	{"QueueDesc", VIRTIO_QUEUE_DESC, 4, REG_W, .count = 2, .write = virtio_desc_write},            \
	{"QueueDriver", VIRTIO_QUEUE_DRIVER, 4, REG_W, .count = 2, .write = virtio_driver_write},      \
	{"QueueDevice", VIRTIO_QUEUE_DEVICE, 4, REG_W, .count = 2, .write = virtio_device_write},      \
	{"ConfigGeneration", VIRTIO_CONFIG_GENERATION, 4, .access = REG_R}
