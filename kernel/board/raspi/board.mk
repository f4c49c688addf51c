# Raspberry Pi 3, 3 A+, Zero 2 W and 4: one image, which finds out at run time where it is.
ARCH := aarch64
DRIVERS := fdt/fdt.c fdt/memory.c irqchip/bcm2835.c irqchip/bcm2836.c irqchip/gicv2.c \
	uart/pl011.c uart/miniuart.c
LDSCRIPT := kernel/board/raspi/kernel.ld
# Early Cortex-A53 may compute a multiply-add behind a load or store wrongly (erratum 835769).
CFLAGS_BOARD := -mfix-cortex-a53-835769
# And an address built with adrp may be wrong at the end of a page (erratum 843419).
LDFLAGS_BOARD := --fix-cortex-a53-843419

# The linker script includes another, of which make would not know.
$(BIN)/stage1.elf $(ELF): kernel/arch/aarch64/sections.ld
