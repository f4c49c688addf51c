#include "drivers/irqchip/apic.h"
#include "core/cpu.h"
#include "drivers/irqchip/ioapic.h"
#include "lapic.h"
#include "vectors.h"
#include "x86.h"

void apic_set_id(unsigned cpu, u32 id)
{
	cpus[cpu].arch.apic_id = id;
}

static void send(unsigned cpu, u32 message)
{
	lapic_send(cpus[cpu].arch.apic_id, message);
}

static void apic_send_hint(unsigned cpu)
{
	send(cpu, LAPIC_FIXED(VECTOR_HINT));
}

void apic_reset(unsigned cpu)
{
	send(cpu, LAPIC_INIT);
}

void apic_start(unsigned cpu, uptr page)
{
	send(cpu, LAPIC_STARTUP((u32)page >> 12));
}

/* A message to oneself with the vector of the device interrupt. */
static void apic_raise(u32 irq)
{
	if (irq < VECTOR_DEVICES)
		send(cpu_id(), LAPIC_FIXED(VECTOR_DEVICE + irq));
}

const struct irqchip apic = {
	.name = "apic",
	.cpu_init = lapic_cpu_init,
	.send_hint = apic_send_hint,
	.unmask = ioapic_unmask,
	.mask = ioapic_mask,
	.raise = apic_raise,
};

/* Intel 8259A data sheet: four initialisation words, then the mask. Spurious interrupts get
 * through even a full mask, so the vectors are moved away from the CPU's exceptions first. */
void pic_disable(void)
{
	static const u16 ports[] = {0x20, 0xa0};
	static const u8 cascade[] = {4, 2};

	for (unsigned i = 0; i < ARRAY_LEN(ports); i++) {
		outb(ports[i], 0x11);
		outb(ports[i] + 1, (u8)(VECTOR_PIC + 8 * i));
		outb(ports[i] + 1, cascade[i]);
		outb(ports[i] + 1, 0x01);
		outb(ports[i] + 1, 0xff);
	}
}
