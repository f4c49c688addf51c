/*
 * sim.h: what the simulator's files share. All of it runs on one host thread, is compiled for
 * the host without hooks, and keeps its state in `sim`, so that no locks are needed and a
 * snapshot of the machine is this struct, the kernel's sections kdata and kbss, and RAM.
 *
 * Code here runs on the stack of whichever virtual CPU entered it, except main.c's, which owns
 * the host's stack and gets it back through sim_stop. After sim_schedule or sim_deliver returns,
 * the stack may be on another CPU than before: read sim.cur again.
 */
#pragma once

#include "sim/devices/map.h"
#include "sim/fiber.h"
#include "sim/here.h"
#include "sim/port.h"
#include "sim/rng.h"
#include <signal.h>
#include <stdio.h>
#include <string.h>

/* What the command line says. */
struct sim_config {
	unsigned cpus;
	uint64_t seed;
	uint64_t ram_bytes;
	uint64_t max_events; /* 0: no limit */
	uint64_t until_ns;   /* stop when the clock gets there; 0: no limit */
	uint64_t mean;	     /* events from one choice of CPU to the next; 0: the strategy's own */
	uint64_t depth;	     /* pct: changes of priority and 1; bounded: preemptions */
	uint64_t length;     /* pct, bounded: events over which they are spread */
	uint64_t hint_ns;    /* that a hint interrupt travels at least; SIM_NEVER: the strategy's own */
	const char *program; /* the path that this program was started by */
	const char *record;  /* write the run to this file at the end, to be replayed; NULL: don't */
	const struct strategy *strategy;
	const char *trace_dir; /* NULL: no trace */
	bool batch; /* many runs: batch.c */
	bool quiet; /* say nothing of a run that ends with 0 */
	bool from_mark; /* the seed counts from sim_mark on */
	unsigned watch; /* check each access, for what: WATCH_* of watch.h */
	unsigned devices; /* which the machine has, bit n for enum sim_device n */
	char cmdline[8192];
};

struct vcpu {
	void *sp;	/* where its stack was left while another CPU runs */
	void *local;	/* the kernel's struct cpu */
	bool irq_on;
	uint64_t stalled_until; /* ns; a fault */
	uint64_t again_at; /* a hint that was doubled, or nobody sent */
	uint64_t tick_at; /* a timer's interrupt, likewise */
	uint64_t skew_ns; /* that its clock is ahead; a fault */
	uint64_t timer_at, hint_at; /* ns when they become pending, SIM_NEVER for never */
	uint64_t progress; /* events it has run, or would have run in the time it spent halted */
	uint64_t ran; /* hooks, pauses and halts that it executed: with its number, a place in the run */
};

/* Where a choice of CPU is made: between two events, in a spin loop's body, or at a halt. */
enum where { AT_EVENT, AT_RELAX, AT_HALT };

/* Exit statuses of the simulator itself; below these they are the kernel's. */
enum {
	EXIT_USAGE = 2,
	EXIT_NO_PROGRESS = 102,
	EXIT_LIMIT = 103,
	EXIT_BROKEN = 104, /* the simulator itself failed */
	EXIT_FOUND = 105,  /* --watch found something */
	EXIT_INTERRUPTED = 130,
};

struct sim {
	SIM_HERE
	struct sim_config cfg;
	struct rng rng[RNG_SOURCES];
	unsigned cur;	       /* the CPU that runs */
	/* Interrupts of devices: as their lines are, edges that nobody took yet, let through. */
	unsigned lines, edges, unmasked;
	uint64_t busy, halted; /* CPUs, bit n for CPU n; neither: not started */

	int64_t bias;	     /* what sim_budget is less than it says; not 0: each hook is slow */
	int64_t slice;	     /* events that the current CPU may still run before a new choice */
	uint64_t others;     /* CPUs that could run as well when the slice was chosen */
	uint64_t turn;	     /* what the current CPU had run when it was last chosen, not by default */
	bool always;	     /* hooks of accesses are called at each of them, whatever the budget is */
	bool at_places;	     /* --at was given: each hook is looked at */
	uintptr_t pc;	     /* where the current CPU was when it last left the fast path */
	uint64_t horizon_ns; /* the clock when sim_budget will be spent */

