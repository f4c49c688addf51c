/*
 * watch.c: who is running, for the checkers, and stacks that are in use twice.
 */
#include "sim/watch.h"
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define STACKS_MAX 1024
#define GONE 64u
#define STACK_BYTES (28u << 10) /* a worker's: from less, a fresh stack is the same one made anew */

struct watch_now watch_now[SIM_CPUS_MAX];
struct watch_acting watch_actor;

/* A stack that is not running, by its pointer. */
static struct parked {
	const void *sp;
	bool in_irq;
	uintptr_t frame;
} parked[STACKS_MAX];

/* The last switches, for who switches to such a stack once more. */
static struct {
	const void *sp;
	uint64_t event;
} gone[GONE];
static unsigned gones;

static const struct {
	const char *name;
	unsigned bits;
} kinds[] = {
	{"all", WATCH_ALL},
	{"races", WATCH_RACES},
	{"locks", WATCH_LOCKS},
	{"memory", WATCH_MEMORY},
	{"devices", WATCH_DEVICES},
};
#define KINDS (sizeof kinds / sizeof *kinds)

const char *watch_set(const char *value)
{
	for (unsigned i = 0; i < KINDS; i++) {
		if (strcmp(value, kinds[i].name) == 0) {
			sim.cfg.watch |= kinds[i].bits;
			return NULL;
		}
	}
	return "wants all, races, locks, memory or devices";
}

void watch_write(FILE *f)
{
	unsigned left = sim.cfg.watch;

	for (unsigned i = 0; i < KINDS; i++) {
		if ((left & kinds[i].bits) == kinds[i].bits) {
			fprintf(f, "watch %s\n", kinds[i].name);
			left &= ~kinds[i].bits;
		}
	}
}

void watch_act(unsigned device, const char *name, const char *what)
{
	watch_actor.device = device;
	watch_actor.name = name;
	watch_actor.what = what;
	race_turn();
}

void watch_device_event(void)
{
	sim.events++;
	watch_show((uintptr_t)watch_actor.what);
}

const char *watch_acting(const char **name)
{
	*name = watch_actor.name;
	return watch_actor.what;
}

void watch_map(uintptr_t base, size_t bytes, bool again)
{
	void *got = (void *)base;

	if (again ? madvise(got, bytes, MADV_DONTNEED) == 0
		  : mmap(got, bytes, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1,
			 0) == got)
		return;
	fprintf(stderr, "sim: the host has no room for what --watch must remember\n");
	exit(EXIT_BROKEN);
}

void watch_begin(void)
{
	bool only = sim.cfg.watch == WATCH_RACES && !report_shows_count && !sim.at_places;

	race_now.least = only ? sim.bias : INT64_MAX;
	race_turn();
	if (sim.cfg.watch & WATCH_RACES)
		race_begin();
	if (sim.cfg.watch & WATCH_MEMORY)
		heap_begin();
}

void watch_reset(void)
{
	memset(watch_now, 0, sizeof watch_now);
	memset(parked, 0, sizeof parked);
	gones = 0;
	memset(&watch_actor, 0, sizeof watch_actor);
	if (sim.cfg.watch & WATCH_RACES)
		race_reset();
	if (sim.cfg.watch & WATCH_MEMORY)
		heap_reset();
}

/* A handler's frames lie on the stack that it interrupted, which uses the same place for its own
 * when the handler has returned. */
static bool own_frame(uintptr_t at)
{
	return watch_now[sim.cur].in_irq && at < watch_now[sim.cur].frame &&
	       at >= (uintptr_t)__builtin_frame_address(0);
}

bool watch_show_now(uintptr_t pc)
{
	const char *what;

	if (!report_shows(sim_event_now(), &what))
		return false;
	report_here(what, pc);
	return true;
}

void watch_access(uintptr_t at, size_t bytes, unsigned kind, uintptr_t pc)
{
	if (watch_show(pc) || own_frame(at) || at + bytes > RAM_BASE + RAM_BYTES_MAX)
		return;
	if (sim.cfg.watch & WATCH_RACES)
		race_access(at, (unsigned)bytes, kind & 3, pc);
	if (sim.cfg.watch & WATCH_MEMORY)
		heap_access(at, bytes, kind, pc);
	if (sim.cfg.watch & WATCH_DEVICES)
		dma_access(at, bytes, kind, pc);
}

