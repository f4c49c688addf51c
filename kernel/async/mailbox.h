/*
 * mailbox.h: an unbounded channel. A sender never waits, and nothing is copied or allocated: the
 * message brings its own link, and belongs to the mailbox until it is taken. Messages leave in the
 * order in which they were sent; of several receivers the one that came first is told first.
 * Context: any, except where said. One spin lock, the semaphore's.
 */
#pragma once

#include "async/semaphore.h"

struct mailbox {
	struct semaphore mails; /* a permit for each; without number once it is closed */
	struct list list;       /* under mails.queue.lock, like closed */
	bool closed;
};

void mailbox_init(struct mailbox *b);

/** Puts the message that @p link, in no list, is a member of. Errors: ERR_CLOSED. */
int mailbox_send(struct mailbox *b, struct list *link) MUST_CHECK;

/** No more can be sent; receivers get the rest, and then ERR_CLOSED. Does nothing twice. */
void mailbox_close(struct mailbox *b);

/** Ready when there is a message for the caller, who then calls mailbox_take once. Context: task.
 */
struct awaitable *mailbox_wait(struct wait *w, struct mailbox *b);

/** The oldest message's link, for whom mailbox_wait was ready; NULL: closed and empty. A task that
 *  ends between the two passes the message on: its struct wait stays where it is until then. A task
 *  that may be killed shields itself (task/fault.h) until the message is on some list again. */
struct list *mailbox_take(struct mailbox *b);
