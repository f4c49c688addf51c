/*
 * semihosting.c: exit statuses for the host's shell.
 */
#include "aarch64.h"

#define SYS_EXIT_EXTENDED            0x20
#define ADP_STOPPED_APPLICATION_EXIT 0x20026

void aarch64_semihosting_exit(int status)
{
	u64 block[2] = {ADP_STOPPED_APPLICATION_EXIT, (u64)status};
	register u64 operation __asm__("x0") = SYS_EXIT_EXTENDED;
	register u64 parameter __asm__("x1") = (uptr)block;

	__asm__ volatile("hlt #0xf000" : "+r"(operation) : "r"(parameter) : "memory");
	for (;;)
		__asm__ volatile("wfi");
}
