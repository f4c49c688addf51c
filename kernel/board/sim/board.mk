# The simulated machine: kernel/arch/sim on the host program in sim/.
ARCH := sim
DRIVERS := timer/hpet.c uart/pl011.c
LDSCRIPT :=
CFLAGS_BOARD := -I.
