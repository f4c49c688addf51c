#include "drivers/psci/psci.h"
#include "base/string.h"

/* Function numbers and results: DEN 0022 chapter 5. */
#define PSCI_SYSTEM_OFF   0x84000008u
#define PSCI_SYSTEM_RESET 0x84000009u
#define PSCI_CPU_ON_64    0xc4000003u

enum { PSCI_SUCCESS = 0, PSCI_INVALID_PARAMETERS = -2, PSCI_ALREADY_ON = -4, PSCI_ON_PENDING = -5 };

static enum { METHOD_NONE, METHOD_HVC, METHOD_SMC } method;

int psci_init(const char *name)
{
	if (strcmp(name, "hvc") == 0)
		method = METHOD_HVC;
	else if (strcmp(name, "smc") == 0)
		method = METHOD_SMC;
	else
		return ERR_NOTSUP;
	return 0;
}

/* SMC Calling Convention (DEN 0028): x0 to x17 may change. */
static i64 call(u64 function, u64 a, u64 b)
{
	register u64 x0 __asm__("x0") = function;
	register u64 x1 __asm__("x1") = a;
	register u64 x2 __asm__("x2") = b;
	register u64 x3 __asm__("x3") = 0;

#define CLOBBERS                                                                                   \
	"x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16",       \
		"x17", "memory"
	if (method == METHOD_HVC)
		__asm__ volatile("hvc #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)::CLOBBERS);
	else if (method == METHOD_SMC)
		__asm__ volatile("smc #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)::CLOBBERS);
	return (i64)x0;
}

int psci_cpu_on(u64 mpidr, uptr entry)
{
	if (method == METHOD_NONE)
		return ERR_NOTSUP;
	switch ((i32)call(PSCI_CPU_ON_64, mpidr, entry)) {
	case PSCI_SUCCESS:
		return 0;
	case PSCI_ALREADY_ON:
	case PSCI_ON_PENDING:
		return ERR_BUSY;
	case PSCI_INVALID_PARAMETERS:
		return ERR_NODEV;
	default:
		return ERR_NOTSUP;
	}
}

void psci_off(void)
{
	(void)call(PSCI_SYSTEM_OFF, 0, 0);
}

void psci_reset(void)
{
	(void)call(PSCI_SYSTEM_RESET, 0, 0);
}
