/*
 * watch.h: checkers that see each access of the kernel: --watch. With it, every hook of one takes the slow
 * path (always.c, or sim.bias); the execution is the same, event for event.
 *
 * What runs is one of two agents for each CPU: its tasks and all else that can be interrupted, and
 * its interrupt handlers with what they switch to.
 */
#pragma once

#include "sim/sim.h"

enum access {
	ACCESS_READ,
	ACCESS_WRITE = 1,
	ACCESS_MARKED = 2, /* atomic or volatile */
	ACCESS_COPY = 4,   /* of memcpy, which uses nothing itself */
};
enum atomic_op { OP_LOAD, OP_STORE, OP_RMW };

/* What --watch looks for. */
enum {
	WATCH_RACES = 1,
	WATCH_LOCKS = 2,
	WATCH_MEMORY = 4,
	WATCH_DEVICES = 8, /* what drivers do with registers and with memory that devices reach */
	WATCH_ALL = 15,
	WATCH_VIEW = 16, /* always when there are devices, whose view of memory dma.c keeps; finds nothing itself */
};

#define AGENTS_MAX (2 * SIM_CPUS_MAX + DEVICES)

/* A vector clock: what is known of each agent. The stamp is the agent that released it, and its number then above 8 bits;
 * of one that came from several, a number that nobody reaches. */
struct clock {
	uint64_t stamp;
	uint64_t of[AGENTS_MAX];
};
#define CLOCK_MIXED (~0ull << 8)

/* What deliver keeps of the interrupted stack, in its frame. */
struct interrupted {
	bool was_irq;
	uintptr_t was_frame;
	struct clock clock;
};

/** Takes one of their names. NULL, or what is wrong. */
const char *watch_set(const char *value);

/** Writes what is looked for, for a replay. */
void watch_write(FILE *f);

/** @p bytes at @p base, all zero; @p again: they were got before. */
void watch_map(uintptr_t base, size_t bytes, bool again);

/** Of each CPU. */
extern struct watch_now {
	bool in_irq;
	uintptr_t frame; /* a struct interrupted; what lies below is the handler's own */
} watch_now[SIM_CPUS_MAX];

/** The device that acts; name NULL: a CPU does. */
extern struct watch_acting {
	const char *name, *what;
	unsigned device;
} watch_actor;

/** The agent that device @p device is. */
static inline unsigned watch_device(unsigned device)
{
	return 2 * sim.cfg.cpus + device;
}

/** The agent that runs: 2 * CPU, and 1 in an interrupt; a device. */
static inline unsigned watch_agent(void)
{
	if (__builtin_expect(watch_actor.name != NULL, 0))
		return watch_device(watch_actor.device);
	return 2 * sim.cur + watch_now[sim.cur].in_irq;
}

/** A device acts until watch_act(0, NULL, NULL): @p name, and what it does. */
void watch_act(unsigned device, const char *name, const char *what);

/** What it does is an event of its own. */
void watch_device_event(void);

/** What it does, and its name; NULL: a CPU acts. */
const char *watch_acting(const char **name);

/** The number of the event that is happening. */
static inline uint64_t sim_event_now(void)
{
	return sim.events + (uint64_t)(sim.armed - sim_budget);
}

/* Hooks, all before the access, when nothing can come between any more. */

void watch_access(uintptr_t at, size_t bytes, unsigned kind, uintptr_t pc);
void watch_atomic(uintptr_t at, size_t bytes, enum atomic_op op, int order, uintptr_t pc);
void watch_fence(int order);

/* Events of the engine. */

void watch_begin(void);
void watch_masked(void);
void watch_unmasked(void);
void watch_irq_enter(struct interrupted *i);
void watch_irq_exit(const struct interrupted *i);
void watch_cpu_start(unsigned cpu);
/** @p saved: what the pointer of the present stack will be. */
void watch_switch(const void *saved, const void *load);
void watch_prepared(const void *sp);

/*
 * race.c; see there. An access is a cell of 64 bits: the bytes of the word, a bit each; whether it writes; whether it is plain;
 * whether it is clear; its agent, and the agent's own component of its clock.
 */
#define CELL_MASK 0xffull
#define CELL_KIND 8
#define CELL_WRITES (1ull << 8)
#define CELL_PLAIN (2ull << 8)
#define CELL_CLEAR (1ull << 10)
#define CELL_AGENT 11
#define CELL_EPOCH 19
#define CELL_LOW (CELL_CLEAR - 1)
#define CELL_KEY ((1ull << CELL_EPOCH) - 1)

#define CELLS 4 /* of a word */
#define SHADOW_BASE 0x10000000000ull
#define PLACES_BASE 0x14000000000ull
#define OBJECTS_BASE 0x18000000000ull
#define RACE_LIMIT (RAM_BASE + RAM_BYTES_MAX) /* nothing above is looked at */

/** The agent that runs and its epoch, as in a cell; the budget down to which its accesses are a matter of races alone, and what
 *  that is for a CPU's tasks; and its clock. */
extern struct race_now {
	uint64_t own;
	int64_t bias, least;
	const uint64_t *clock;
} race_now;

/** Where an access is remembered by preference, and where the place of its code: each half of a word has a cell for plain accesses, and
 *  one for the others, and those for reads and writes. @p half: the address of its half. */
static inline uint64_t *race_cell(uintptr_t half, unsigned kind)
{
	return (uint64_t *)(SHADOW_BASE + (half ^ (kind & ACCESS_MARKED) * 2) * 4) + (kind & ACCESS_WRITE);
}

static inline uint32_t *race_place(uintptr_t half, unsigned kind)
{
	return (uint32_t *)(PLACES_BASE + (half ^ (kind & ACCESS_MARKED) * 2) * 2) + (kind & ACCESS_WRITE);
}

