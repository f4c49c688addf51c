/*
 * ring.c: kernel/async/channel.c and kernel/core/console.c as queues in rings, by induction: any
 * state, and one operation by whoever has the lock. Who interferes without it is explored
 * (docs/proofs.md, channel, console-ring).
 */
#include "prove.h"

#include "arch/arch.h"

static u8 stack;
#define arch_sp() ((uptr)&stack + SPIN_STACK_BYTES)

#include "async/channel.c"
#include "core/console.c"

#define OPS 3 /* of senders, and of receivers: up to two of them wait */

struct order {
	unsigned n;
	struct channel_op *op[OPS];
};

static u8 slots[SLOTS * BYTES], sent[BYTES], received[BYTES];
static struct channel channel;
static struct channel_op send_0, send_1, send_2, receive_0, receive_1, receive_2;
static struct channel_op *const sends[OPS] = {&send_0, &send_1, &send_2};
static struct channel_op *const receives[OPS] = {&receive_0, &receive_1, &receive_2};
static struct order senders, receivers;
static u8 messages[SLOTS + 1][BYTES]; /* what is in it, and should be: from message first on */
static unsigned first, count;
static bool closed_before;
static char task_at[2 * OPS + 1];
static bool told[2 * OPS + 1];
static void *cpu[2] = {NULL, &task_at[2 * OPS]};
struct cpu *proof_cpu = (struct cpu *)cpu;

_Noreturn void panic(const char *fmt, ...)
{
	(void)fmt;
	CLAIM(false, "it panics");
	ASSUME(false);
	for (;;)
		;
}

void *memcpy(void *restrict to, const void *restrict from, usize bytes)
{
	for (usize i = 0; i < bytes; i++)
		((u8 *)to)[i] = ((const u8 *)from)[i];
	return to;
}

void task_wake(struct task *t)
{
	CLAIM(channel.lock.next != channel.lock.owner, "under the lock, which keeps it alive");
	told[(char *)t - task_at] = true;
}

void task_wake_release(struct task *t, struct spin *held, bool irqs)
{
	task_wake(t);
	spin_unlock(held, irqs);
}

void task_own(struct task *t, struct owned *o)
{
	(void)t, (void)o;
}

void task_disown(struct owned *o)
{
	(void)o;
}

static bool waits_in_order(const struct list *q, const struct order *o)
{
	const struct list *before = q;

	for (unsigned i = 0; i < o->n; i++) {
		if (before->next != &o->op[i]->waiter.link ||
		    o->op[i]->waiter.link.prev != before || !o->op[i]->waiter.task)
			return false;
		before = &o->op[i]->waiter.link;
	}
	return before->next == q && q->prev == before;
}

static bool holds_messages(void)
{
	if (channel.count != count || channel.head >= SLOTS)
		return false;
	for (unsigned k = 0; k < count; k++)
		for (unsigned i = 0; i < BYTES; i++)
			if (slots[(channel.head + k) % SLOTS * BYTES + i] != messages[first + k][i])
				return false;
	return true;
}

static bool first_is_told(const struct order *o)
{
	return !o->n || told[(char *)o->op[0]->waiter.task - task_at];
}

/* It is as it should be; and after a change, whoever is first and could go on is told. */
static void look(bool changed)
{
	CLAIM(holds_messages(), "the messages, in order");
	CLAIM(waits_in_order(&channel.senders, &senders), "senders as they came");
	CLAIM(waits_in_order(&channel.receivers, &receivers), "receivers as they came");
	CLAIM(channel.capacity == SLOTS && channel.message_bytes == BYTES &&
		      channel.slots == (char *)slots,
	      "what is constant");
	CLAIM(channel.lock.next == channel.lock.owner, "the lock is given back");
	CLAIM(!changed || !(count < SLOTS || channel.closed) || first_is_told(&senders),
	      "a sender who may go on is told");
	CLAIM(!changed || !(count || channel.closed) || first_is_told(&receivers),
	      "a receiver who may go on is told");
}

static void any_order(struct list *q, struct order *o, struct channel_op *const *op, char *tasks)
{
	list_init(q);
	o->n = nondet_unsigned();
	ASSUME(o->n < OPS);
	for (unsigned i = 0; i < o->n; i++) {
		o->op[i] = op[i];
		op[i]->waiter.task = (struct task *)&tasks[i];
		list_add_tail(q, &op[i]->waiter.link);
	}
}

static void any_channel(void)
{
	channel_init(&channel, slots, SLOTS, BYTES);
	CLAIM(!channel.count && !channel.closed && channel.head < SLOTS, "it begins empty");
	look(false);
	for (unsigned i = 0; i < OPS; i++) {
		(void)channel_send(sends[i], &channel, sent);
		(void)channel_receive(receives[i], &channel, received);
	}
	any_order(&channel.senders, &senders, sends, task_at);
	any_order(&channel.receivers, &receivers, receives, task_at + OPS);
	channel.head = nondet_u32();
	channel.count = count = nondet_u32();
	channel.closed = closed_before = nondet_bool();
	channel.lock.next = channel.lock.owner = nondet_u16();
	ASSUME(channel.head < SLOTS && count <= SLOTS);
	for (unsigned i = 0; i < SLOTS * BYTES; i++)
		slots[i] = nondet_u8();
	for (unsigned i = 0; i < BYTES; i++)
		sent[i] = nondet_u8();
	for (unsigned k = 0; k < count; k++)
		for (unsigned i = 0; i < BYTES; i++)
			messages[k][i] = slots[(channel.head + k) % SLOTS * BYTES + i];
}

