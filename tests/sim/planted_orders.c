/*
 * Planted mistakes in the order of steps: wrong results and waits without an end. The programs see
 * them themselves, or the simulator as no progress; what it takes is the schedule.
 */
#include "async/channel.h"
#include "async/event.h"
#include "async/lock.h"
#include "async/semaphore.h"
#include "mm/kmalloc.h"
#include "planted.h"

/* relaxed, wherever nothing else is said: each is one step, and that is all that counts here */
#define GET(x)    atomic_load_explicit(&(x), memory_order_relaxed)
#define SET(x, v) atomic_store_explicit(&(x), v, memory_order_relaxed)
#define ADD(x, v) atomic_fetch_add_explicit(&(x), v, memory_order_relaxed)

static _Atomic unsigned counter, ready, sleeping, finished, low, high;
static struct event event;
static struct mutex mutexes[2];
static struct semaphore semaphore;
static struct channel channel;
static u32 slots[4];

/* The second to come looks at what both did. */
static bool is_last(void)
{
	return atomic_fetch_add_explicit(&finished, 1, memory_order_acq_rel) == 1;
}

static void lost_update(unsigned side)
{
	(void)side;
	for (unsigned i = 0; i < 4; i++) {
		if (right)
			ADD(counter, 1);
		else
			SET(counter, GET(counter) + 1);
	}
	if (is_last())
		CHECK_EQ(GET(counter), 8);
}

/* Both find the place free. */
static void both_claim(unsigned side)
{
	unsigned nobody = 0;
	bool mine;

	(void)side;
	if (right) {
		mine = atomic_compare_exchange_strong_explicit(
			&ready, &nobody, 1, memory_order_relaxed, memory_order_relaxed);
	} else {
		mine = !GET(ready);
		SET(ready, 1);
	}
	ADD(counter, mine);
	if (is_last())
		CHECK_EQ(GET(counter), 1);
}

/* Two words that belong together, one read before and one after they change. */
static void torn_pair(unsigned side)
{
	unsigned a, b, seq;

	for (unsigned i = 1; side == 0 && i <= 4; i++) {
		atomic_fetch_add_explicit(&counter, 1, memory_order_seq_cst);
		SET(low, i);
		SET(high, i);
		atomic_fetch_add_explicit(&counter, 1, memory_order_seq_cst);
	}
	for (unsigned i = 0; side && i < 4; i++) {
		do {
			seq = atomic_load_explicit(&counter, memory_order_seq_cst);
			a = GET(low);
			b = GET(high);
		} while (right &&
			 (seq & 1 || atomic_load_explicit(&counter, memory_order_seq_cst) != seq));
		CHECK_EQ(a, b);
	}
}

/* Two senders in a ring for one. */
static _Atomic unsigned ring[8];

static void two_senders(unsigned side)
{
	unsigned sum = 0;

	for (unsigned i = 1; i <= 4; i++) {
		unsigned at = right ? ADD(counter, 1) : GET(counter);

		SET(ring[at % 8], 10 * side + i);
		if (!right)
			SET(counter, at + 1);
	}
	if (is_last()) {
		for (unsigned i = 0; i < 8; i++)
			sum += GET(ring[i]);
		CHECK_EQ(sum, 60);
	}
}

/* A stack by compare-and-swap: its top is the same again, and what was behind it is not (ABA). */
struct link {
	_Atomic(struct link *) next;
	_Atomic unsigned owner; /* 1 and the side; 0: in the stack */
};
static struct link links[3];
static _Atomic(struct link *) top;
static _Atomic unsigned popping;

static struct link *pop(void)
{
	struct link *l = GET(top), *next;

	do {
		next = l ? GET(l->next) : NULL;
		arch_relax();
	} while (l && !atomic_compare_exchange_strong_explicit(&top, &l, next, memory_order_relaxed,
							       memory_order_relaxed));
	return l;
}

static void push(struct link *l)
{
	struct link *was = GET(top);

	do
		SET(l->next, was);
	while (!atomic_compare_exchange_strong_explicit(&top, &was, l, memory_order_relaxed,
							memory_order_relaxed));
}

static void enter(void)
{
	while (right && atomic_exchange_explicit(&popping, 1, memory_order_acquire))
		arch_relax();
}

static void leave(void)
{
	atomic_store_explicit(&popping, 0, memory_order_release);
}

static void own(struct link *l, unsigned side)
{
	if (l)
		CHECK_EQ(atomic_exchange_explicit(&l->owner, side + 1, memory_order_relaxed), 0);
}

static void same_top_again(unsigned side)
{
	struct link *a, *b;

	for (unsigned i = 0; side == 0 && i < 3; i++)
		push(&links[i]);
	if (side == 0)
		SET(ready, 1);
	while (!GET(ready))
		arch_relax();
	for (unsigned i = 0; side && i < 2; i++) {
		enter();
		a = pop();
		leave();
		own(a, side);
	}
	if (side)
		return;
	enter();
	a = pop();
	b = pop();
	if (a)
		push(a);
	leave();
	own(b, side);
}

/* A counter of users that each looks at in two steps: freed twice, which the heap says. */
static _Atomic(u64 *) object;

