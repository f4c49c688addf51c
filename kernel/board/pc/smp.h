/*
 * smp.h: the CPUs that the firmware lists. board_cpus() and board_cpu_start() are here.
 */
#pragma once

/** Numbers the CPUs, the boot CPU first. Context: start-up, after firmware_read and lapic_init. */
void smp_init(void);
