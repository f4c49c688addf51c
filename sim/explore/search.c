/*
 * search.c: enumerates executions. An execution is a row of steps; a step is one thread's next
 * operation on memory, and which of the ways the model allows it took. After each execution the
 * last step that has another way, or at which another thread should have come first, is changed,
 * and the threads run again from the beginning: they are plain C, so their state is not saved.
 *
 * Which threads should have come first: source sets (Abdulla, Aronis, Jonsson, Sagonas: "Optimal
 * dynamic partial order reduction", POPL 2014, algorithm 1). Two steps are dependent when they use
 * the same variable and one writes, or both are seq_cst and one is a fence. For each two dependent
 * steps of different threads which nothing else orders, some thread that can begin the reverse
 * order is tried at the first of them. Threads whose step was tried sleep until something
 * dependent happens (Godefroid, LNCS 1032).
 *
 * A spin loop's body, sim_relax, is never executed: what the loop waits for is what another
 * execution reads at once. An execution that ends with threads in spin loops is a deadlock, or a
 * lost wake-up, if they would stay there although they read what is newest.
 */
#include "sim/explore/search.h"
#include "sim/fiber.h"
#include <stdarg.h>
#include <string.h>

#define STACK_BYTES (64u << 10)
#define TICKS_MAX   1000000 /* hooks without a step: an endless loop */
#define LOOPS_MAX   64
#define LOOK_STEPS  256 /* of a thread that may wait for ever: when they are over, it does */
#define NOBODY      EXPLORE_THREADS_MAX

struct node nodes[STEPS_MAX];
struct thread threads[EXPLORE_THREADS_MAX];
int depth;         /* of the step under way */
static int prefix; /* steps that are as in the last execution; the last of them was changed */
static void *hub;
static char error[512];
static enum { STARTING, RUNNING, CONFIRMING } phase;
static enum { ENDED, AT_RELAX, AT_WRITE, AT_END } came_to; /* of a thread that confirms */
static bool cut;                                           /* see cut_short and put_off */
static unsigned look_steps;
static int64_t ticks;
static bool alone; /* in explore_begin or explore_end */
static void *alone_ended[5];
static char stacks[EXPLORE_THREADS_MAX][STACK_BYTES] __attribute__((aligned(4096)));

unsigned explore_current = NOBODY;
bool explore_confirming;
struct explore_options explore_options = {.reduce = true};
struct explore_counts explore_counts;

unsigned explore_step(void)
{
	return explore_current == NOBODY ? 0 : (unsigned)depth + 1;
}

const char *explore_error(void)
{
	return error;
}

void explore_fail(const char *fmt, ...)
{
	va_list args;

	if (!error[0]) {
		va_start(args, fmt);
		vsnprintf(error, sizeof error, fmt, args);
		va_end(args);
	}
	if (explore_current != NOBODY)
		fiber_switch(&threads[explore_current].sp, hub);
	else if (alone)
		__builtin_longjmp(alone_ended, 1);
}

void explore_tick(void)
{
	if (explore_current != NOBODY && --ticks < 0)
		explore_fail("CPU %u loops without end and without arch_relax", explore_current);
}

unsigned explore_choose(unsigned n)
{
	struct node *node = &nodes[depth];

	if (phase != RUNNING)
		return 0;
	node->choices = (uint8_t)n;
	if (node->choice >= n)
		unfit(
			"these choices do not fit the program: step %d has %u, not more than %u",
			depth + 1, n, node->choice);
	return node->choice;
}

/*
 * One execution.
 */

static bool can_step(unsigned id)
{
	const struct op *op = &threads[id].op;

	if (op->kind == OP_HALT)
		return model_hinted(id);
	if (op->kind == OP_LOCK)
		return !model_lock_held(model_lock(op->at));
	return op->kind != OP_RELAX;
}

static uint8_t enabled(void)
{
	uint8_t set = 0;

	for (unsigned i = 0; i < explore_threads; i++)
		if (!threads[i].done && can_step(i))
			set |= (uint8_t)(1u << i);
	return set;
}

/* Of @p set, whose next step does not depend on @p op. */
static uint8_t untouched(uint8_t set, const struct op *op)
{
	for (unsigned i = 0; i < explore_threads; i++)
		set &= (uint8_t) ~((unsigned)dependent(op, &threads[i].op) << i);
	return set;
}

/* Who sleeps, and who waits, at the step at hand. */
static void node_inherit(struct node *node)
{
	const struct node *before = &nodes[depth - 1];

	memset(node->known, 0, sizeof node->known);
	node->sleep = node->waits = 0;
	if (depth == 0 || !explore_options.reduce)
		return;
	node->sleep = untouched(before->sleep, &before->op);
	node->waits = untouched(before->waits & (uint8_t) ~(1u << before->thread), &before->op);
	memcpy(node->known, before->known, sizeof node->known);
	node->known[before->thread] = 0;
}

