/*
 * The whole way, on a board: the port is switched to give back what it sends, and each character
 * that is written comes through the chip, the interrupt and the ring. For boards.
 */
#include "../../common/program.h"
#include "arch/arch.h"
#include "core/console.h"
#include "core/time.h"

#define ROUNDS   40u
#define LIMIT_NS MS(20) /* of the machine's own time; a character takes 87 us */

#if defined(__x86_64__)
#include "x86.h"

#define MODEM 0x3fc /* PC16550D, 8.6.7: bit 4 is loopback */

static void give_back(bool on)
{
	u8 modem = inb(MODEM);

	outb(MODEM, (u8)(on ? modem | 0x10 : modem & ~0x10));
}
#else
#define CONTROL 0x9000030ul /* DDI 0183, 3.3.8: bit 7 is loopback */

static void give_back(bool on)
{
	u32 control = mmio_read32(CONTROL);

	mmio_write32(CONTROL, on ? control | 0x80 : control & ~0x80u);
}
#endif

static void ignore(void *arg)
{
	(void)arg;
}

static bool take(char *byte)
{
	u64 limit_ns = clock_ns() + LIMIT_NS;

	while (!console_take(byte)) {
		if (clock_ns() > limit_ns)
			return false;
		arch_relax();
	}
	return true;
}

/* Nothing may be printed while the port talks to itself, so what is wrong is noted. */
static void what_is_sent_comes_back(void)
{
	u64 random = test_number(board_cmdline(), "set", 1);
	unsigned lost = 0, wrong = 0;
	char byte;

	console_on_input(ignore, NULL);
	give_back(true);
	while (console_take(&byte))
		;
	for (unsigned i = 0; i < ROUNDS && !lost; i++) {
		char c = (char)('!' + test_below(&random, 90));

		board_putc(c);
		if (!take(&byte))
			lost++;
		else
			wrong += byte != c;
	}
	give_back(false);
	kprintf("\n"); /* QEMU's PL011 shows what it gives back, too */
	EXPECT(!lost,
	       "a character was sent to the port itself, and no interrupt has brought it back: "
	       "is receiving on, and the interrupt?");
	EXPECT(!wrong, "%u of %u characters came back as others", wrong, ROUNDS);
}

/* A clock that began before the machine did, or has no rate, shows here. */
static void the_clock_began_at_boot(void)
{
	u64 now_ns = clock_ns();

	EXPECT(now_ns < SEC(60),
	       "the clock says that the machine runs since %llu s, and it has only "
	       "just begun: what did the first instructions note?",
	       (unsigned long long)(now_ns / NS_PER_S));
}

static void all_cpus_run(void)
{
	for (unsigned i = 0; i < board_cpus(); i++)
		EXPECT(cpu_online(i), "CPU %u of %u does not run", i, board_cpus());
}

TESTS_MAIN(PLAIN(what_is_sent_comes_back), PLAIN(the_clock_began_at_boot), PLAIN(all_cpus_run));