static void add_message(void)
{
	for (unsigned i = 0; i < BYTES; i++)
		messages[count][i] = sent[i];
	count++;
}

/* What the contract says of one who may go first, or not; the messages as they should be then. */
static int spec(bool send, bool may_be_first)
{
	if (send ? closed_before : closed_before && !count)
		return ERR_CLOSED;
	if ((send ? count == SLOTS : !count) || !may_be_first)
		return ERR_AGAIN;
	if (send) {
		add_message();
	} else {
		first++;
		count--;
	}
	return 0;
}

static bool is_oldest(void)
{
	for (unsigned i = 0; i < BYTES; i++)
		if (received[i] != messages[0][i])
			return false;
	return true;
}

static void try(void)
{
	bool send = nondet_bool();
	int expected = spec(send, send ? !senders.n : !receivers.n);
	int err = send ? channel_try_send(&channel, sent) : channel_try_receive(&channel, received);

	REACHABLE(!err && send && count == SLOTS && receivers.n == 2, "the last slot is filled");
	REACHABLE(!err && !send && closed_before, "one of the rest");
	REACHABLE(err == ERR_CLOSED && !send, "no rest");
	CLAIM(err == expected, "done, or refused for the reason that there is");
	CLAIM(err || send || is_oldest(), "the oldest message");
	look(!err);
}

static void take_out(struct order *o, unsigned at)
{
	for (unsigned i = at; i + 1 < o->n; i++)
		o->op[i] = o->op[i + 1];
	o->n--;
}

static void poll(void)
{
	bool send = nondet_bool();
	struct order *o = send ? &senders : &receivers;
	unsigned at = nondet_unsigned();
	struct channel_op *op;
	enum poll answer;
	int expected;

	ASSUME(at < OPS);
	at = MIN(at, o->n);
	op = send ? sends[at] : receives[at];
	expected = spec(send, at == 0);
	answer = op_poll(&op->aw);
	REACHABLE(answer == POLL_PENDING && at == 0 && o->n == 2, "the first waits on");
	REACHABLE(answer == POLL_READY && at == 0 && o->n == 2 && !send, "the first gets one");
	if (expected == ERR_AGAIN) {
		if (at == o->n)
			o->op[o->n++] = op;
		CLAIM(answer == POLL_PENDING && op->waiter.task, "it waits");
		look(false);
		return;
	}
	if (at < o->n)
		take_out(o, at);
	CLAIM(answer == POLL_READY && op->status == expected && !op->waiter.task,
	      "done, or closed, and it waits no more");
	CLAIM(expected || send || is_oldest(), "the oldest message");
	look(true);
}

static void cancel(void)
{
	bool send = nondet_bool();
	struct order *o = send ? &senders : &receivers;
	unsigned at = nondet_unsigned();
	struct channel_op *op;

	ASSUME(at < OPS);
	at = MIN(at, o->n);
	op = send ? sends[at] : receives[at];
	REACHABLE(at == 0 && o->n == 2, "the first of two goes");
	op_cancel(&op->aw);
	if (at < o->n)
		take_out(o, at);
	CLAIM(!op->waiter.task && channel.closed == closed_before, "it waits no more");
	look(true);
}

static void close(void)
{
	channel_close(&channel);
	CLAIM(channel.closed, "closed");
	for (unsigned i = 0; i < OPS; i++)
		CLAIM((i >= senders.n || told[i]) && (i >= receivers.n || told[OPS + i]),
		      "all are told");
	look(true);
}

static unsigned calls;

static void hears(void *arg)
{
	calls += arg == &calls;
}

/* The console's ring, with any counters: they may wrap. */
static void console(void)
{
	u32 begin = nondet_u32(), n = nondet_u32(), more = nondet_u32(), fits;
	u64 dropped = nondet_u64();
	char bytes[INPUT_BYTES + 1], was[INPUT_BYTES], byte;

	ASSUME(n <= INPUT_BYTES && more <= INPUT_BYTES + 1);
	for (unsigned i = 0; i < INPUT_BYTES; i++)
		input[i] = was[i] = (char)nondet_u8();
	for (unsigned i = 0; i < more; i++)
		bytes[i] = (char)nondet_u8();
	input_begin = begin;
	input_end = begin + n;
	input_dropped = dropped;
	if (nondet_bool()) {
		CLAIM(console_take(&byte) == (n > 0), "a byte if there is one");
		CLAIM(!n || byte == was[begin % INPUT_BYTES], "the oldest");
		CLAIM(input_begin == begin + (n > 0) && input_end == begin + n, "it is gone");
		return;
	}
	if (nondet_bool())
		console_on_input(hears, &calls);
	console_input(bytes, more);
	fits = MIN(more, INPUT_BYTES - n);
	REACHABLE(begin > input_end && fits < more && n,
		  "a ring that is full, its counters wrapped");
	CLAIM(calls == (listener != NULL), "who listens is told once");
	CLAIM(input_begin == begin && input_end == begin + n + fits, "as many as fit");
	CLAIM(input_dropped == dropped + more - fits, "the rest is counted");
	for (unsigned i = 0; i < n; i++)
		CLAIM(input[(begin + i) % INPUT_BYTES] == was[(begin + i) % INPUT_BYTES],
		      "all that was there");
	for (unsigned i = 0; i < fits; i++)
		CLAIM(input[(begin + n + i) % INPUT_BYTES] == bytes[i], "and behind it, in order");
}

int main(void)
{
	any_channel();
	REACHABLE(SLOTS == 1 || (channel.head == SLOTS - 1 && count == 2),
		  "messages around the end");
	OPERATION();
	return 0;
}
