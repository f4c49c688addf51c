/*
 * semihosting.c: exit statuses for the host's shell.
 */
#include "aarch64.h"
#include "base/string.h"

#define SYS_EXIT_EXTENDED 0x20
#define ADP_STOPPED_APPLICATION_EXIT 0x20026

bool aarch64_cmdline_has(const char *line, const char *word)
{
	usize n = strlen(word);

	for (const char *at = line; (at = strstr(at, word)) != NULL; at += n)
		if ((at == line || at[-1] == ' ') && (at[n] == ' ' || at[n] == '\0'))
			return true;
	return false;
}

void aarch64_semihosting_exit(int status)
{
	u64 block[2] = {ADP_STOPPED_APPLICATION_EXIT, (u64)status};
	register u64 operation __asm__("x0") = SYS_EXIT_EXTENDED;
	register u64 parameter __asm__("x1") = (uptr)block;

	__asm__ volatile("hlt #0xf000" : "+r"(operation) : "r"(parameter) : "memory");
	for (;;)
		__asm__ volatile("wfi");
}
