#include "lapic.h"
#include "arch/arch.h"
#include "vectors.h"
#include "x86.h"

#define MSR_APIC_BASE      0x1b
#define APIC_BASE_ENABLE   (1u << 11)
#define APIC_BASE_X2APIC   (1u << 10)
#define APIC_BASE_ADDRESS  0x000ffffffffff000ull
#define CPUID_1_ECX_X2APIC (1u << 21)

/* Like those of lapic.h. */
enum {
	REG_ID = 0x20,
	REG_PRIORITY = 0x80,
	REG_SPURIOUS = 0xf0,
	REG_COMMAND = 0x300,
	REG_COMMAND_HIGH = 0x310,
	REG_LVT_TIMER = 0x320,
	REG_LVT_LINT0 = 0x350,
	REG_LVT_ERROR = 0x370,
	REG_TIMER_CURRENT = 0x390,
	REG_TIMER_DIVIDE = 0x3e0,
};

#define SPURIOUS_ENABLE 0x100u
#define LVT_MASKED      0x10000u
#define COMMAND_PENDING 0x1000u
#define DIVIDE_BY_1     0xbu

struct lapic lapic;

static u32 read(u32 reg)
{
	return lapic.x2apic ? (u32)rdmsr(0x800 + reg / 16) : mmio_read32(lapic.base + reg);
}

u64 lapic_base(void)
{
	return rdmsr(MSR_APIC_BASE) & APIC_BASE_ADDRESS;
}

void lapic_init(void)
{
	lapic.base = lapic_base();
	lapic.x2apic = cpuid(1).ecx & CPUID_1_ECX_X2APIC;
}

void lapic_cpu_init(void)
{
	u64 mode = rdmsr(MSR_APIC_BASE) | APIC_BASE_ENABLE;

	/* Disabled to x2APIC in one step is not allowed (SDM vol. 3, 10.12.5). */
	wrmsr(MSR_APIC_BASE, mode);
	if (lapic.x2apic)
		wrmsr(MSR_APIC_BASE, mode | APIC_BASE_X2APIC);
	lapic_write(REG_PRIORITY, 0);
	lapic_write(REG_SPURIOUS, SPURIOUS_ENABLE | VECTOR_SPURIOUS);
	lapic_write(REG_LVT_LINT0, LVT_MASKED); /* the legacy controllers' wire */
	lapic_write(REG_LVT_ERROR, LVT_MASKED);
	lapic_write(REG_TIMER_DIVIDE, DIVIDE_BY_1);
	lapic_timer_mask(true);
	lapic_timer_start(0);
}

u32 lapic_id(void)
{
	return lapic.x2apic ? read(REG_ID) : read(REG_ID) >> 24;
}

u32 lapic_id_max(void)
{
	return lapic.x2apic ? UINT32_MAX - 1 : 254;
}

void lapic_send(u32 dest, u32 message)
{
	if (lapic.x2apic) {
		/* wrmsr may overtake stores here (SDM vol. 3, 10.12.3). */
		__asm__ volatile("mfence\n\tlfence" ::: "memory");
		wrmsr(0x800 + REG_COMMAND / 16, (u64)dest << 32 | message);
		return;
	}

	/* Two registers make one message: no interrupt's message may come between. */
	bool irqs = arch_irq_save();

	while (read(REG_COMMAND) & COMMAND_PENDING)
		arch_relax();
	lapic_write(REG_COMMAND_HIGH, dest << 24);
	lapic_write(REG_COMMAND, message);
	arch_irq_restore(irqs);
}

u32 lapic_timer_left(void)
{
	return read(REG_TIMER_CURRENT);
}

void lapic_timer_mask(bool masked)
{
	lapic_write(REG_LVT_TIMER, masked ? LVT_MASKED | VECTOR_TIMER : VECTOR_TIMER);
}
