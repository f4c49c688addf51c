#include "drivers/timer/pmtimer.h"
#include "x86.h"

#define PM_TIMER_HZ 3579545u

static u16 pm_port;

static u32 read_counter(void)
{
	return inl(pm_port);
}

static struct reference pmtimer = {.name = "pmtimer", .hz = PM_TIMER_HZ, .read = read_counter};

const struct reference *pmtimer_init(u16 port, bool wide)
{
	pm_port = port;
	pmtimer.mask = wide ? UINT32_MAX : 0xffffff;
	return reference_moves(&pmtimer) ? &pmtimer : NULL;
}