/* A step that was not there in the last execution. False: all who could take it sleep. */
static bool node_new(uint8_t set)
{
	struct node *node = &nodes[depth];
	unsigned last = depth ? nodes[depth - 1].thread : NOBODY, awake;

	node->enabled = set;
	node_inherit(node);
	node->done = node->choice = 0;
	if (set & ~node->waits)
		set &= (uint8_t)~node->waits;
	awake = set & ~(unsigned)node->sleep;
	if (!awake)
		return false;
	node->thread =
		last != NOBODY && awake >> last & 1 ? (uint8_t)last : (uint8_t)__builtin_ctz(awake);
	node->backtrack = explore_options.reduce ? (uint8_t)(1u << node->thread) : (uint8_t)awake;
	prefix = depth + 1;
	return true;
}

/* Chooses who takes the next step. NULL: the execution ends here. */
static struct thread *next(void)
{
	struct node *node = &nodes[++depth];
	uint8_t set = enabled();
	bool fresh = depth + 1 >= prefix; /* or its thread was changed */
	unsigned p;

	if (!set || depth == STEPS_MAX - 1)
		return NULL;
	if (depth >= prefix && !node_new(set))
		return NULL;
	p = node->thread;
	if (!(set >> p & 1)) {
		explore_current = NOBODY;
		unfit("these choices do not fit the program: CPU %u has no step %d", p,
			     depth + 1);
		return NULL;
	}
	if (fresh) {
		if (explore_options.reduce)
			note_races(p);
		note_step(p);
	} else {
		memcpy(threads[p].after, node->after, sizeof node->after);
	}
	node->choices = 1;
	ticks = TICKS_MAX;
	return &threads[p];
}

/* As it depends on nothing, it is done at once, whoever else could go on. */
unsigned explore_aside(uintptr_t pc, unsigned ways)
{
	unsigned p = explore_current;
	struct node *node = &nodes[depth + 1];

	if (depth + 1 >= STEPS_MAX - 1)
		explore_fail("an execution has more than %d steps", STEPS_MAX - 2);
	depth++;
	threads[p].op = (struct op){.kind = OP_STRIKE, .pc = pc};
	if (depth >= prefix) {
		node->enabled = node->backtrack = (uint8_t)(1u << p);
		node_inherit(node);
		node->done = node->choice = 0;
		node->thread = (uint8_t)p;
		prefix = depth + 1;
	}
	if (node->thread != p)
		unfit("these choices do not fit the program: CPU %u has no step %d",
			     node->thread, depth + 1);
	note_step(p);
	node->choices = (uint8_t)ways;
	return node->choice;
}

/* Goes on with whoever takes the next step. */
static void pass_on(struct thread *me)
{
	struct thread *to = next();

	if (to == me)
		return;
	if (to)
		explore_current = (unsigned)(to - threads);
	fiber_switch(&me->sp, to ? to->sp : hub);
}

/* The calling thread looks whether its loop ends. Comes back while it only reads. */
static void confirm(const struct op *op)
{
	struct thread *me = &threads[explore_current];

	if (look_steps++ >= LOOK_STEPS)
		came_to = AT_RELAX;
	else if (op->kind == OP_RELAX)
		return;
	else if (op->kind == OP_LOCK && model_lock_held(model_lock(op->at)))
		came_to = AT_RELAX;
	else if (op_writes(op) && op->kind != OP_CAS && op->kind != OP_LOCK)
		came_to = AT_WRITE;
	else
		return;
	fiber_switch(&me->sp, hub);
}

/* A thread begins to wait although there is something newer than what it read last: as if it had
 * not read yet, which is another way of its last step. */
static bool cut_short(const struct op *op)
{
	cut = explore_options.reduce && op->kind == OP_RELAX && model_newer(explore_current);
	return cut;
}

/* Who could take this step in place of the running thread, and does not only wait. */
#define OTHERS(node) ((uint8_t)((node)->enabled & ~((node)->waits | 1u << explore_current)))

/* Others go first at the step at hand. The execution ends here. */
static void put_off(void)
{
	struct node *node = &nodes[depth];
	uint8_t others = OTHERS(node) & (uint8_t)~node->sleep;

	node->waits |= (uint8_t)(1u << explore_current);
	if (!(others & node->backtrack))
		node->backtrack |= others & -others;
	cut = true;
}

/* A thread begins to wait, and what it read is the newest. All that comes behind this look comes before it in other
 * executions, but for the end at which nobody is left who could write. So it is put off until something is written there, or only such
 * threads are left. Kokologiannakis, Ren, Vafeiadis: "Dynamic partial order reductions for spinloops", FMCAD 2021. */
