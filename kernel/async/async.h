/*
 * async.h: async functions and awaitables.
 *
 * An async function is an ordinary C function that can return in the middle (pending) and go on
 * from there when it is called again. Its local state lives in a frame, a struct that the reader
 * can see: what must survive an await is a member of it. Automatic variables do not survive;
 * `make lint` finds those that would have to.
 *
 *	struct blink {
 *		struct async async;	// first
 *		struct sleep sleep;
 *		int i;
 *	};
 *
 *	static enum poll blink(void *frame)
 *	{
 *		struct blink *me = frame;
 *
 *		ASYNC_BEGIN(me);
 *		for (me->i = 0; me->i < 10; me->i++) {
 *			led_toggle();
 *			AWAIT(me, sleep_for(&me->sleep, MS(500)));
 *		}
 *		ASYNC_END(me);
 *	}
 *
 * The macros keep the address of a label (GNU C: labels as values), so they work inside switch,
 * loops and nested blocks. Two awaits may stand on one line.
 */
#pragma once

#include "task/frame.h"

static inline enum poll await_poll(struct awaitable *a)
{
	return a->poll(a);
}

static inline void await_cancel(struct awaitable *a)
{
	a->cancel(a);
}

/** For AWAIT: the trace's record of an await that begins. */
void async_record_await(unsigned kind, unsigned line, const void *object);

static inline void async_trace_await(unsigned kind, unsigned line, const void *object)
{
	if (unlikely(trace_level_now() != TRACE_OFF))
		async_record_await(kind, line, object);
}

/** For AWAIT: the first poll. The function is read before anything is called, so that the compiler can
 *  put in the poll of an awaitable that it has just seen being made. */
static inline enum poll await_first(struct awaitable *a, unsigned line)
{
	enum poll (*poll)(struct awaitable *) = a->poll;

	async_trace_await(a->kind, line, a);
	return poll(a);
}

#define ASYNC_BEGIN(me)                                                                            \
	if (!(me)->async.resume)                                                                   \
		(me)->async.resume = &&async_begin_;                                               \
	goto *(me)->async.resume;                                                                  \
	async_begin_:

/** Ends the function, with status 0. The frame may then be used for another call. */
#define ASYNC_END(me) ASYNC_RETURN(me, 0)

/** Ends the function early, with @p result as its status. */
#define ASYNC_RETURN(me, result)                                                                   \
	do {                                                                                       \
		(me)->async.status = (result);                                                     \
		(me)->async.resume = NULL;                                                         \
		return POLL_READY;                                                                 \
	} while (0)

/** For AWAIT: @p label as it is. gcc takes it for a variable's address that outlives its block. */
static inline void *async_label(void *label)
{
	__asm__("" : "+r"(label));
	return label;
}

/** Goes on when @p awaitable_ptr, an expression evaluated once that gives a struct awaitable *,
 *  is ready. It is kept in the object it points to, which must live in the frame. */
#define AWAIT(me, awaitable_ptr)                                                                   \
	do {                                                                                       \
		__label__ again_, done_;                                                           \
		struct awaitable *first_ = (awaitable_ptr);                                        \
		(me)->async.awaiting = first_;                                                     \
		/* release: who ends this task here sees does, and then what (frame.h) */          \
		atomic_signal_fence(memory_order_release);                                         \
		(me)->async.does = ASYNC_AWAITS;                                                   \
		if (await_first(first_, __LINE__) == POLL_READY)                                   \
			goto done_;                                                                \
		(me)->async.resume = async_label(&&again_);                                        \
		return POLL_PENDING;                                                               \
	again_:                                                                                    \
		if (await_poll((me)->async.awaiting) == POLL_PENDING)                              \
			return POLL_PENDING;                                                       \
	done_:                                                                                     \
		(me)->async.does = ASYNC_RUNS;                                                     \
	} while (0)

/** Calls the async function @p fn with @p child, a frame within this one, and goes on when it
 *  ended. The child's async.status is its result. */
#define AWAIT_CALL(me, fn, child)                                                                  \
	do {                                                                                       \
		__label__ again_;                                                                  \
		(me)->async.callee = (struct async *)(child);                                      \
		atomic_signal_fence(memory_order_release); /* as in AWAIT */                       \
		(me)->async.does = ASYNC_CALLS;                                                    \
		(me)->async.resume = &&again_;                                                     \
		async_trace_await(TRACE_await_kind_call, __LINE__, (child));                       \
	again_:                                                                                    \
		if (fn(child) == POLL_PENDING)                                                     \
			return POLL_PENDING;                                                       \
		(me)->async.does = ASYNC_RUNS;                                                     \
	} while (0)
