#include "services/crash.h"
#include "async/async.h"
#include "base/panic.h"
#include "base/string.h"

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
	{"null", crash_null},	{"wild", crash_wild},	{"undefined", crash_undefined},
	{"divide", crash_divide}, {"stack", crash_stack}, {"panic", crash_panic},
	{"assert", crash_assert},
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