static bool waits_here(const struct op *op)
{
	struct node *node = &nodes[depth];

	if (!explore_options.reduce || explore_options.replay || op->kind != OP_RELAX || node->op.kind != OP_LOAD ||
	    node->thread != explore_current || !OTHERS(node))
		return false;
	node->known[explore_current] = node->looked;
	put_off();
	return true;
}

/* A look that was put off need not read again what it read then: each of these ways was gone. */
unsigned explore_known(unsigned n)
{
	struct node *node = &nodes[depth];

	node->looked = (uint8_t)n;
	return phase != RUNNING || node->waits >> explore_current & 1 || !OTHERS(node) ? 0 : node->known[explore_current];
}

void explore_put_off(void)
{
	put_off();
	fiber_switch(&threads[explore_current].sp, hub);
}

void explore_point(struct op op)
{
	struct thread *me = &threads[explore_current];

	if (phase == CONFIRMING) {
		confirm(&op);
		return;
	}
	me->op = op;
	if (op.kind == OP_RELAX && model_wrote(explore_current))
		explore_fail("CPU %u writes in a spin loop, at {%#lx}; the explorer wants loops "
			     "that only look",
			     explore_current, op.pc);
	if (phase == STARTING || cut_short(&op) || waits_here(&op))
		fiber_switch(&me->sp, hub);
	else
		pass_on(me);
}

static void thread_main(uintptr_t id)
{
	struct thread *me;

	if (explore_interrupts)
		explore_point((struct op){.kind = OP_STRIKE});
	explore_thread((unsigned)id);
	hooks_strike_rest();
	me = &threads[explore_current];
	me->done = true;
	came_to = AT_END;
	if (phase == RUNNING)
		pass_on(me);
	fiber_switch(&me->sp, hub);
}

static void reset(void)
{
	state_put_back();
	model_reset(explore_threads);
	hooks_reset();
	error[0] = 0;
	cut = false;
	depth = -1;
	order_reset();
}

/* To each thread's first step. */
static void start_threads(void)
{
	phase = STARTING;
	for (unsigned i = 0; i < explore_threads && !error[0]; i++) {
		struct thread *t = &threads[i];

		memset(t, 0, sizeof *t);
		t->sp = fiber_prepare(stacks[i] + STACK_BYTES, thread_main, i);
		explore_current = i;
		ticks = TICKS_MAX;
		fiber_switch(&hub, t->sp);
	}
	explore_current = NOBODY;
}

/* Goes once more through the loop in which a thread waits. An execution in which it reads what it
 * waits for is another one only if it looks before its pause. */
static void look_again(unsigned id)
{
	struct thread *t = &threads[id];

	t->looked = true;
	phase = CONFIRMING;
	explore_confirming = true;
	explore_current = id;
	look_steps = 0;
	ticks = TICKS_MAX;
	came_to = ENDED;
	model_confirm(id);
	fiber_switch(&hub, t->sp);
	explore_confirming = false;
	explore_current = NOBODY;
	if (model_read_late(id) && !error[0])
		explore_fail("CPU %u looks in the spin loop at {%#lx} only after its pause; the "
			     "explorer wants loops that look before",
			     id, t->op.pc);
}

/* A thread that waits in a loop: would it go on doing so? */
static bool stays(unsigned id)
{
	struct thread *t = &threads[id];

	if (hooks_struck_later(id) && t->op.kind == OP_HALT)
		return false;
	if (t->op.kind == OP_HALT || t->op.kind == OP_LOCK)
		return true;
	if (model_newer(id))
		return false;
	look_again(id);
	if (came_to != AT_RELAX && !model_read_new(id) && !error[0])
		explore_fail("CPU %u leaves the spin loop at {%#lx} by itself; the explorer wants "
			     "loops that wait for other CPUs",
			     id, t->op.pc);
	return came_to == AT_RELAX;
}

static uintptr_t loops[LOOPS_MAX]; /* that were gone through */
static unsigned n_loops;

/* Each spin loop is gone through once, the first time that an execution ends in it. */
static void look_at_loops(void)
{
	for (unsigned i = 0; i < explore_threads && !error[0]; i++) {
		const struct op *op = &threads[i].op;
		bool known = threads[i].done || op->kind != OP_RELAX || n_loops == LOOPS_MAX;

		for (unsigned k = 0; k < n_loops && !known; k++)
			known = loops[k] == op->pc;
		if (known)
			continue;
		loops[n_loops++] = op->pc;
		if (!threads[i].looked)
			look_again(i);
	}
}

/* A thread that halts where it may: it is at its end. */
static bool rests(unsigned id)
{
	return &explore_halts_end && explore_halts_end && threads[id].op.kind == OP_HALT &&
	       !hooks_struck_later(id);
}

