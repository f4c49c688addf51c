# QEMU's `virt` machine.
ARCH := aarch64
DRIVERS := fdt/fdt.c fdt/memory.c irqchip/gicv2.c irqchip/gicv3.c psci/psci.c uart/pl011.c
LDSCRIPT := kernel/board/virt/kernel.ld

# The linker script includes another, of which make would not know.
$(BIN)/stage1.elf $(ELF): kernel/arch/aarch64/sections.ld
