#include "calibrate.h"
#include "arch/arch.h"
#include "base/panic.h"
#include "clock.h"
#include "core/time.h"
#include "drivers/timer/hpet.h"
#include "drivers/timer/pmtimer.h"
#include "firmware.h"
#include "lapic.h"

#define LIMIT_DIVISOR 100   /* of a second: measure no longer than that */
#define PRECISION     10000 /* one part in so many, as crystals have it, is enough */
#define SAMPLE_TRIES  16

/* The three counters at the same time. */
struct sample {
	u64 tsc, took;
	u32 reference, timer;
};

/* The try that took the least time was interrupted the least, by a hypervisor above all. */
static struct sample take(const struct reference *r)
{
	struct sample best = {0};
	u64 least = UINT64_MAX;

	for (unsigned i = 0; i < SAMPLE_TRIES; i++) {
		u64 begin = x86_tsc();
		u32 reference = r->read();
		u32 timer = lapic_timer_left();
		u64 took = x86_tsc() - begin;

		if (took < least) {
			least = took;
			best = (struct sample){begin + took / 2, took, reference, timer};
		}
	}
	return best;
}

static const struct reference *find_reference(void)
{
	const struct reference *r = firmware.hpet ? hpet_init(firmware.hpet) : NULL;

	if (!r && firmware.fadt.pm_timer_port)
		r = pmtimer_init(firmware.fadt.pm_timer_port, firmware.fadt.pm_timer_wide);
	return r;
}

/* Each sample is off by up to half of what it took, and by a tick of the reference. */
static bool precise(const struct sample *begin, const struct sample *end, u32 passed)
{
	u64 span = end->tsc - begin->tsc;

	return passed && span / PRECISION >= (begin->took + end->took) / 2 + 2 * span / passed;
}

void calibrate(void)
{
	const struct reference *r = find_reference();
	struct sample begin, end;
	u32 passed;

	if (!r)
		panic("no clock to measure with: neither an HPET nor an ACPI timer");
	lapic_timer_start(UINT32_MAX);
	begin = take(r);
	do {
		end = take(r);
		passed = (end.reference - begin.reference) & r->mask;
	} while (passed < r->hz / LIMIT_DIVISOR && !precise(&begin, &end, passed));
	lapic_timer_start(0);
	clock_init((end.tsc - begin.tsc) * r->hz / passed);
	x86_timer_set_hz((u64)(begin.timer - end.timer) * r->hz / passed);
}