/** The lower part of a cell; of one word. */
static inline uint64_t race_low(uintptr_t at, unsigned bytes, unsigned kind)
{
	return (uint64_t)(kind ^ ACCESS_MARKED) << CELL_KIND | ((1ull << bytes) - 1) << (bytes < 8 ? at % 8 : 0);
}

/** Whether an access that a hook announces, when nothing else is due, is one of whole words or of one. */
static inline __attribute__((always_inline)) bool race_only(uintptr_t at, unsigned bytes)
{
	unsigned by = bytes < 8 ? (unsigned)__builtin_ctz(bytes) : 3;

	return (at >> by | at << (63 - by) << 1) < RACE_LIMIT >> by && sim_budget >= race_now.bias;
}

/** Such an access, if its agent's last one there was the same but for its epoch, and is clear: then it only takes that one's place. */
static inline __attribute__((always_inline)) bool race_takes(uintptr_t at, unsigned bytes, unsigned kind, uintptr_t pc)
{
	uintptr_t half = bytes < 4 ? at / 4 * 4 : at; /* it is aligned */
	uint64_t own = race_now.own | race_low(at, bytes, kind), *c = race_cell(half, kind);

	if (((uint32_t)*c ^ (uint32_t)own) & CELL_KEY)
		return false;
	*c = own;
	*race_place(half, kind) = (uint32_t)pc;
	return true;
}

/** Any access of one word. */
void race_word(uintptr_t at, unsigned bytes, unsigned kind, uintptr_t pc);

/** What an atomic object at @p at carries from whoever wrote it; *: NULL, nothing yet. */
static inline struct clock **race_object(uintptr_t at)
{
	return (struct clock **)OBJECTS_BASE + at / 2;
}

/** Whether all of @p from is in the clock @p of: its agent's number is, and whoever has that has the rest. */
static inline bool race_knows(const uint64_t *of, const struct clock *from)
{
	return of[from->stamp & 255] >= from->stamp >> 8;
}

/** Whether loading an atomic object brings nothing that this agent does not know. */
static inline bool race_loads_nothing(uintptr_t at)
{
	const struct clock *o = *race_object(at);

	return !o || race_knows(race_now.clock, o);
}

/** Another agent runs. */
void race_turn(void);

void race_begin(void);
void race_reset(void);
void race_access(uintptr_t at, unsigned bytes, unsigned kind, uintptr_t pc);
void race_atomic(uintptr_t at, enum atomic_op op, int order);
void race_fence(int order);
void race_join(unsigned to, unsigned from);
void race_save(struct clock *clock);
void race_restore(const struct clock *clock);
/** A register of device agent @p device is accessed: a write comes behind what the CPU's last fence
 *  ordered, and a read before what its next fence orders. */
void race_register(unsigned device, bool write);
void race_mask(void);
void race_unmask(void);

/** Shows this event, if this run is to show it. */
bool watch_show_now(uintptr_t pc);

/** How many events this run is to show. */
extern unsigned report_shows_count;

static inline bool watch_show(uintptr_t pc)
{
	return report_shows_count && watch_show_now(pc);
}

/* heap.c: memory that is not to be used. */
void heap_begin(void);
void heap_reset(void);
void heap_access(uintptr_t at, size_t bytes, unsigned kind, uintptr_t pc);

/* dma.c: what devices see of memory. */
void dma_begin(void);
/** A CPU's access; and one that orders what went before it. */
void dma_access(uintptr_t at, size_t bytes, unsigned kind, uintptr_t pc);
void dma_released(uintptr_t at);
void dma_fence(void);
/** A device's access, as in struct device_host. @p coin: decides what the CPU's order leaves open. */
bool dma_move(unsigned device, const char *name, unsigned how, uint64_t at, void *data, size_t bytes,
	      const char *what, bool (*coin)(unsigned device));

/** Says by report_later what made device @p device act. */
void devices_cause(unsigned device);

/* locks.c */

/** Reports a spin lock that this CPU holds; @p where says what it is about to do. */
void locks_none(const char *where, uintptr_t pc);

/* report.c */

/** True when @p pc, @p earlier is new: each pair of places is reported once. */
bool report_begin(uintptr_t pc, uintptr_t earlier);

/** Prints to standard error; sim: and a newline around it. */
void report_line(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/** Prints where the kernel is: context, time, back trace from @p pc on. */
void report_here(const char *what, uintptr_t pc);

/** Asks for report_here of an earlier event, after the run. */
void report_later(const char *what, uint64_t event);

/** The same of an access that race.c remembers as @p cell of the word at @p at, by code at @p pc. */
void report_later_access(const char *what, uintptr_t at, uint64_t cell, uint32_t pc);

/** Shows the access that is remembered so from now on, if this run is to show it. */
void report_shows_access(uintptr_t at, uint64_t cell, uintptr_t pc);

/** True when the function at @p pc does nothing but copy. */
bool report_copies(uintptr_t pc);

/** Ends a report. */
void report_end(void);

/** Whether @p event is one that this run shows. */
bool report_shows(uint64_t event, const char **what);

/** Says with which command the run is done again. Call after the run. */
void report_again(char **argv);

/** The same, and shows what report_later asked for, by running again. Call after the run, on main's stack. */
void report_finish(char **argv);

/** Whether this run is one that shows the events of another one. */
bool report_showing(void);

/** Findings so far. */
unsigned report_count(void);

/** What finding @p i was, and the time and CPU of it. */
const char *report_found(unsigned i, uint64_t *ns, unsigned *cpu);

/** Takes "EVENT=what" for report_shows, "WORD:CELL:PC=what" for report_shows_access. NULL, or what is wrong. */
const char *report_set_show(const char *value);
