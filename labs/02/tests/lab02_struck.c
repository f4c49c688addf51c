/* A computation in all registers, struck by the timer again and again: it must not notice. For
 * boards. */
#include "../../common/program.h"
#include "core/time.h"

#define PATTERNS 13u
#define SPINS    200u

static struct {
	u64 in[PATTERNS], rounds, out[PATTERNS];
} area;
static struct timer timer;
static unsigned fired;

#if defined(__x86_64__)
static const char *const names[PATTERNS] = {"rax", "rbx", "rcx", "rdx", "rsi", "r8", "r9",
					    "r10", "r11", "r12", "r13", "r14", "r15"};

static void __attribute__((noinline)) spin(void)
{
	__asm__ volatile("mov 0(%%rdi), %%rax\n mov 8(%%rdi), %%rbx\n mov 16(%%rdi), %%rcx\n mov "
			 "24(%%rdi), %%rdx\n"
			 "mov 32(%%rdi), %%rsi\n mov 40(%%rdi), %%r8\n mov 48(%%rdi), %%r9\n mov "
			 "56(%%rdi), %%r10\n"
			 "mov 64(%%rdi), %%r11\n mov 72(%%rdi), %%r12\n mov 80(%%rdi), %%r13\n mov "
			 "88(%%rdi), %%r14\n mov 96(%%rdi), %%r15\n"
			 "1: decq 104(%%rdi)\n jnz 1b\n"
			 "mov %%rax, 112(%%rdi)\n mov %%rbx, 120(%%rdi)\n mov %%rcx, 128(%%rdi)\n "
			 "mov %%rdx, 136(%%rdi)\n"
			 "mov %%rsi, 144(%%rdi)\n mov %%r8, 152(%%rdi)\n mov %%r9, 160(%%rdi)\n "
			 "mov %%r10, 168(%%rdi)\n"
			 "mov %%r11, 176(%%rdi)\n mov %%r12, 184(%%rdi)\n mov %%r13, 192(%%rdi)\n "
			 "mov %%r14, 200(%%rdi)\n mov %%r15, 208(%%rdi)\n" ::"D"(&area)
			 : "rax", "rbx", "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11", "r12",
			   "r13", "r14", "r15", "memory", "cc");
}
#else
static const char *const names[PATTERNS] = {"x1", "x2", "x3",  "x4",  "x5",  "x6", "x7",
					    "x8", "x9", "x10", "x11", "x16", "x17"};

static void __attribute__((noinline)) spin(void)
{
	register void *at __asm__("x0") = &area;

	__asm__ volatile(
		"ldp x1, x2, [x0]\n ldp x3, x4, [x0, #16]\n ldp x5, x6, [x0, #32]\n ldp x7, x8, "
		"[x0, #48]\n"
		"ldp x9, x10, [x0, #64]\n ldp x11, x16, [x0, #80]\n ldr x17, [x0, #96]\n ldr x12, "
		"[x0, #104]\n"
		"1: subs x12, x12, #1\n b.ne 1b\n"
		"stp x1, x2, [x0, #112]\n stp x3, x4, [x0, #128]\n stp x5, x6, [x0, #144]\n stp "
		"x7, x8, [x0, #160]\n"
		"stp x9, x10, [x0, #176]\n stp x11, x16, [x0, #192]\n str x17, [x0, #208]\n" ::"r"(
			at)
		: "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x16",
		  "x17", "memory", "cc");
}
#endif

static void strikes(struct timer *t)
{
	fired++;
	timer_arm(t, clock_ns() + US(15));
}

static void no_register_changes(void)
{
	u64 random = test_number(board_cmdline(), "set", 1);

	timer_init(&timer, strikes);
	timer_arm(&timer, clock_ns() + US(15));
	for (unsigned i = 0; i < SPINS && !test_failures; i++) {
		for (unsigned k = 0; k < PATTERNS; k++)
			area.in[k] = test_random(&random);
		area.rounds = 2000 + test_below(&random, 8000);
		spin();
		for (unsigned k = 0; k < PATTERNS; k++)
			EXPECT(area.out[k] == area.in[k],
			       "%s held %llx when an interrupt struck and %llx behind it: the "
			       "entry must save what a C function may change, and give it back",
			       names[k], (unsigned long long)area.in[k],
			       (unsigned long long)area.out[k]);
	}
	(void)timer_cancel(&timer);
	EXPECT(fired > 10, "the timer was to strike each 15 us, and struck %u times", fired);
}

TESTS_MAIN(PLAIN(no_register_changes));
