/* From a number to a handler. */
#include "../../common/program.h"
#include "core/irq.h"

#define NUMBER 900u

static unsigned calls;
static void *got;
static u64 counted;

static void handler(void *arg)
{
	calls++;
	got = arg;
}

static void look(const char *name, u32 irq, u64 count)
{
	(void)name;
	if (irq == NUMBER)
		counted = count;
}

static void strike(void)
{
	bool irqs = arch_irq_save();
	struct cpu *c = irq_enter((uptr)strike);

	irq_device(c, NUMBER);
	irq_exit();
	arch_irq_restore(irqs);
}

static void a_handler_is_called_once(void)
{
	int mine = 0, err;

	strike();
	EXPECT(!calls, "an interrupt that nobody registered for called a handler");
	err = irq_register(NUMBER, "mine", handler, &mine);
	EXPECT(!err, "registering a free number gives %s", err_name(err));
	for (unsigned i = 1; i <= 3; i++) {
		strike();
		EXPECT(calls == i,
		       "an interrupt struck %u times, and its handler was called %u times", i,
		       calls);
	}
	EXPECT(got == &mine, "the handler did not get its argument");
	irq_for_each(look);
	EXPECT(counted == 3, "an interrupt struck 3 times, and %llu are counted",
	       (unsigned long long)counted);
}

static void mistakes_are_refused(void)
{
	int err = irq_register(NUMBER, "again", handler, NULL);

	EXPECT(err == ERR_BUSY, "registering a number that is taken gives %s, not that it is taken",
	       err_name(err));
	err = irq_register(IRQS_MAX, "far", handler, NULL);
	EXPECT(err == ERR_INVAL, "registering number %u of %u gives %s", IRQS_MAX, IRQS_MAX,
	       err_name(err));
	err = irq_register(NUMBER + 1, "none", NULL, NULL);
	EXPECT(err == ERR_INVAL, "registering no handler gives %s", err_name(err));
}

TESTS_MAIN(PLAIN(a_handler_is_called_once), PLAIN(mistakes_are_refused));
