/* reader.h: waiting for a byte of the console, as the shell does. */
#pragma once

#include "async/async.h"
#include "core/console.h"

struct console_read {
	struct awaitable aw;
	char byte;
};

static enum poll read_poll(struct awaitable *a)
{
	return console_take(&CONTAINER_OF(a, struct console_read, aw)->byte) ? POLL_READY
									     : POLL_PENDING;
}

static void read_cancel(struct awaitable *a)
{
	(void)a;
}

static struct awaitable *console_read(struct console_read *r)
{
	r->aw = (struct awaitable){read_poll, read_cancel, TRACE_await_kind_console};
	return &r->aw;
}
