# The simulated machine: kernel/arch/sim on the host program in sim/.
ARCH := sim
DRIVERS :=
LDSCRIPT :=
CFLAGS_BOARD := -I.
