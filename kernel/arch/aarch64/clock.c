/*
 * clock.c: the virtual timer (Arm ARM D12): one-shot, compared with the counter that
 * arch_clock_ticks reads.
 */
#include "aarch64.h"
#include "core/time.h"

#define CNTV_CTL_ENABLE 1

u64 aarch64_clock_zero;

void arch_timer_init(void)
{
	SYSREG_WRITE(cntv_ctl_el0, 0);
	ISB();
}

void arch_timer_set(u64 deadline_ns)
{
	if (deadline_ns == TIME_NEVER) {
		SYSREG_WRITE(cntv_ctl_el0, 0);
	} else {
		SYSREG_WRITE(cntv_cval_el0, aarch64_clock_zero + clock_ns_to_ticks(deadline_ns));
		SYSREG_WRITE(cntv_ctl_el0, CNTV_CTL_ENABLE);
	}
	ISB();
}
