#include "async/async.h"

void async_record_await(unsigned kind, unsigned line, const void *object)
{
	TRACE(AWAIT, async_await, .tid = (i32)task_self()->id, .kind = (u16)kind,
	      .line = (u16)line, .object = (uptr)object);
}
