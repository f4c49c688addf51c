/*
 * uart.h: what the two models of serial ports share: bytes that arrive, bytes that were sent, and
 * the parts of the kernel above a driver.
 */
#pragma once

#include "../../common/host.h"
#include "arch/arch.h"
#include "core/console.h"
#include "core/irq.h"

#define BYTES_MAX 512u
#define POLLS_MAX 100000u

static char sent[BYTES_MAX], arrived[BYTES_MAX], handed[BYTES_MAX];
static unsigned sents, arrivals, taken, handeds, polls;
static void (*handler)(void *arg);
static void *handler_arg;

/* The chip has numbers of its own: how often a driver asks must not change what the tests draw. */
static u64 chip_state, bytes_state;

static u64 uart_below(u64 *state, u64 n)
{
	*state = *state * 6364136223846793005ull + 1442695040888963407ull; /* Knuth, MMIX */
	return (*state >> 33) % n;
}

static unsigned chip_below(unsigned n)
{
	return (unsigned)uart_below(&chip_state, n);
}

static void uart_reset(void)
{
	sents = arrivals = taken = handeds = polls = 0;
	chip_state = host_below(UINT64_MAX);
	bytes_state = host_below(UINT64_MAX);
}

/* Ends a test that would go on for ever. */
static void uart_polled(void)
{
	if (++polls < POLLS_MAX)
		return;
	EXPECT(false, "the driver polled the status %u times and went on: what does it wait for?",
	       polls);
	host_ran++;
	host_failed++;
	exit(host_end());
}

static void uart_sent(char c)
{
	if (sents < BYTES_MAX)
		sent[sents++] = c;
}

static void uart_arrives(void)
{
	if (arrivals < BYTES_MAX)
		arrived[arrivals++] = (char)('a' + uart_below(&bytes_state, 26));
}

static char uart_take(const char *when)
{
	EXPECT(taken < arrivals, "the driver reads a byte although %s", when);
	return taken < arrivals ? arrived[taken++] : '?';
}

/* The first @p sure bytes arrived whatever the driver did. */
static void uart_handed_over(unsigned sure)
{
	EXPECT(handeds == arrivals, "%u bytes arrived, and %u were handed to console_input",
	       arrivals, handeds);
	for (unsigned i = 0; i < handeds && i < arrivals; i++)
		EXPECT(handed[i] == arrived[i],
		       "byte %u that arrived is '%c', and '%c' was handed on", i, arrived[i],
		       handed[i]);
	for (unsigned i = 0; i < sure && i < handeds; i++)
		host_note((u8)handed[i]);
}

static void uart_went_out(const char *text)
{
	EXPECT(sents == strlen(text) && !memcmp(sent, text, sents),
	       "\"%s\" was to be sent, and \"%.*s\" was", text, (int)sents, sent);
	for (unsigned i = 0; i < sents; i++)
		host_note((u8)sent[i]);
}

/* What drivers call. */
void console_input(const char *bytes, usize n)
{
	for (; n && handeds < BYTES_MAX; n--)
		handed[handeds++] = *bytes++;
}

int irq_register(u32 irq, const char *name, void (*fn)(void *arg), void *arg)
{
	(void)irq;
	(void)name;
	handler = fn;
	handler_arg = arg;
	return 0;
}

void sim_relax(void)
{
}
