/*
 * firmware.c: questions to the VideoCore by mailbox channel 8, property tags. Source: Raspberry
 * Pi firmware wiki, "Mailboxes" and "Mailbox property interface".
 */
#include "aarch64.h"
#include "arch/arch.h"
#include "base/string.h"
#include "board/raspi/raspi.h"

enum { MAILBOX = 0xb880, READ = 0x00, STATUS = 0x18, WRITE = 0x20 };
#define STATUS_FULL  (1u << 31)
#define STATUS_EMPTY (1u << 30)
enum { CHANNEL_PROPERTY = 8, CHANNEL_MASK = 15 };
#define REQUEST     0u
#define RESPONSE_OK 0x80000000u

enum { TAG_REVISION = 0x00010002, TAG_ARM_MEMORY = 0x00010005, TAG_CLOCK_RATE = 0x00030002 };

#define SPINS_MAX 10000000u /* the firmware answers within milliseconds, or never */

static uptr mailbox;

/* The firmware reads and writes memory behind the caches' back: no neighbours in its lines. */
static u32 message[16] CACHE_ALIGNED;

void firmware_init(uptr peripherals)
{
	mailbox = peripherals + MAILBOX;
}

static bool wait_while(u32 bit)
{
	for (u32 n = 0; n < SPINS_MAX; n++) {
		if (!(mmio_read32(mailbox + STATUS) & bit))
			return true;
		arch_relax();
	}
	return false;
}

/* Asks for @p tag with @p in in the first value; the two values of the answer go to @p out. */
static int ask(u32 tag, u32 in, u32 out[2])
{
	u32 letter = (u32)(uptr)message | CHANNEL_PROPERTY;
	u32 text[] = {8 * 4, REQUEST, tag, 2 * 4, 0, in, 0, 0};

	memcpy(message, text, sizeof text);
	aarch64_clean(message, sizeof message);
	if (!wait_while(STATUS_FULL))
		return ERR_TIMEOUT;
	mmio_write32(mailbox + WRITE, letter);
	do {
		if (!wait_while(STATUS_EMPTY))
			return ERR_TIMEOUT;
	} while (mmio_read32(mailbox + READ) != letter);
	aarch64_clean(message, sizeof message);
	if (*(volatile u32 *)&message[1] != RESPONSE_OK)
		return ERR_NOTSUP;
	out[0] = message[5];
	out[1] = message[6];
	return 0;
}

int firmware_arm_memory(u32 *base, u32 *bytes)
{
	u32 out[2];
	int err = ask(TAG_ARM_MEMORY, 0, out);

	if (err)
		return err;
	*base = out[0];
	*bytes = out[1];
	return 0;
}

int firmware_revision(u32 *code)
{
	u32 out[2];
	int err = ask(TAG_REVISION, 0, out);

	if (err)
		return err;
	*code = out[0];
	return 0;
}

int firmware_clock_hz(enum firmware_clock clock, u32 *hz)
{
	u32 out[2];
	int err = ask(TAG_CLOCK_RATE, clock, out);

	if (err)
		return err;
	*hz = out[1];
	return 0;
}
