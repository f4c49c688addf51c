/*
 * The table of interrupt handlers and the table of symbols.
 * cpus: 1
 */
#include "../test.h"
#include "core/irq.h"
#include "core/ksym.h"

static unsigned calls;

static void handler(void *arg)
{
	CHECK(arg == &calls);
	calls++;
}

/* As the architecture's entry code does, without a device. */
static void interrupt(u32 irq)
{
	bool irqs = arch_irq_save();

	irq_device(irq_enter((uptr)interrupt), irq);
	irq_exit();
	arch_irq_restore(irqs);
}

static u64 count_seen;
static unsigned rows, last_irq;

static void see_row(const char *name, u32 irq, u64 count)
{
	CHECK(!rows || irq > last_irq);
	rows++;
	last_irq = irq;
	if (!strcmp(name, "test"))
		count_seen = count;
}

static void a_registered_handler_is_called(void)
{
	const u32 irq = 17;
	unsigned before;

	irq_for_each(see_row);
	before = rows;
	interrupt(irq); /* nobody's: nothing happens */
	CHECK_EQ(calls, 0);
	CHECK_EQ(irq_register(irq, "test", handler, &calls), 0);
	for (unsigned n = 1; n <= 3; n++) {
		interrupt(irq);
		CHECK_EQ(calls, n);
	}
	interrupt(irq + 1);
	interrupt(IRQS_MAX);
	interrupt(UINT32_MAX);
	CHECK_EQ(calls, 3);
	rows = 0;
	irq_for_each(see_row);
	CHECK_EQ(rows, before + 1);
	CHECK_EQ(count_seen, 3);
}

static void wrong_registrations_are_refused(void)
{
	CHECK_EQ(irq_register(17, "again", handler, NULL), ERR_BUSY);
	CHECK_EQ(irq_register(IRQS_MAX, "beyond", handler, NULL), ERR_INVAL);
	CHECK_EQ(irq_register(18, NULL, handler, NULL), ERR_INVAL);
	CHECK_EQ(irq_register(18, "none", NULL, NULL), ERR_INVAL);
}

static void addresses_have_names(void)
{
	uptr offset = 99;

	CHECK_STR(ksym_find((uptr)ksym_find, &offset), "ksym_find");
	CHECK_EQ(offset, 0);
	CHECK_STR(ksym_find((uptr)ksym_find + 1, &offset), "ksym_find");
	CHECK_EQ(offset, 1);
	CHECK_STR(ksym_find((uptr)irq_for_each, &offset), "irq_for_each");
	CHECK(ksym_find(0, &offset) == NULL);
	CHECK(ksym_find(UINTPTR_MAX, &offset) != NULL);
}

TESTS_MAIN(PLAIN(a_registered_handler_is_called), PLAIN(wrong_registrations_are_refused),
	   PLAIN(addresses_have_names));
