/*
 * links: async/mailbox.c async/semaphore.c async/wait.c task/fault.c
 *
 * The mailbox, a channel without bound: one sends two messages, then closes it; of two receivers
 * one looks once only and withdraws. Messages come once, in order, and a receiver that withdraws
 * takes no other's wake-up with it. Who takes need not be a task. Once it is closed it takes none,
 * and nobody waits.
 */
#include "async/mailbox.h"
#include "tasks.h"

const unsigned explore_threads = 3;

static struct mailbox box;
static struct mail {
	struct list link;
	unsigned number;
} mails[2] = {{.number = 1}, {.number = 2}};
static unsigned got[3][2];

void explore_begin(void)
{
	tasks_begin();
	mailbox_init(&box);
}

static unsigned take(void)
{
	struct list *link = mailbox_take(&box);

	return link ? LIST_ENTRY(link, struct mail, link)->number : 0;
}

void explore_thread(unsigned id)
{
	struct awaitable *a;
	struct wait w;

	task_begin(id);
	if (id == 0) {
		for (unsigned i = 0; i < 2; i++)
			ASSERT(!mailbox_send(&box, &mails[i].link));
		return;
	}
	a = mailbox_wait(&w, &box);
	if (id == 1) {
		await(a);
		ASSERT(tasks[id].owned ==
		       &w.owned); /* told of one: should it die now, another is */
		got[id][0] = take();
	} else if (await_poll(a) == POLL_READY) {
		got[id][0] = take();
	} else {
		await_cancel(a);
	}
}

static void end_it(void)
{
	struct wait w;

	mailbox_close(&box);
	mailbox_close(&box);
	ASSERT(mailbox_send(&box, &mails[0].link) == ERR_CLOSED);
	cpus[0].current = &tasks[0];
	for (unsigned i = 0; i < 2; i++)
		ASSERT(await_poll(mailbox_wait(&w, &box)) == POLL_READY && !take());
}

void explore_end(void)
{
	unsigned rest = 0, n = 0;
	struct list *link;

	ASSERT(got[1][0] && got[1][0] != got[2][0]);
	cpus[0].current = NULL;
	while ((link = mailbox_take(&box)) != NULL) {
		rest += LIST_ENTRY(link, struct mail, link)->number;
		n++;
	}
	ASSERT(got[1][0] + got[2][0] + rest == 3);
	ASSERT(n == (got[2][0] ? 0u : 1u) &&
	       (atomic_load(&box.mails.free) & ~SEMAPHORE_WAITED) == n);
	ASSERT(!box.mails.queue.count && !tasks[1].owned && !tasks[2].owned);
	end_it();
}
