/*
 * Starting CPUs: INIT to all, then a start-up message to each (Intel SDM vol. 3, 8.4.4.1),
 * again after 200 us if it has not arrived. Each CPU counts itself in; nothing here waits for it.
 */
#include "smp.h"
#include "base/string.h"
#include "board/board.h"
#include "boot.h"
#include "core/cpu.h"
#include "core/time.h"
#include "drivers/irqchip/apic.h"
#include "firmware.h"
#include "lapic.h"
#include "memory.h"
#include "x86.h"

#define RESET_NS       MS(10) /* between the two, where it is needed */
#define START_RETRY_NS US(200)

/* EBX of CPUID leaf 0: the first letters of GenuineIntel, AuthenticAMD, HygonGenuine. */
#define VENDOR_INTEL 0x756e6547u
#define VENDOR_AMD   0x68747541u
#define VENDOR_HYGON 0x6f677948u

static unsigned cpu_total = 1;
static u64 reset_ns; /* when the others were reset, 0 before */

struct ap_slot ap_slots[CPUS_MAX];

/* entry.S knows these. */
_Static_assert(sizeof(struct ap_slot) == 16, "stride");
_Static_assert(offsetof(struct ap_slot, arrived) == 4, "set");
_Static_assert(offsetof(struct ap_slot, stack_top) == 8, "loaded");
_Static_assert(CPUS_MAX == 64, "count");

void smp_init(void)
{
	const struct acpi_madt *m = &firmware.madt;
	u32 own = lapic_id();

	for (unsigned i = 0; i < CPUS_MAX; i++)
		ap_slots[i].apic_id = AP_NO_ID;
	apic_set_id(0, own);
	for (unsigned i = 0; i < m->cpus && cpu_total < CPUS_MAX && memory_low_page(); i++) {
		if (m->apic_id[i] == own || m->apic_id[i] > lapic_id_max())
			continue;
		apic_set_id(cpu_total, m->apic_id[i]);
		ap_slots[cpu_total].apic_id = m->apic_id[i];
		cpu_total++;
	}
}

unsigned board_cpus(void)
{
	return cpu_total;
}

static void wait_until(u64 at_ns)
{
	while (clock_ns() < at_ns)
		arch_relax();
}

/* The pause of the SDM is for CPUs older than this architecture, and the first ones that had it.
 * Source: Linux arch/x86/kernel/smpboot.c, smp_quirk_init_udelay. */
static bool reset_needs_pause(void)
{
	u32 vendor = cpuid(0).ebx, family = cpuid(1).eax >> 8 & 15;

	if (vendor == VENDOR_INTEL)
		return family != 6;
	return vendor != VENDOR_AMD && vendor != VENDOR_HYGON;
}

static void reset_others(void)
{
	if (reset_ns)
		return;
	memcpy((void *)memory_low_page(), ap_trampoline,
	       (usize)(ap_trampoline_end - ap_trampoline));
	for (unsigned cpu = 1; cpu < cpu_total; cpu++)
		apic_reset(cpu);
	reset_ns = clock_ns();
	if (reset_needs_pause())
		wait_until(reset_ns + RESET_NS);
}

int board_cpu_start(unsigned cpu, void *stack_top)
{
	struct ap_slot *slot = &ap_slots[cpu];
	u64 retry_ns;

	if (cpu == 0 || cpu >= cpu_total)
		return ERR_INVAL;
	slot->stack_top = stack_top;
	reset_others();
	apic_start(cpu, memory_low_page());
	retry_ns = clock_ns() + START_RETRY_NS;
	while (clock_ns() < retry_ns) {
		if (atomic_load_explicit(&slot->arrived, memory_order_relaxed))
			return 0;
		arch_relax();
	}
	apic_start(cpu, memory_low_page());
	return 0;
}
