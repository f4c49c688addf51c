#include "services/crash.h"
#include "async/async.h"
#include "base/panic.h"
#include "base/printf.h"
#include "base/string.h"
#include "mm/kmalloc.h"
#include "sync/spin.h"
#include "task/memory.h"

/* Volatile, so that no compiler sees what comes. */
static volatile uptr address_of_nothing;
static volatile int zero;

static void crash_null(void)
{
	*(volatile u32 *)address_of_nothing = 1;
}

/* Not canonical on x86_64, and beyond all tables on AArch64. */
static void crash_wild(void)
{
	*(volatile u32 *)(address_of_nothing + 0x5a5a5a5a5a5a5a58) = 1;
}

static void crash_code(void)
{
	*(volatile u32 *)((uptr)crash_wild + address_of_nothing) = 0;
}

static void crash_jump(void)
{
	((void (*)(void))(address_of_nothing + 64))();
}

static void crash_undefined(void)
{
	__builtin_trap();
}

static void crash_divide(void)
{
	zero = 7 / zero;
}

static u32 crash_deeper(u32 n)
{
	volatile u32 room[64];

	room[n % 64] = n;
	return n == UINT32_MAX ? 0 : crash_deeper(n + 1) + room[n % 64];
}

static void crash_stack(void)
{
	zero = (int)(crash_deeper((u32)zero) & 0);
}

/* Now and then on its way down a lock is held. */
static u32 crash_deeper_with_calls(u32 n)
{
	char text[16];

	(void)ksnprintf(text, sizeof text, "%u", n);
	kfree(kmalloc(16));
	return n == UINT32_MAX ? 0 : crash_deeper_with_calls(n + 1) + (u8)text[n % 16];
}

static void crash_calls(void)
{
	zero = (int)(crash_deeper_with_calls((u32)zero) & 0);
}

/* Takes all memory that tasks may have, and does not look whether it got it. */
static void crash_memory(void)
{
	for (;;)
		*(volatile char *)task_alloc(MIB(1)) = 1;
}

static void crash_lock(void) NO_THREAD_SAFETY_ANALYSIS
{
	(void)spin_lock((struct spin *)address_of_nothing);
}

/* A fault on the way to a panic. */
static void crash_text(void)
{
	panic("%s", (const char *)(address_of_nothing + 24));
}

static void crash_panic(void)
{
	panic("asked to");
}

static void crash_assert(void)
{
	ASSERT(zero);
}

static const struct kind {
	const char *name;
	void (*fn)(void);
} kinds[] = {
	{"panic", crash_panic},	  {"assert", crash_assert}, {"null", crash_null},
	{"wild", crash_wild},	  {"code", crash_code},	    {"jump", crash_jump},
	{"undefined", crash_undefined}, {"divide", crash_divide}, {"stack", crash_stack},
	{"calls", crash_calls},	  {"memory", crash_memory}, {"lock", crash_lock},
	{"text", crash_text},
};

struct crash {
	struct async async;
	void (*fn)(void);
};

static enum poll crash(void *frame)
{
	struct crash *me = frame;

	ASYNC_BEGIN(me);
	me->fn();
	ASYNC_END(me);
}

void crash_here(const char *kind)
{
	for (unsigned i = 0; i < ARRAY_LEN(kinds); i++)
		if (!strcmp(kind, kinds[i].name))
			kinds[i].fn();
}

const char *crash_kind(unsigned i)
{
	return i < ARRAY_LEN(kinds) ? kinds[i].name : NULL;
}

int crash_spawn(const char *kind, struct task **handle)
{
	for (unsigned i = 0; i < ARRAY_LEN(kinds); i++)
		if (!strcmp(kind, kinds[i].name))
			return TASK_SPAWN(handle, kinds[i].name, crash,
					  ((struct crash){.fn = kinds[i].fn}),
					  SCHED_PARAMS_FIFO(4));
	return ERR_INVAL;
}
