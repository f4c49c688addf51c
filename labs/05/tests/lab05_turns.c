/* The queue of waits: turns, cancellation, and nothing swallowed. */
#include "async/event.h"
#include "async/semaphore.h"
#include "lab05.h"

#define WAITERS 4u

static struct semaphore permits;
static struct event event;
static char order[WAITERS + 1];
static _Atomic unsigned passed;

struct waits {
	struct async async;
	struct wait wait;
	char letter;
};

static enum poll waits(void *frame)
{
	struct waits *me = frame;

	ASYNC_BEGIN(me);
	AWAIT(me, semaphore_acquire(&me->wait, &permits, 1, TRACE_await_kind_semaphore));
	/* acq_rel: with the next one's, and with the test's acquire */
	order[atomic_fetch_add_explicit(&passed, 1, memory_order_acq_rel)] = me->letter;
	semaphore_release(&permits, 1);
	ASYNC_END(me);
}

struct scene {
	struct async async;
	struct sleep sleep;
	struct join join;
	struct wait wait, second;
	struct task *tasks[WAITERS];
	struct awaitable *first, *other;
	unsigned i;
};

static enum poll in_order_of_arrival(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	semaphore_init(&permits, 0);
	passed = 0;
	memset(order, 0, sizeof order);
	for (me->i = 0; me->i < WAITERS; me->i++) {
		MUST(TASK_SPAWN(&me->tasks[me->i], "waits", waits,
				((struct waits){.letter = (char)('A' + me->i)}), MORE));
		AWAIT(me, sleep_for(&me->sleep, US(20)));
	}
	semaphore_release(&permits, 1);
	AWAIT(me, sleep_for(&me->sleep, US(200)));
	EXPECT(passed == WAITERS,
	       "a permit goes through the hands of %u tasks that wait, one after the other; "
	       "%u of them got it",
	       WAITERS, passed);
	EXPECT(!strcmp(order, "ABCD"),
	       "A, B, C and D wait in this order, and were served %s: who came first is "
	       "first, whoever runs first",
	       order);
	for (me->i = 0; me->i < WAITERS; me->i++) {
		AWAIT(me, task_join(&me->join, me->tasks[me->i]));
		task_put(me->tasks[me->i]);
	}
	ASYNC_END(me);
}

static enum poll what_is_granted_and_not_taken_goes_on(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	semaphore_init(&permits, 0);
	me->first = semaphore_acquire(&me->wait, &permits, 1, TRACE_await_kind_semaphore);
	EXPECT(await_poll(me->first) == POLL_PENDING,
	       "there is no permit, but a wait for one is ready");
	me->other = semaphore_acquire(&me->second, &permits, 1, TRACE_await_kind_semaphore);
	EXPECT(await_poll(me->other) == POLL_PENDING,
	       "there is no permit, but a second wait for one is ready");
	semaphore_release(&permits, 1); /* the first one's, which does not look any more */
	await_cancel(me->first);
	EXPECT(await_poll(me->other) == POLL_READY,
	       "a permit was granted to a wait that was then cancelled, and the next "
	       "one did not get it: the cancelled wait swallowed it");
	semaphore_release(&permits, 1);
	ASYNC_END(me);
}

static enum poll who_is_cancelled_stands_in_nobodys_way(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	semaphore_init(&permits, 1);
	me->first = semaphore_acquire(&me->wait, &permits, 2, TRACE_await_kind_semaphore);
	EXPECT(await_poll(me->first) == POLL_PENDING,
	       "one permit is there, but a wait for two is ready");
	me->other = semaphore_acquire(&me->second, &permits, 1, TRACE_await_kind_semaphore);
	EXPECT(await_poll(me->other) == POLL_PENDING,
	       "a wait for one permit overtook one for two that came before");
	await_cancel(me->first);
	EXPECT(await_poll(me->other) == POLL_READY,
	       "the first in the queue was cancelled; the permit that is there is for the "
	       "next one, but nobody looked");
	semaphore_release(&permits, 1);
	ASYNC_END(me);
}

static enum poll an_event_lets_all_pass(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	event_init(&event);
	me->first = event_wait(&me->wait, &event);
	me->other = event_wait(&me->second, &event);
	EXPECT(await_poll(me->first) == POLL_PENDING && await_poll(me->other) == POLL_PENDING,
	       "an event that is not set lets somebody pass");
	event_set(&event);
	event_reset(&event);
	EXPECT(await_poll(me->first) == POLL_READY && await_poll(me->other) == POLL_READY,
	       "an event was set and reset; two waited for it, and not both may go on: what is "
	       "granted stays granted");
	AWAIT(me, sleep_for(&me->sleep, US(1)));
	ASYNC_END(me);
}

TESTS_MAIN(ASYNC(what_is_granted_and_not_taken_goes_on),
	   ASYNC(who_is_cancelled_stands_in_nobodys_way), ASYNC(an_event_lets_all_pass),
	   ASYNC(in_order_of_arrival));