static bool releases(int order)
{
	return order == __ATOMIC_RELEASE || order == __ATOMIC_ACQ_REL || order == __ATOMIC_SEQ_CST;
}

void watch_atomic(uintptr_t at, size_t bytes, enum atomic_op op, int order, uintptr_t pc)
{
	watch_access(at, bytes, op == OP_LOAD ? ACCESS_MARKED : ACCESS_WRITE | ACCESS_MARKED, pc);
	if (sim.cfg.watch & WATCH_RACES)
		race_atomic(at, op, order);
	if (sim.cfg.watch & WATCH_VIEW && op != OP_LOAD && releases(order))
		dma_released(at);
}

void watch_fence(int order)
{
	race_fence(order);
	if (sim.cfg.watch & WATCH_VIEW && releases(order))
		dma_fence();
}

void watch_masked(void)
{
	race_mask();
}

void watch_unmasked(void)
{
	race_unmask();
}

void watch_irq_enter(struct interrupted *i)
{
	i->was_irq = watch_now[sim.cur].in_irq;
	i->was_frame = watch_now[sim.cur].frame;
	race_save(&i->clock);
	watch_now[sim.cur].in_irq = true;
	watch_now[sim.cur].frame = (uintptr_t)i;
	race_turn();
	race_mask();
}

/* The CPU may be another one: what was interrupted goes on here. */
void watch_irq_exit(const struct interrupted *i)
{
	unsigned handler = watch_agent();

	race_unmask();
	watch_now[sim.cur].in_irq = i->was_irq;
	watch_now[sim.cur].frame = i->was_frame;
	race_turn();
	race_restore(&i->clock);
	if (watch_agent() != handler)
		race_join(watch_agent(), handler);
}

void watch_cpu_start(unsigned cpu)
{
	race_join(2 * cpu, watch_agent());
}

/* The entry of @p sp, or an empty one. */
static struct parked *find(const void *sp)
{
	unsigned i = (unsigned)((uintptr_t)sp / 16 % STACKS_MAX);

	for (unsigned tries = 0; tries < STACKS_MAX; tries++, i = (i + 1) % STACKS_MAX)
		if (parked[i].sp == sp)
			return &parked[i];
	return sp ? find(NULL) : NULL;
}

static void park(struct parked stack)
{
	struct parked *p = find(stack.sp);

	if (!p)
		sim_stop(EXIT_BROKEN, "--watch has no room for so many stacks");
	*p = stack;
}

void watch_prepared(const void *sp)
{
	park((struct parked){.sp = sp});
}

static void leave_parked(struct parked *p)
{
	gone[gones++ % GONE].sp = p->sp;
	gone[(gones - 1) % GONE].event = sim_event_now();
	*p = (struct parked){0};
}

static void report_twice(const void *load)
{
	if (!report_begin(SIM_PC, 0))
		return;
	report_line("a stack in use twice: %p is not left yet, or was not prepared", load);
	report_here("switch to it", SIM_PC);
	for (unsigned i = gones; i > 0 && gones - i < GONE; i--) {
		if (gone[(i - 1) % GONE].sp == load) {
			report_later("switch to it", gone[(i - 1) % GONE].event);
			break;
		}
	}
	report_end();
}

/* An abandoned stack, with all that a handler interrupted there, is made anew and switched to at
 * once: then what was interrupted goes on there in a way. */
void watch_switch(const void *saved, const void *load)
{
	struct parked *p = find(load), to = {0};
	bool from_irq = watch_now[sim.cur].in_irq;
	uintptr_t from = watch_now[sim.cur].frame;

	locks_none("when a stack is left", SIM_PC);
	watch_show(SIM_PC);
	if (p && p->sp) {
		to = *p;
		leave_parked(p);
	} else {
		report_twice(load);
	}
	park((struct parked){saved, from_irq, watch_now[sim.cur].frame});
	if (to.in_irq != from_irq)
		race_unmask();
	watch_now[sim.cur].in_irq = to.in_irq;
	watch_now[sim.cur].frame = to.frame;
	race_turn();
	if (to.in_irq != from_irq)
		race_mask();
	if (from_irq && (uintptr_t)load > from && (uintptr_t)load - from < STACK_BYTES)
		race_restore(&((const struct interrupted *)from)->clock);
}