/* Nobody can take a step: is there somebody who never will? True: all came to their end. */
static bool look_for_deadlock(void)
{
	char text[256] = "";
	size_t n = 0;

	for (unsigned i = 0; i < explore_threads; i++) {
		if (threads[i].done || rests(i))
			continue;
		if (!stays(i)) {
			explore_counts.waiting++;
			return false;
		}
		n += (size_t)snprintf(
			text + n, sizeof text - n, "%s CPU %u %s at {%#lx}", n ? "," : "", i,
			threads[i].op.kind == OP_HALT ? "halts" : "waits", threads[i].op.pc);
	}
	if (n && explore_options.may_wait)
		explore_counts.waiting++;
	else if (n)
		explore_fail("deadlock or lost wake-up:%s", text);
	else
		explore_counts.complete++;
	return !n;
}

/* Runs the program's beginning or end; an error ends it. */
static __attribute__((noinline)) void run_alone(void (*fn)(void))
{
	alone = true;
	if (!__builtin_setjmp(alone_ended))
		fn();
	alone = false;
}

static void run_one(void (*done)(void))
{
	struct thread *first;
	bool ended = false;

	reset();
	run_alone(explore_begin);
	if (error[0])
		return;
	start_threads();
	phase = RUNNING;
	if (!error[0] && (first = next()) != NULL) {
		explore_current = (unsigned)(first - threads);
		fiber_switch(&hub, first->sp);
		explore_current = NOBODY;
	}
	explore_counts.executions++;
	if (depth > 0)
		explore_counts.steps += (unsigned)depth;
	if (depth > (int)explore_counts.deepest)
		explore_counts.deepest = (unsigned)depth;
	if (error[0])
		return;
	if (cut)
		explore_counts.waiting++;
	else if (depth == STEPS_MAX - 1)
		explore_fail("an execution has more than %d steps", STEPS_MAX - 2);
	else if (enabled())
		explore_counts.repeated++;
	else
		ended = look_for_deadlock();
	if (!error[0])
		look_at_loops();
	if (!ended || error[0])
		return;
	run_alone(explore_end);
	if (done && !error[0])
		done();
}

/* Changes the last step that can be. False: there is none. */
static bool advance(void)
{
	for (int d = prefix - 1; d >= 0; d--) {
		struct node *node = &nodes[d];
		uint8_t others;

		prefix = d + 1;
		if (++node->choice < node->choices)
			return true;
		node->choice = 0;
		node->done |= (uint8_t)(1u << node->thread);
		if (explore_options.reduce)
			node->sleep |= (uint8_t)(1u << node->thread & ~node->waits);
		others = node->backtrack & (uint8_t) ~(node->done | node->sleep | node->waits);
		if (!others)
			continue;
		node->thread = (uint8_t)__builtin_ctz(others);
		return true;
	}
	return false;
}

/* Choices as text: for each step the thread, and behind it "." and the way if that is not 0; "-"
 * for none. */
void explore_choices(FILE *to)
{
	if (!prefix)
		fprintf(to, "-");
	for (int i = 0; i < prefix; i++) {
		fprintf(to, "%s%u", i ? "," : "", nodes[i].thread);
		if (nodes[i].choice)
			fprintf(to, ".%u", nodes[i].choice);
	}
}

/* False: @p text is not of that form. */
static bool read_choices(const char *text)
{
	int n;

	prefix = 0;
	if (!strcmp(text, "-"))
		return true;
	for (; *text; prefix++) {
		unsigned thread, choice = 0;

		if (prefix == STEPS_MAX - 1 || sscanf(text, "%1u%n", &thread, &n) != 1 ||
		    thread >= explore_threads)
			return false;
		text += n;
		if (sscanf(text, ".%2u%n", &choice, &n) == 1)
			text += n;
		if (*text && (*text != ',' || !*++text))
			return false;
		nodes[prefix] = (struct node){
			.thread = (uint8_t)thread, .choice = (uint8_t)choice, .choices = 1};
	}
	return prefix > 0;
}

/* Every execution, or as many as are wanted. */
static void go_through(void (*done)(void))
{
	do {
		run_one(done);
		if (error[0] || explore_options.replay)
			return;
		if (explore_options.max && explore_counts.executions == explore_options.max)
			return;
	} while (advance());
}

bool explore(void (*done)(void))
{
	if (!state_save())
		return false;
	explore_counts = (struct explore_counts){0};
	n_loops = 0;
	error[0] = 0;
	prefix = 0;
	if (explore_options.replay && !read_choices(explore_options.replay)) {
		unfit("%s: these are no choices; they look like 0,0.1,1",
			     explore_options.replay);
		return false;
	}
	go_through(done);
	if (!error[0]) {
		reset();
		state_check();
	}
	return !error[0];
}
