/*
 * dma.c: what devices see of memory. A device reaches only what is mapped for it, by addresses that are not
 * the CPU's, and sees it through a copy of its own:
 *
 * - Memory that is mapped for one direction belongs to the device until it is given back. The copy is made
 *   when it is mapped; what the device wrote comes into memory when it is given back. So on a machine
 *   whose caches DMA goes past, or with bounce buffers.
 * - Shared memory: what the device writes is there at once. What a CPU writes is in the copy for certain
 *   from the next fence on that releases, or the next atomic in the same piece of memory that does.
 *   Until then each word that the device reads is the old or the new one, as the device's generator
 *   says, and never the old one again once it was the new one.
 *
 * Races between CPUs and devices, harmful or not, are race.c's matter; this file finds whose memory it is.
 */
#include "sim/asan.h"
#include "sim/devices/device.h"
#include "sim/watch.h"
#include <stdlib.h>
#include <string.h>

#define MAPPINGS 64
#define DEVICE_VIEW 0x4000000000ull /* device addresses lie so much higher than the CPU's */
#define WORD	    8

struct mapping {
	bool live;
	unsigned device, how;
	uintptr_t at;
	size_t bytes;
	uint64_t event; /* when it was mapped, or given back */
	uint8_t *view;
	size_t room;
};

static struct mapping mappings[MAPPINGS];
static unsigned used;		/* those behind were never in use */
static uintptr_t lowest, highest; /* nothing is mapped outside */

void dma_begin(void)
{
	for (unsigned i = 0; i < used; i++) {
		mappings[i].live = false;
		mappings[i].bytes = 0;
	}
	used = 0;
	lowest = UINTPTR_MAX;
	highest = 0;
}

extern const unsigned char __start_kdata[], __stop_kdata[], __start_kbss[], __stop_kbss[];

static bool lies_in(uintptr_t at, size_t bytes, const unsigned char *from, const unsigned char *to)
{
	return at >= (uintptr_t)from && at + bytes <= (uintptr_t)to;
}

/* RAM, which holds the kernel's own memory as well, though the host has it elsewhere. */
static bool is_memory(uintptr_t at, size_t bytes)
{
	return sim_memory_ok(at, bytes) || lies_in(at, bytes, __start_kdata, __stop_kdata) ||
	       lies_in(at, bytes, __start_kbss, __stop_kbss);
}

static bool overlaps(const struct mapping *m, uintptr_t at, size_t bytes)
{
	return at < m->at + m->bytes && m->at < at + bytes;
}

/* One that nobody uses, and of which nobody will ask before of others. */
static struct mapping *unused(void)
{
	struct mapping *oldest = NULL;

	if (used < MAPPINGS)
		return &mappings[used++];
	for (struct mapping *m = mappings; m < mappings + used; m++)
		if (!m->live && (!oldest || m->event < oldest->event))
			oldest = m;
	return oldest;
}

uint64_t sim_dma_map(unsigned device, void *p, size_t bytes, unsigned how)
{
	struct mapping *m;
	uint8_t *view;

	SIM_EVENT(SIM_PC);
	watch_show(SIM_PC);
	if (device >= DEVICES || !(sim.cfg.devices >> device & 1) || !is_memory((uintptr_t)p, bytes))
		return 0;
	m = unused();
	if (!m)
		return 0;
	view = m->room < bytes ? realloc(m->view, bytes) : m->view;
	if (!view)
		sim_stop(EXIT_BROKEN, "no host memory for a device's view");
	*m = (struct mapping){.live = true,
			      .device = device,
			      .how = how,
			      .at = (uintptr_t)p,
			      .bytes = bytes,
			      .event = sim_event_now(),
			      .view = view,
			      .room = m->room < bytes ? bytes : m->room};
	memcpy(view, p, bytes);
	lowest = m->at < lowest ? m->at : lowest;
	highest = m->at + bytes > highest ? m->at + bytes : highest;
	race_join(watch_device(device), watch_agent());
	return m->at + DEVICE_VIEW;
}

void sim_dma_unmap(unsigned device, uint64_t address, size_t bytes)
{
	SIM_EVENT(SIM_PC);
	watch_show(SIM_PC);
	for (struct mapping *m = mappings; m < mappings + used; m++) {
		if (!m->live || m->device != device || m->at + DEVICE_VIEW != address || m->bytes != bytes)
			continue;
		if (m->how & SIM_DMA_FROM_DEVICE) {
			memcpy((void *)m->at, m->view, bytes);
			sim_memory_usable((void *)m->at, bytes);
		}
		m->live = false;
		m->event = sim_event_now();
		race_join(watch_agent(), watch_device(device));
		return;
	}
	if (!(sim.cfg.watch & WATCH_DEVICES) || !report_begin(SIM_PC, 0))
		return;
	report_line("%zu bytes at device address %#llx are given back, which are not mapped", bytes,
		    (unsigned long long)address);
	report_here("call", SIM_PC);
	report_end();
}

/*
 * CPUs.
 */

static bool forbidden(const struct mapping *m, unsigned kind)
{
	return m->live && !(m->how & SIM_DMA_SHARED) &&
	       (kind & ACCESS_WRITE || m->how & SIM_DMA_FROM_DEVICE);
}

