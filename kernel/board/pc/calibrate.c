#include "calibrate.h"
#include "arch/arch.h"
#include "base/panic.h"
#include "clock.h"
#include "core/time.h"
#include "drivers/timer/hpet.h"
#include "drivers/timer/pmtimer.h"
#include "firmware.h"
#include "lapic.h"

#define MEASURE_DIVISOR 100 /* of a second */
#define SAMPLE_TRIES    16

/* The three counters at the same time. */
struct sample {
	u64 tsc;
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
			best = (struct sample){begin + took / 2, reference, timer};
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

void calibrate(void)
{
	const struct reference *r = find_reference();
	struct sample begin, end;
	u64 passed;

	if (!r)
		panic("no clock to measure with: neither an HPET nor an ACPI timer");
	lapic_timer_start(UINT32_MAX);
	begin = take(r);
	while (((r->read() - begin.reference) & r->mask) < r->hz / MEASURE_DIVISOR)
		arch_relax();
	end = take(r);
	lapic_timer_start(0);
	passed = (end.reference - begin.reference) & r->mask;
	clock_init((end.tsc - begin.tsc) * r->hz / passed);
	x86_timer_set_hz((u64)(begin.timer - end.timer) * r->hz / passed);
}
