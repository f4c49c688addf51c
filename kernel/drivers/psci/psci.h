/*
 * psci.h: Power State Coordination Interface (Arm DEN 0022), by hvc or smc. Context: any; no
 * locks.
 */
#pragma once

#include "base/error.h"
#include "base/types.h"

/** Chooses the instruction; before the others. @p method: "hvc" or "smc". */
int psci_init(const char *method) MUST_CHECK;

/** Starts the CPU with affinity @p mpidr at @p entry, which runs with the MMU off. Returns 0,
 *  ERR_BUSY when it is on, ERR_NODEV when there is none, else ERR_NOTSUP. */
int psci_cpu_on(u64 mpidr, uptr entry) MUST_CHECK;

/** Both return only on a machine without PSCI. */
void psci_off(void);
void psci_reset(void);
