/* Channels: a message's way, with and without a task that waits for it. */
#include "async/channel.h"
#include "async/join.h"
#include "async/mailbox.h"
#include "bench.h"

#define SLOTS 4u
#define BYTES_MAX 64u

static char ping_slots[SLOTS * BYTES_MAX], pong_slots[SLOTS * BYTES_MAX];
static struct channel ping, pong;

struct peer {
	struct async async;
	struct channel_op op;
	char message[BYTES_MAX];
};

static void init_channels(u32 bytes)
{
	channel_init(&ping, ping_slots, SLOTS, bytes);
	channel_init(&pong, pong_slots, SLOTS, bytes);
}

static void report(const char *what, u32 bytes)
{
	char metric[48];

	ksnprintf(metric, sizeof metric, "chan.%s.%uB", what, bytes);
	bench_report(metric);
}

static void measure_alone(u32 bytes)
{
	char message[BYTES_MAX] = {0};

	init_channels(bytes);
	while (bench_more()) {
		bench_begin();
		must(channel_try_send(&ping, message));
		must(channel_try_receive(&ping, message));
		bench_end();
	}
	report("send_recv", bytes);
}

/* Waits for messages, more urgent than who sends them. */
static enum poll receiver(void *frame)
{
	struct peer *me = frame;

	ASYNC_BEGIN(me);
	for (;;) {
		AWAIT(me, channel_receive(&me->op, &ping, me->message));
		bench_end();
		if (me->op.status)
			ASYNC_RETURN(me, 0);
	}
	ASYNC_END(me);
}

/* Sends back what it gets. */
static enum poll echo(void *frame)
{
	struct peer *me = frame;

	ASYNC_BEGIN(me);
	for (;;) {
		AWAIT(me, channel_receive(&me->op, &ping, me->message));
		if (me->op.status)
			ASYNC_RETURN(me, 0);
		AWAIT(me, channel_send(&me->op, &pong, me->message));
	}
	ASYNC_END(me);
}

struct main {
	struct async async;
	struct join join;
	struct task *other;
	struct peer peer;
	u32 bytes;
};

static enum poll measure_send_to_run(void *frame)
{
	struct main *me = frame;

	ASYNC_BEGIN(me);
	init_channels(me->bytes);
	must(TASK_SPAWN(&me->other, "high", receiver, (struct peer){}, SCHED_PARAMS_FIFO(12)));
	while (bench_more()) {
		bench_begin();
		AWAIT(me, channel_send(&me->peer.op, &ping, me->peer.message));
	}
	report("send_to_run", me->bytes);
	channel_close(&ping);
	AWAIT(me, task_join(&me->join, me->other));
	task_put(me->other);
	ASYNC_END(me);
}

static enum poll measure_pingpong(void *frame)
{
	struct main *me = frame;

	ASYNC_BEGIN(me);
	init_channels(me->bytes);
	must(TASK_SPAWN(&me->other, "echo", echo, (struct peer){}, SCHED_PARAMS_FIFO(BENCH_LEVEL)));
	while (bench_more()) {
		bench_begin();
		AWAIT(me, channel_send(&me->peer.op, &ping, me->peer.message));
		AWAIT(me, channel_receive(&me->peer.op, &pong, me->peer.message));
		bench_end();
	}
	report("pingpong", me->bytes);
	channel_close(&ping);
	AWAIT(me, task_join(&me->join, me->other));
	task_put(me->other);
	ASYNC_END(me);
}

static struct mailbox mailbox;

struct mail_peer {
	struct async async;
	struct wait wait;
};

static enum poll mail_receiver(void *frame)
{
	struct mail_peer *me = frame;

	ASYNC_BEGIN(me);
	for (;;) {
		AWAIT(me, mailbox_wait(&me->wait, &mailbox));
		if (!mailbox_take(&mailbox))
			ASYNC_RETURN(me, 0);
		bench_end();
	}
	ASYNC_END(me);
}

static void measure_mailbox(void)
{
	static struct list mail;

	mailbox_init(&mailbox);
	must(TASK_SPAWN(NULL, "high", mail_receiver, (struct mail_peer){}, SCHED_PARAMS_FIFO(12)));
	while (bench_more()) {
		bench_begin();
		must(mailbox_send(&mailbox, &mail));
	}
	bench_report("chan.send_to_run.mailbox");
}

struct top {
	struct async async;
	struct main main;
	unsigned i;
};

static enum poll bench(void *frame)
{
	static const u32 sizes[] = {16, 64};
	struct top *me = frame;

	ASYNC_BEGIN(me);
	bench_calibrate();
	for (me->i = 0; me->i < ARRAY_LEN(sizes); me->i++) {
		me->main.bytes = sizes[me->i];
		measure_alone(me->main.bytes);
		AWAIT_CALL(me, measure_send_to_run, &me->main);
		AWAIT_CALL(me, measure_pingpong, &me->main);
	}
	measure_mailbox();
	bench_done();
	ASYNC_END(me);
}

BENCH_MAIN(bench, struct top)