	const struct strategy *later; /* at the mark, this one begins; NULL: there is no mark to come */
	uint64_t events, switches, irqs, faults, hash;
	volatile sig_atomic_t interrupted; /* the host's user wants an end */
	bool running;		 /* a virtual CPU's stack is in use, not main's */
	int status;
	void *main_sp;
	const char *message; /* why the run ended, NULL when the kernel ended it */
	struct vcpu cpu[SIM_CPUS_MAX]; /* last: those behind cfg.cpus are never used */
};
extern struct sim sim;
_Static_assert(offsetof(struct sim, cfg) == sizeof(struct sim_here), "it begins with these");

/** All but what the command line said. */
static inline void sim_copy(struct sim *to, const struct sim *from)
{
	size_t begin = offsetof(struct sim, rng), end = offsetof(struct sim, cpu) + sim.cfg.cpus * sizeof sim.cpu[0];

	memcpy(to, from, sizeof(struct sim_here));
	memcpy((char *)to + begin, (const char *)from + begin, end - begin);
}

#define CPU_BIT(cpu) (1ull << (cpu))
#define FOR_EACH_CPU(cpu, set)                                                                     \
	for (uint64_t set_ = (set), once_ = 1; set_; set_ &= set_ - 1, once_ = 1)                  \
		for (unsigned cpu = (unsigned)__builtin_ctzll(set_); once_; once_ = 0)

/** Hooks left before sim_slow must be entered, less sim.bias: the one variable of the fast path. */
extern int64_t sim_budget;

extern const unsigned char __start_ktext[], __stop_ktext[];

static inline bool sim_in_kernel(uintptr_t pc)
{
	return pc >= (uintptr_t)__start_ktext && pc < (uintptr_t)__stop_ktext;
}

/** Whether that has anything to do: not each time that the budget is said to be spent. */
static inline bool sim_is_due(void)
{
	return sim_budget < sim.bias || sim.at_places;
}

/** The slow path of each hook: brings the clock up to date, takes interrupts, chooses the CPU
 *  that runs next. @p pc: where the kernel is. */
void sim_slow(uintptr_t pc);

/** The slow paths of hooks that precede an access; @p kind: enum access of watch.h. */
void sim_slow_access(uintptr_t pc, const volatile void *at, size_t bytes, unsigned kind);
void sim_slow_atomic(uintptr_t pc, const volatile void *at, size_t bytes, unsigned op, int order);

#define SIM_PC ((uintptr_t)__builtin_return_address(0))

/** always.c: from now on the hooks of accesses are called at each of them, or when the budget is spent. Returns what is true
 *  then: the host may have no way. */
bool hooks_always(bool wanted);

/** One event: true when sim_slow must be entered. x86-64 gets an absolute address: several of its processors keep
 *  such a word in a register of their own (Fog, "The microarchitecture of Intel, AMD and VIA CPUs", memory operand mirroring),
 *  while one relative to the instruction pointer waits for the store before, which is twice as slow. */
static inline __attribute__((always_inline)) bool sim_spent(void)
{
#if defined(__x86_64__)
	__asm__ goto("subq $1, sim_budget\n\tjs %l[spent]" : : : "memory", "cc" : spent);
	return false;
spent:
	return true;
#else
	return __builtin_expect(--sim_budget < 0, 0);
#endif
}

#define SIM_EVENT(pc)                                                                              \
	do {                                                                                       \
		if (sim_spent())                                                                   \
			sim_slow(pc);                                                              \
	} while (0)

/* engine.c */

/** Runs the machine until it stops; returns the exit status. On the host's stack. */
int sim_run(void);

/** Whether the clock has come to --until. */
bool sim_was_enough(void);

/** Asks the strategy who goes on, at @p pc, although the time for that has not come. */
void sim_choose(uintptr_t pc);

/** Brings the clock up to date; sets the budget, when it is. */
void sim_charge(void);
void sim_arm(void);

