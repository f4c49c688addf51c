/*
 * confine.c: the kernel reaches its host through sim/port.h alone. A linker's check sees to it that it names
 * nothing else (sim.mk); here, that it does not make system calls by instructions of its own. A filter of the host's,
 * which cannot be taken off again, looks at where a call comes from. Source: Linux, seccomp(2).
 */
#define _GNU_SOURCE
#include "sim/sim.h"
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PC offsetof(struct seccomp_data, instruction_pointer) /* behind the call; little endian */

bool confine(void)
{
	uint64_t begin = (uintptr_t)__start_ktext, end = (uintptr_t)__stop_ktext;
	struct sock_filter steps[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, PC + 4),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(begin >> 32), 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, PC),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, (uint32_t)end, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, (uint32_t)begin, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	};
	struct sock_fprog filter = {sizeof steps / sizeof *steps, steps};

	/* Without that flag some hosts make all of a filtered process slower. */
	return begin >> 32 == end >> 32 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, &filter) == 0;
}
