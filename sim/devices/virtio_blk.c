/*
 * virtio_blk.c: see virtio_blk.h.
 */
#include "sim/devices/virtio_blk.h"
#include <string.h>

/* 5.2.3 and 5.2.6. */
#define F_FLUSH (1ull << 9)
enum { IN = 0, OUT = 1, FLUSH = 4, GET_ID = 8 };
enum { OK = 0, IOERR = 1, UNSUPP = 2 };

#define HEADER_BYTES 16
#define ID_BYTES     20
#define WORK_NS	     100000

struct blk {
	struct virtio v;
	uint8_t disk[VIRTIO_BLK_SECTORS][VIRTIO_BLK_SECTOR_BYTES];
};

struct header {
	uint32_t type, reserved;
	uint64_t sector;
};

static uint64_t bytes_of(const struct virtio_part *part, unsigned n)
{
	uint64_t bytes = 0;

	for (unsigned i = 0; i < n; i++)
		bytes += part[i].bytes;
	return bytes;
}

/* Reads or writes sectors; *written: into memory. */
static int transfer(struct blk *b, const struct virtio_chain *c, const struct header *h, uint32_t *written)
{
	bool in = h->type == IN;
	uint64_t bytes = in ? bytes_of(c->write, c->writes) - 1 : bytes_of(c->read, c->reads) - HEADER_BYTES;
	uint8_t *sectors = b->disk[h->sector];
	int64_t moved;

	if (bytes % VIRTIO_BLK_SECTOR_BYTES) {
		device_misuse(&b->v.d, "asks for %llu bytes, which are no sectors", (unsigned long long)bytes);
		return IOERR;
	}
	if (h->sector >= VIRTIO_BLK_SECTORS ||
	    bytes / VIRTIO_BLK_SECTOR_BYTES > VIRTIO_BLK_SECTORS - h->sector)
		return IOERR;
	moved = in ? virtio_write(&b->v, c, 0, sectors, bytes)
		   : virtio_read(&b->v, c, HEADER_BYTES, sectors, bytes);
	*written = in && moved > 0 ? (uint32_t)moved : 0;
	return moved < 0 ? -1 : OK;
}

static int get_id(struct blk *b, const struct virtio_chain *c, uint32_t *written)
{
	static const char id[ID_BYTES] = "fermata-sim";
	int64_t moved = virtio_write(&b->v, c, 0, id, ID_BYTES);

	*written = moved > 0 ? (uint32_t)moved : 0;
	return moved < 0 ? -1 : OK;
}

static void work(struct virtio *v, unsigned queue, const struct virtio_chain *c, bool failed)
{
	struct blk *b = (struct blk *)v;
	uint64_t room = bytes_of(c->write, c->writes);
	uint32_t written = 0;
	struct header h;
	uint8_t status;
	int done;

	if (room < 1 || bytes_of(c->read, c->reads) < HEADER_BYTES) {
		device_misuse(&v->d, "makes a request without a header, or without room for its status");
		virtio_used(v, queue, c->head, 0);
		return;
	}
	if (virtio_read(v, c, 0, &h, HEADER_BYTES) < 0)
		return;
	if (failed)
		done = IOERR;
	else if (h.type == IN || h.type == OUT)
		done = transfer(b, c, &h, &written);
	else if (h.type == GET_ID)
		done = get_id(b, c, &written);
	else
		done = h.type == FLUSH && v->driver_features & F_FLUSH ? OK : UNSUPP;
	status = (uint8_t)done;
	if (done >= 0 && virtio_write(v, c, room - 1, &status, 1) == 1)
		virtio_used(v, queue, c->head, written + 1);
}

static bool takes(unsigned queue)
{
	(void)queue;
	return true;
}

static const struct virtio_type type = {
	.id = 2,
	.features = VIRTIO_F_VERSION_1 | F_FLUSH,
	.queues = 1,
	.work_ns = WORK_NS,
	.takes = takes,
	.work = work,
};

/* 5.2.4: each field as wide as it is. */
static const struct reg regs[] = {
	VIRTIO_REGS(2),
	{"capacity", VIRTIO_CONFIG, 8, REG_R | REG_PARTS, .least = 4, .reset = VIRTIO_BLK_SECTORS},
	{"size_max", VIRTIO_CONFIG + 8, 4, .access = REG_R},
	{"seg_max", VIRTIO_CONFIG + 12, 4, .access = REG_R},
	{"geometry.cylinders", VIRTIO_CONFIG + 16, 2, .access = REG_R},
	{"geometry.heads", VIRTIO_CONFIG + 18, 1, .access = REG_R},
	{"geometry.sectors", VIRTIO_CONFIG + 19, 1, .access = REG_R},
	{"blk_size", VIRTIO_CONFIG + 20, 4, REG_R, .reset = VIRTIO_BLK_SECTOR_BYTES},
};

static void reset(struct device *d)
{
	struct blk *b = (struct blk *)d;

	virtio_begin(&b->v, &type);
	for (unsigned s = 0; s < VIRTIO_BLK_SECTORS; s++)
		memset(b->disk[s], (int)s, VIRTIO_BLK_SECTOR_BYTES);
}

const struct device_class virtio_blk_class = {
	.name = "virtio-blk",
	.regs = regs,
	.reg_count = sizeof regs / sizeof *regs,
	.window_bytes = 0x200,
	.bytes = sizeof(struct blk),
	.reset = reset,
	.run = virtio_run,
};
