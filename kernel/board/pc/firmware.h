/*
 * firmware.h: the machine as its ACPI tables describe it.
 */
#pragma once

#include "drivers/acpi/tables.h"

#define MCFG_MAX 4

struct firmware {
	struct acpi_madt madt;
	struct acpi_fadt fadt;
	u64 hpet; /* 0: none */
	struct acpi_mcfg mcfg[MCFG_MAX];
	unsigned mcfgs;
};
extern struct firmware firmware;

/** Finds the tables by what loader tells, else where old firmware keeps them. What is missing or
 *  damaged stays zero. Context: start-up, after loader_read and before arch_mmu_init. */
void firmware_read(void);