static void freed_twice(unsigned side)
{
	unsigned left;
	u64 *mine;

	if (side == 0) {
		SET(counter, 2);
		mine = kzalloc(400);
		atomic_store_explicit(&object, mine, memory_order_release);
	}
	while (!(mine = atomic_load_explicit(&object, memory_order_acquire)))
		arch_relax();
	if (right) {
		left = atomic_fetch_sub_explicit(&counter, 1, memory_order_acq_rel) - 1;
	} else {
		atomic_fetch_sub_explicit(&counter, 1, memory_order_acq_rel);
		left = atomic_load_explicit(&counter, memory_order_acquire);
	}
	if (!left)
		kfree(mine);
}

/* Made twice, since it is looked for without a lock. */
static void made_twice(unsigned side)
{
	(void)side;
	if (right ? !atomic_exchange_explicit(&ready, 1, memory_order_relaxed) : !GET(ready)) {
		ADD(counter, 1);
		SET(ready, 1);
	}
	if (is_last())
		CHECK_EQ(GET(counter), 1);
}

/* Who is about to sleep says so after it has looked. */
static enum poll lost_wake_up(void *frame)
{
	struct waiting *me = frame;

	ASYNC_BEGIN(me);
	if (me->side == 0) {
		if (right)
			atomic_store_explicit(&sleeping, 1, memory_order_seq_cst);
		if (!atomic_load_explicit(&ready, memory_order_seq_cst)) {
			SET(sleeping, 1);
			AWAIT(me, event_wait(&me->wait, &event));
		}
	} else {
		atomic_store_explicit(&ready, 1, memory_order_seq_cst);
		if (atomic_load_explicit(&sleeping, memory_order_seq_cst))
			event_set(&event);
	}
	ASYNC_END(me);
}

/* An event is reset after it was set for good. */
static enum poll reset_too_late(void *frame)
{
	struct waiting *me = frame;

	ASYNC_BEGIN(me);
	if (me->side == 0) {
		if (!right)
			event_reset(&event);
		AWAIT(me, event_wait(&me->wait, &event));
	} else {
		event_set(&event);
	}
	ASYNC_END(me);
}

/* Two mutexes in both orders. */
static enum poll crossed_mutexes(void *frame)
{
	struct waiting *me = frame;

	ASYNC_BEGIN(me);
	AWAIT(me, mutex_lock(&me->wait, &mutexes[me->side && !right]));
	AWAIT(me, mutex_lock(&me->wait, &mutexes[!(me->side && !right)]));
	for (me->i = 0; me->i < 2; me->i++)
		CHECK_EQ(mutex_unlock(&mutexes[me->i]), 0);
	ASYNC_END(me);
}

/* Permits are made for those who were counted, and who comes later is not. */
static enum poll uncounted(void *frame)
{
	struct waiting *me = frame;

	ASYNC_BEGIN(me);
	if (me->side == 0) {
		ADD(counter, 1);
		AWAIT(me, semaphore_acquire(&me->wait, &semaphore, 1, TRACE_await_kind_semaphore));
	} else {
		semaphore_release(&semaphore, right ? 1 : GET(counter));
	}
	ASYNC_END(me);
}

/* The last one to leave wakes, but both look before either has left. */
static enum poll nobody_is_last(void *frame)
{
	struct waiting *me = frame;

	ASYNC_BEGIN(me);
	if (right) {
		if (atomic_fetch_add_explicit(&counter, 1, memory_order_seq_cst) == 1)
			event_set(&event);
	} else {
		if (atomic_load_explicit(&counter, memory_order_seq_cst) == 1)
			event_set(&event);
		atomic_fetch_add_explicit(&counter, 1, memory_order_seq_cst);
	}
	AWAIT(me, event_wait(&me->wait, &event));
	ASYNC_END(me);
}

/* Who finds the channel empty goes to sleep on something else. */
static enum poll empty_then_sleeps(void *frame)
{
	struct waiting *me = frame;
	u32 message = 1;

	ASYNC_BEGIN(me);
	if (me->side) {
		CHECK_EQ(channel_try_send(&channel, &message), 0);
		if (right || GET(sleeping))
			event_set(&event);
	} else if (channel_try_receive(&channel, &message)) {
		SET(sleeping, 1);
		AWAIT(me, event_wait(&me->wait, &event));
	}
	ASYNC_END(me);
}

/* A barrier for three, and two come. */
static enum poll barrier_of_three(void *frame)
{
	static struct barrier barrier = {.tasks = 0};
	struct waiting *me = frame;

	ASYNC_BEGIN(me);
	if (me->side == 0) {
		barrier_init(&barrier, right ? 2 : 3);
		atomic_store_explicit(&ready, 1, memory_order_release);
	}
	while (!atomic_load_explicit(&ready, memory_order_acquire))
		arch_relax();
	AWAIT(me, barrier_wait(&me->wait, &barrier));
	ASYNC_END(me);
}

static void prepare(void)
{
	event_init(&event);
	mutex_init(&mutexes[0]);
	mutex_init(&mutexes[1]);
	semaphore_init(&semaphore, 0);
	channel_init(&channel, slots, ARRAY_LEN(slots), sizeof slots[0]);
}

PLANTED(prepare, BUG(lost_update), BUG(both_claim), BUG(torn_pair), BUG(two_senders),
	BUG(same_top_again), BUG(freed_twice), BUG(made_twice), WAITING_BUG(lost_wake_up),
	WAITING_BUG(reset_too_late), WAITING_BUG(crossed_mutexes), WAITING_BUG(uncounted),
	WAITING_BUG(nobody_is_last), WAITING_BUG(empty_then_sleeps), WAITING_BUG(barrier_of_three));
