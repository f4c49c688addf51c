ARCH := x86_64
LDSCRIPT := kernel/board/pc/kernel.ld
DRIVERS := acpi/tables.c irqchip/apic.c irqchip/ioapic.c timer/hpet.c timer/pmtimer.c \
	uart/uart16550.c
