/*
 * clock.c: deadlines for the local APIC's one-shot timer. A deadline that is further away than
 * the timer counts makes it fire early, which core/timer.c meets by setting it again.
 */
#include "clock.h"
#include "arch/arch.h"
#include "base/panic.h"
#include "core/time.h"
#include "lapic.h"

static u64 ticks_per_ns_32; /* times 2^32 */

void x86_timer_set_hz(u64 hz)
{
	ASSERT(hz && hz < NS_PER_S * 4);
	ticks_per_ns_32 = (hz << 32) / NS_PER_S;
}

void arch_timer_init(void)
{
	lapic_timer_start(0);
	lapic_timer_mask(false);
}

void arch_timer_set(u64 deadline_ns)
{
	u64 now_ns, ticks;

	if (deadline_ns == TIME_NEVER) {
		lapic_timer_start(0);
		return;
	}
	now_ns = clock_ns();
	ticks = deadline_ns > now_ns
			? (u64)((unsigned __int128)(deadline_ns - now_ns) * ticks_per_ns_32 >> 32)
			: 0;
	lapic_timer_start((u32)MIN(ticks + 1, UINT32_MAX));
}