/** CPU @p cpu begins to run, or halts; the clock is up to date. */
void sim_set_busy(unsigned cpu, bool busy);

/** Seeds all generators. */
void sim_seed(uint64_t seed);

/** Ends the run with @p status, and prints @p message to standard error if it is not NULL. */
_Noreturn void sim_stop(int status, const char *message);

/** Mixes @p x into the hash that identifies the execution. */
static inline void sim_mix(uint64_t x)
{
	sim.hash = (sim.hash ^ x) * 0x100000001b3ull; /* FNV-1a's prime, on words */
	sim.hash ^= sim.hash >> 29;
}

/** True when the current CPU has run for so long that others must come, or nothing may ever happen
 *  that it waits for. */
bool sim_turn_over(void);

/** The machine's time; sim_clock_ns is what a CPU reads. */
uint64_t sim_now_ns(void);

/** The least time at which @p cpu has an interrupt pending; SIM_NEVER when none is due. */
uint64_t sim_due(unsigned cpu);

/** Virtual time of this CPU passes: @p events, as if it had run so many. */
void sim_spend(uint64_t events);

/* devices.c: the devices of the machine; see there. */

/** Takes the name of a device that the machine is to have, or all. NULL, or what is wrong. */
const char *devices_set(const char *value);

/** Prints a line for each. */
void devices_help(void);

/** Writes which there are, for a replay. */
void devices_write(FILE *f);

/** Switches them on; and off, for batch.c. */
void devices_begin(void);
void devices_end(void);

uint64_t devices_next(void);
void devices_work(void);

/** When the first of them has something to do; SIM_NEVER. */
static inline uint64_t devices_due(void)
{
	return sim.cfg.devices ? devices_next() : SIM_NEVER;
}

/** What is due is done. The clock is up to date. */
static inline void devices_run(void)
{
	if (sim.cfg.devices)
		devices_work();
}

/** A handler of interrupt SIM_IRQ_DEVICE + @p n has returned. */
void devices_handled(unsigned n);

/** Whether the console's input goes to a device. */
static inline bool devices_take_input(void)
{
	return sim.cfg.devices & 1u << DEVICE_PL011;
}

/* strategy.c: who runs next. */
struct strategy {
	const char *name, *meaning;
	uint64_t mean;	  /* default of --mean */
	bool fair;	  /* is asked when a CPU's turn is over */
	uint64_t hint_ns; /* that a hint interrupt travels at least */
	/** Before the first event; NULL: nothing to do. */
	void (*begin)(void);
	/** One of @p set, the CPUs that are busy, or halted with an interrupt pending. */
	unsigned (*choose)(uint64_t set, enum where where);
	/** How many events the current CPU may run; @p others: the CPUs that could, too. */
	int64_t (*slice)(uint64_t others);
};
extern const struct strategy *const strategies[]; /* NULL ends */
extern const struct strategy by_replay;

extern const struct strategy by_plain;

/** What happens when nobody decides otherwise: a CPU goes on until it spins, halts or has had its
 *  turn (sim_turn_over), then it is the turn of the next one in @p set. A recorded run is the list of what differs from this. */
unsigned strategy_plain(uint64_t set, enum where where);

/* bound.c: every schedule with few choices. */
#define BOUND_MAX 8
struct bound_config {
	bool on;
	unsigned switches;  /* at most BOUND_MAX */
	uintptr_t from[2], to[2]; /* code: the part begins when this is reached, and ends */
	uint64_t stop_after; /* failures; 0: never */
	const volatile unsigned char *whole; /* the program sets it when all is done and right; NULL: the status tells */
	const char *file;   /* for the first failure, or NULL */
};
extern struct bound_config bound;
extern const struct strategy by_bound;

/** Before an access at @p pc: all other CPUs get a try. */
void bound_point(uintptr_t pc);

/** When the run came back to the host's stack: goes on until every schedule was. @p go switches to a
 *  virtual CPU's stack and comes back as sim_run's call does. */
void bound_explore(void (*go)(void *sp));