void dma_access(uintptr_t at, size_t bytes, unsigned kind, uintptr_t pc)
{
	if (at >= highest || at + bytes <= lowest)
		return;
	for (const struct mapping *m = mappings; m < mappings + used; m++) {
		if (!overlaps(m, at, bytes) || !forbidden(m, kind) || !report_begin(pc, m->event))
			continue;
		report_line(kind & ACCESS_WRITE ? "memory is written that a device owns: %zu bytes at %#llx"
						: "memory is read that a device owns: %zu bytes at %#llx",
			    bytes, (unsigned long long)at);
		report_here(kind & ACCESS_WRITE ? "write" : "read", pc);
		report_later("mapping", m->event);
		devices_cause(m->device);
		report_end();
	}
}

static void publish(const struct mapping *m)
{
	if (m->live && m->how & SIM_DMA_SHARED)
		memcpy(m->view, (const void *)m->at, m->bytes);
}

void dma_released(uintptr_t at)
{
	if (at < lowest || at >= highest)
		return;
	for (const struct mapping *m = mappings; m < mappings + used; m++)
		if (overlaps(m, at, 1))
			publish(m);
}

void dma_fence(void)
{
	for (const struct mapping *m = mappings; m < mappings + used; m++)
		publish(m);
}

/*
 * Devices.
 */

static void refused(const char *name, bool write, uint64_t at, size_t bytes,
		    const char *what, const struct mapping *last)
{
	if (!(sim.cfg.watch & WATCH_DEVICES) || !report_begin((uintptr_t)what, last ? last->event : 0))
		return;
	report_line("%s %s %zu bytes at device address %#llx, where %s", name, write ? "writes" : "reads", bytes,
		    (unsigned long long)at,
		    !last	? "nothing was ever mapped for it"
		    : last->live ? "its mapping does not let it, or ends"
				 : "nothing is mapped for it any more");
	report_here(write ? "write" : "read", (uintptr_t)what);
	if (last)
		report_later(last->live ? "mapping" : "giving back", last->event);
	report_end();
}

/* The mapping that an access of a device goes to; NULL: none lets it. *@p last: the one that did or
 * should, for the report. */
static struct mapping *mapping_at(unsigned device, bool write, uintptr_t at, size_t bytes,
				  const struct mapping **last)
{
	unsigned wants = SIM_DMA_SHARED | (write ? SIM_DMA_FROM_DEVICE : SIM_DMA_TO_DEVICE);

	*last = NULL;
	for (struct mapping *m = mappings; m < mappings + used; m++) {
		if (m->device != device || !overlaps(m, at, bytes))
			continue;
		if (m->live && m->how & wants && at >= m->at && at + bytes <= m->at + m->bytes)
			return m;
		if (!*last || m->live > (*last)->live ||
		    (m->live == (*last)->live && m->event > (*last)->event))
			*last = m;
	}
	return NULL;
}

static void read_shared(const struct mapping *m, uintptr_t at, size_t bytes, unsigned device,
			bool (*coin)(unsigned device))
{
	size_t n;

	for (size_t i = 0; i < bytes; i += n) {
		uint8_t *old = m->view + (at + i - m->at);

		n = WORD - (at + i) % WORD;
		n = n < bytes - i ? n : bytes - i;
		/* Under AddressSanitizer no hook tells of a fence, so all is there at once. */
		if (memcmp(old, (const void *)(at + i), n) != 0 && (SIM_ASAN || coin(device)))
			memcpy(old, (const void *)(at + i), n);
	}
}

static void watched(const struct mapping *m, uintptr_t at, size_t bytes, unsigned how, const char *what)
{
	unsigned kind = (how & DMA_WRITE ? ACCESS_WRITE : ACCESS_READ) |
			(how & DMA_ORDERED ? ACCESS_MARKED : 0);

	if (sim.cfg.watch & WATCH_RACES && m->how & SIM_DMA_SHARED)
		race_access(at, (unsigned)bytes, kind, (uintptr_t)what);
	if (sim.cfg.watch & WATCH_MEMORY)
		heap_access(at, bytes, kind | (m->how & SIM_DMA_SHARED ? 0 : ACCESS_COPY), (uintptr_t)what);
	if (how & DMA_ORDERED && sim.cfg.watch & WATCH_RACES)
		race_atomic(at, how & DMA_WRITE ? OP_STORE : OP_LOAD,
			    how & DMA_WRITE ? __ATOMIC_RELEASE : __ATOMIC_ACQUIRE);
}

bool dma_move(unsigned device, const char *name, unsigned how, uint64_t address, void *data, size_t bytes,
	      const char *what, bool (*coin)(unsigned device))
{
	uintptr_t at = address - DEVICE_VIEW;
	bool write = how & DMA_WRITE;
	const struct mapping *last;
	struct mapping *m = mapping_at(device, write, at, bytes, &last);

	if (!m) {
		refused(name, write, address, bytes, what, last);
		return false;
	}
	watched(m, at, bytes, how, what);
	if (write) {
		memcpy(m->view + (at - m->at), data, bytes);
		if (m->how & SIM_DMA_SHARED)
			memcpy((void *)at, data, bytes);
		return true;
	}
	if (m->how & SIM_DMA_SHARED)
		read_shared(m, at, bytes, device, coin);
	memcpy(data, m->view + (at - m->at), bytes);
	return true;
}