/** The schedule at hand broke the simulator: it is the one that fails, and the search is over. Context: any, the
 *  process ends behind it. */
void bound_broken(void);

/* confine.c */

/** From here on the host ends this process when code in ktext makes a system call. False: the host cannot. */
bool confine(void);

/* pages.c: what was written since a moment. */
#define PAGES_MAX 8192

/** From now on. */
void pages_watch(void);

/** No more. */
void pages_end(void);

/** All that was written is as it was at that moment. */
void pages_back(void);

/** A write at @p at was refused: true when that was to be noticed, and it may be repeated. */
bool pages_fault(uintptr_t at);

/** The pages; there are more with time. */
unsigned pages_count(void);
unsigned char *pages_at(unsigned i);

/** Page @p i is as it was at that moment. */
void pages_back_one(unsigned i);

/** Copies of a page those of its 64 lines that are not all zero, and says which: bit n for line n. */
uint64_t page_keep(unsigned char *copy, const unsigned char *page);

/** The page is as it was when it was kept. */
void page_back(unsigned char *page, const unsigned char *copy, uint64_t lines);

/** What is copied always, from or to @p copy, which has room for pages_rest_bytes(). */
size_t pages_rest_bytes(void);
void pages_rest(unsigned char *copy, bool save);

/** Zeroed memory of the host's; ends the program when there is none. */
unsigned char *pages_room(size_t bytes);

/* mark.c: runs whose seed counts from a mark in the program on. */

/** At the begin of each run: until the mark there are no choices. */
void mark_prepare(void);

/** When the run came back to the host's stack: true when that was for saving the machine at the mark, and *@p sp
 *  goes on. */
bool mark_asks(void **sp);

/** Takes the machine back to the mark where an earlier run saved it, for a run with what sim.cfg says. False:
 *  there is none, or it was come to in another way. */
bool mark_again(void);

/** The stack on which that run goes on; NULL for one that begins with the boot. */
void *mark_place(void);

/** Forgets it. */
void mark_end(void);

/* debug.c */
extern uint64_t sim_debug_at;
extern bool sim_debug_capped;
void sim_debug_stop(void);

/* replay.c: runs as files. */

/** Notes that @p next was chosen at this CPU's present place. */
void replay_note(unsigned next);

/** The same for another place; and forgets all that was noted. */
void replay_note_at(unsigned cpu, uint64_t ran, uintptr_t pc, unsigned to);
void replay_forget(void);

/** Adds a choice that is to be made again; the caller gives those of one CPU in order. 0, or -1:
 *  no host memory. */
int replay_add(unsigned cpu, uint64_t ran, unsigned to);

/** --at: the first time that @p cpu comes to @p pc when it has run @p after events, @p to comes. 0, or -1: there
 *  are too many. */
int replay_add_place(unsigned cpu, uintptr_t pc, uint64_t after, unsigned to);
unsigned replay_places(void);

/** Whether the current CPU, which has run @p ran events and is at @p pc, is at such a place. */
bool replay_at(uintptr_t pc, uint64_t ran);

/** Writes what was noted, with all that the run was made from, to cfg.record. 0, or -1 with a
 *  text in @p err. */
int replay_write(char *err, size_t err_bytes);

/** Identifies this program's kernel. */
uint64_t replay_build(void);

/* main.c */

/** One run, and what is to be said and written of it; the exit status. */
int main_run(char **argv);

/** Of an option whose value, @p what, is none of those that there are: a text that lists them. @p name gives the i-th, and
 *  NULL behind the last. */
const char *none_of(const char *what, const char *(*name)(unsigned i));

/* batch.c */

/** Does the runs that standard input asks for, with @p set_line for the lines in between. */
void batch(char **argv, const char *(*set_line)(char *line));

/* What a run changed becomes what it was: for batch.c. */
void memory_again(void); /* before pages_back */
void memory_reset(void);
void console_reset(void);
void fault_reset(void);
void replay_reset(void);
void locks_reset(void);
void report_reset(void);
void watch_reset(void);

/* What mark.c saves. */
void locks_keep(bool save);
void console_keep(bool save);
bool memory_keep(void); /* false: too much happened */

/* fault.c */
enum fault {
	FAULT_HINT_LOST,
	FAULT_HINT_DOUBLED,
	FAULT_HINT_LATE,
	FAULT_HINT_SPURIOUS,
	FAULT_TIMER_LATE,
	FAULT_CPU_STALL,
	FAULT_TIMER_DOUBLED,
	FAULT_TIMER_SPURIOUS,
	FAULT_CLOCK_STEP,
	FAULT_CLOCK_SKEW,
	FAULT_BIT_FLIP,
	FAULT_DEVICE_STUCK,
	FAULT_DEVICE_SLOW,
	FAULT_DEVICE_ERROR,
	FAULT_IRQ_SPURIOUS,
	FAULT_IRQ_LATE,
	FAULT_IRQ_LOST,
	FAULT_REGISTER_FLIP,
	FAULTS
};
_Static_assert(RNG_DEVICES == RNG_FAULTS + FAULTS && RNG_SOURCES == RNG_DEVICES + DEVICES,
	       "a generator for each");

extern const struct fault_kind {
	const char *name;
	uint64_t most; /* ns */
	const char *meaning;
} fault_kinds[FAULTS];

/** Whether any fault can strike in this run. */
extern bool sim_faults;

/** One more place where @p fault could strike: does it? *@p value: by how much, in ns. */
bool fault_strikes_now(enum fault fault, uint64_t *value);

static inline bool fault_strikes(enum fault fault, uint64_t *value)
{
	return __builtin_expect(sim_faults, 0) && fault_strikes_now(fault, value);
}

/** Of @p set, who does not stand still; unless nobody is left. */
uint64_t fault_unstalled(uint64_t set, enum where where);

/** Faults of a hint to @p cpu that arrives at *@p at; true when it does not. */
bool fault_hint(unsigned cpu, uint64_t *at);

/** Faults that strike when the kernel sets a timer: at moments of its own, so that a replay meets them again. */
void fault_machine(void);

/** Takes "KIND=N", or of a replay "KIND NUMBER AMOUNT". NULL, or what is wrong. */
const char *fault_set(const char *value);
const char *fault_give(const char *value);

/** Writes what struck, for a replay. */
void fault_write(FILE *f);

/* console.c */
void console_open(void);
/** For --batch, whose own standard input is: what the options gave is all. */
void console_close_input(void);
void console_close(void); /* gives back the terminal; any context, also twice */
void console_flush(void);
void console_drop(void); /* what was not flushed */

/** The input of the run: bytes as read, *@p n of them. */
const char *console_input(size_t *n);

/** Takes @p hex, pairs of digits, for the input in place of standard input. NULL, or what is wrong. */
const char *console_set_input(const char *hex);

/** When the receiver has a byte that was not taken; SIM_NEVER when no more will come. */
uint64_t console_due(void);
bool console_masked(void);
void console_mask(bool masked);

/** True when input comes from a person, so that virtual time must not run ahead of the host's. */
bool console_interactive(void);

/** Waits at most @p ns for input from a person; returns how long it took. 0: looks only. */
uint64_t console_wait(uint64_t ns);

/** console_wait(0), but seldom enough not to cost much. */
void console_poll(void);

/* memory.c */
#define RAM_BASE 0x50000000ull
#define RAM_BYTES_DEFAULT (256ull << 20)
#define RAM_BYTES_MAX (2048ull << 20)
#define BOOT_STACK_BYTES (64u << 10)
#define SIM_STACK_BYTES (28u << 10) /* a worker's, without its guard page */

void memory_init(void);

/** Whether a page of RAM may be accessed, and is not only waiting for its first access. */
bool memory_is_open(uintptr_t page);

/** Highest address of the stack on which CPU 0 starts. */
void *memory_boot_stack(void);

/* trace_out.c */

/** Writes the trace rings to the directory @p dir, and how to make them again, which @p argv says. 0, or -1 with a text in @p err. */
int trace_write(const char *dir, char **argv, char *err, size_t err_bytes);
