/*
 * hooks.c: the compilers' hooks, and those functions of sim/port.h that have a meaning without a
 * machine around. Each atomic and each fence is a step of its thread; plain accesses are none,
 * since either they are ordered by atomics or they are a data race, which is an error by itself.
 * Volatile accesses are left alone.
 */
#include "sim/explore/explore.h"
#include "sim/fiber.h"
#include "sim/port.h"
#include <stdarg.h>
#include <string.h>

#define HOOK    __attribute__((used)) void
#define PC      ((uintptr_t)__builtin_return_address(0))
#define OUTSIDE (explore_current == EXPLORE_THREADS_MAX)
#define GIVEN   (&explore_locks_given && explore_locks_given)
/* A spin lock's two halves are the kernel's only atomics of 16 bits. */
#define DIRECT(bits)   (OUTSIDE || ((bits) == 16 && GIVEN))
#define PUT(at, value) (explore_writes((uintptr_t)(at), sizeof *(at)), *(at) = (value))

/* tests/explore/explore.h */
extern char explore_scratch[];
char explore_scratch[512 << 10] __attribute__((aligned(4096)));

static struct {
	void *local;
	bool irqs_off;
	unsigned to_come; /* interrupts */
} cpus[EXPLORE_THREADS_MAX + 1];

void hooks_reset(void)
{
	memset(cpus, 0, sizeof cpus);
	for (unsigned i = 0; explore_interrupts && i < explore_threads; i++)
		cpus[i].to_come = explore_interrupts[i];
}

bool hooks_struck_later(unsigned id)
{
	return cpus[id].to_come;
}

/* An interrupt: a call of the handler, on the stack of what it strikes. */
static void strike(uintptr_t pc)
{
	struct op op = {.kind = OP_STRIKE, .pc = pc};

	if (explore_options.tell)
		explore_tell(&op, 0, 0, -1, false, true);
	cpus[explore_current].to_come--;
	cpus[explore_current].irqs_off = true;
	explore_interrupt(explore_current);
	cpus[explore_current].irqs_off = false;
}

static bool may_be_struck(void)
{
	return !OUTSIDE && cpus[explore_current].to_come && !cpus[explore_current].irqs_off &&
	       !explore_confirming;
}

/* Before each access to memory, and where interrupts are enabled. */
static inline void open_to_interrupts(uintptr_t pc)
{
	while (may_be_struck() && explore_aside(pc, 2))
		strike(pc);
}

void hooks_strike_rest(void)
{
	cpus[explore_current].irqs_off = false;
	while (may_be_struck()) {
		(void)explore_aside(PC, 1);
		strike(PC);
	}
}

HOOK __sanitizer_cov_trace_pc(void);
HOOK __sanitizer_cov_trace_pc(void)
{
	explore_tick();
}

HOOK __tsan_slow_trace_pc(void);
HOOK __tsan_slow_trace_pc(void)
{
	explore_tick();
}

/* Spent: what sim/hooks.awk makes of a hook's call comes here each time. */
extern int64_t sim_budget;
int64_t sim_budget = INT64_MIN / 2;

HOOK __tsan_init(void);
HOOK __tsan_init(void)
{
}

#define BOTH(access, name, bytes, writes)                                                          \
	access(name, bytes, writes)                                                                \
	access(slow_##name, bytes, writes)
#define ACCESS(name, bytes, writes)                                                                \
	HOOK __tsan_##name##bytes(const void *at);                                                 \
	HOOK __tsan_##name##bytes(const void *at)                                                  \
	{                                                                                          \
		open_to_interrupts(PC);                                                            \
		model_plain((uintptr_t)at, bytes, writes, PC);                                     \
	}
#define VOLATILE(name, bytes, writes)                                                              \
	HOOK __tsan_##name##bytes(const void *at);                                                 \
	HOOK __tsan_##name##bytes(const void *at)                                                  \
	{                                                                                          \
		if (writes)                                                                        \
			explore_writes((uintptr_t)at, bytes);                                      \
		open_to_interrupts(PC);                                                            \
		explore_tick();                                                                    \
	}
#define ACCESSES(n)                                                                                \
	BOTH(ACCESS, read, n, false)                                                               \
	BOTH(ACCESS, write, n, true)                                                               \
	BOTH(ACCESS, read_write, n, true)                                                          \
	BOTH(ACCESS, unaligned_read, n, false)                                                     \
	BOTH(ACCESS, unaligned_write, n, true)                                                     \
	BOTH(ACCESS, unaligned_read_write, n, true)                                                \
	BOTH(VOLATILE, volatile_read, n, false)                                                    \
	BOTH(VOLATILE, volatile_write, n, true)                                                    \
	BOTH(VOLATILE, unaligned_volatile_read, n, false)                                          \
	BOTH(VOLATILE, unaligned_volatile_write, n, true)
ACCESSES(1)
ACCESSES(2)
ACCESSES(4)
ACCESSES(8)
ACCESSES(16)

HOOK __tsan_read_range(const void *at, size_t bytes);
HOOK __tsan_read_range(const void *at, size_t bytes)
{
	open_to_interrupts(PC);
	model_plain((uintptr_t)at, bytes, false, PC);
}

HOOK __tsan_write_range(void *at, size_t bytes);
HOOK __tsan_write_range(void *at, size_t bytes)
{
	open_to_interrupts(PC);
	model_plain((uintptr_t)at, bytes, true, PC);
}

void *__tsan_memcpy(void *to, const void *from, size_t bytes);
void *__tsan_memcpy(void *to, const void *from, size_t bytes)
{
	open_to_interrupts(PC);
	model_plain((uintptr_t)from, bytes, false, PC);
	model_plain((uintptr_t)to, bytes, true, PC);
	return memcpy(to, from, bytes);
}

void *__tsan_memmove(void *to, const void *from, size_t bytes);
void *__tsan_memmove(void *to, const void *from, size_t bytes)
{
	open_to_interrupts(PC);
	model_plain((uintptr_t)from, bytes, false, PC);
	model_plain((uintptr_t)to, bytes, true, PC);
	return memmove(to, from, bytes);
}

void *__tsan_memset(void *to, int byte, size_t bytes);
void *__tsan_memset(void *to, int byte, size_t bytes)
{
	open_to_interrupts(PC);
	model_plain((uintptr_t)to, bytes, true, PC);
	return memset(to, byte, bytes);
}

/*
 * Atomics.
 */

static uint64_t change_exchange(uint64_t old, uint64_t v)
{
	(void)old;
	return v;
}

static uint64_t change_fetch_add(uint64_t old, uint64_t v)
{
	return old + v;
}

static uint64_t change_fetch_sub(uint64_t old, uint64_t v)
{
	return old - v;
}

static uint64_t change_fetch_and(uint64_t old, uint64_t v)
{
	return old & v;
}

static uint64_t change_fetch_or(uint64_t old, uint64_t v)
{
	return old | v;
}

static uint64_t change_fetch_xor(uint64_t old, uint64_t v)
{
	return old ^ v;
}

static uint64_t change_fetch_nand(uint64_t old, uint64_t v)
{
	return ~(old & v);
}

/* Before the threads, and after them, memory is what it is. */
#define STEP(op_, order_, order_if_not_, at_)                                                      \
	struct op op = {.kind = (op_),                                                             \
			.order = (uint8_t)(order_),                                                \
			.order_if_not = (uint8_t)(order_if_not_),                                  \
			.bytes = sizeof *(at_),                                                    \
			.at = (uintptr_t)(at_),                                                    \
			.pc = PC};                                                                 \
	open_to_interrupts(op.pc);                                                                 \
	explore_point(op)

#define FETCH(bits, type, name) FETCH_AS(__tsan_atomic##bits##_##name, bits, type, name)
#define FETCH_AS(hook, bits, type, name)                                                           \
	type hook(volatile type *at, type v, int order);                                           \
	type hook(volatile type *at, type v, int order)                                            \
	{                                                                                          \
		type old = *at;                                                                    \
                                                                                                   \
		if (DIRECT(bits)) {                                                                \
			PUT(at, (type)change_##name(old, v));                                      \
			return old;                                                                \
		}                                                                                  \
		STEP(OP_RMW, order, order, at);                                                    \
		return (type)model_rmw(&op, v, change_##name);                                     \
	}
#define EXCHANGE_IF(bits, type, name)                                                              \
	int __tsan_atomic##bits##_compare_exchange_##name(volatile type *at, type *expected,       \
							  type v, int order, int order_if_not);    \
	int __tsan_atomic##bits##_compare_exchange_##name(volatile type *at, type *expected,       \
							  type v, int order, int order_if_not)     \
	{                                                                                          \
		type old = *at, wanted = *expected;                                                \
                                                                                                   \
		if (!DIRECT(bits)) {                                                               \
			STEP(OP_CAS, order, order_if_not, at);                                     \
			old = (type)model_cas(&op, wanted, v);                                     \
		} else if (old == wanted) {                                                        \
			PUT(at, v);                                                                \
		}                                                                                  \
		*expected = old;                                                                   \
		return old == wanted;                                                              \
	}
#define LOAD_STORE(hook, bits, type)                                                               \
	type hook##_load(const volatile type *at, int order);                                      \
	type hook##_load(const volatile type *at, int order)                                       \
	{                                                                                          \
		if (DIRECT(bits))                                                                  \
			return *at;                                                                \
		STEP(OP_LOAD, order, order, at);                                                   \
		return (type)model_load(&op);                                                      \
	}                                                                                          \
	void hook##_store(volatile type *at, type v, int order);                                   \
	void hook##_store(volatile type *at, type v, int order)                                    \
	{                                                                                          \
		if (DIRECT(bits)) {                                                                \
			PUT(at, v);                                                                \
			return;                                                                    \
		}                                                                                  \
		STEP(OP_STORE, order, order, at);                                                  \
		model_store(&op, v);                                                               \
	}
#define ATOMIC(bits, type)                                                                         \
	LOAD_STORE(__tsan_atomic##bits, bits, type)                                                \
	LOAD_STORE(__tsan_slow_atomic##bits, bits, type)                                           \
	FETCH_AS(__tsan_slow_atomic##bits##_fetch_add, bits, type, fetch_add)                      \
	type __tsan_atomic##bits##_compare_exchange_val(volatile type *at, type expected, type v,  \
							int order, int order_if_not);              \
	type __tsan_atomic##bits##_compare_exchange_val(volatile type *at, type expected, type v,  \
							int order, int order_if_not)               \
	{                                                                                          \
		type old = *at;                                                                    \
                                                                                                   \
		if (!DIRECT(bits)) {                                                               \
			STEP(OP_CAS, order, order_if_not, at);                                     \
			return (type)model_cas(&op, expected, v);                                  \
		}                                                                                  \
		if (old == expected)                                                               \
			PUT(at, v);                                                                \
		return old;                                                                        \
	}                                                                                          \
	FETCH(bits, type, exchange)                                                                \
	FETCH(bits, type, fetch_add)                                                               \
	FETCH(bits, type, fetch_sub)                                                               \
	FETCH(bits, type, fetch_and)                                                               \
	FETCH(bits, type, fetch_or)                                                                \
	FETCH(bits, type, fetch_xor)                                                               \
	FETCH(bits, type, fetch_nand)                                                              \
	EXCHANGE_IF(bits, type, strong)                                                            \
	EXCHANGE_IF(bits, type, weak)
ATOMIC(8, uint8_t)
ATOMIC(16, uint16_t)
ATOMIC(32, uint32_t)
ATOMIC(64, uint64_t)

HOOK __tsan_atomic_thread_fence(int order);
HOOK __tsan_atomic_thread_fence(int order)
{
	struct op op = {.kind = OP_FENCE, .order = (uint8_t)order, .pc = PC};

	if (OUTSIDE)
		return;
	open_to_interrupts(op.pc);
	explore_point(op);
	model_fence(&op);
}

HOOK __tsan_atomic_signal_fence(int order);
HOOK __tsan_atomic_signal_fence(int order)
{
	(void)order;
}

/*
 * The port.
 */

void *sim_stack_prepare(void *top, void (*entry)(void))
{
	return fiber_prepare(top, (void (*)(uintptr_t))(void *)entry, 0);
}

/* What is saved on a stack, whoever goes on there must know of: else it goes on before that. */
void sim_stack_switch(void **save, void *load)
{
	uintptr_t here = (uintptr_t)__builtin_dwarf_cfa() - fiber_saved_bytes;

	model_plain((uintptr_t)save, sizeof *save, true, PC);
	model_plain(here, fiber_saved_bytes, true, PC);
	model_plain((uintptr_t)load, fiber_saved_bytes, false, PC);
	fiber_switch(save, load);
}

void *sim_cpu_local(void)
{
	return cpus[explore_current].local;
}

void sim_cpu_set_local(void *local)
{
	cpus[explore_current].local = local;
}

void *sim_cpu_word(unsigned n)
{
	void **word = (void **)sim_cpu_local() + n;
	void *value;

	model_plain((uintptr_t)word, sizeof *word, false, PC);
	value = *word;
	open_to_interrupts(PC);
	return value;
}

void sim_relax(void)
{
	struct op op = {.kind = OP_RELAX, .pc = PC};

	if (OUTSIDE)
		explore_fail(
			"a spin loop in explore_begin or explore_end waits for ever, at {%#lx}",
			op.pc);
	else if (!may_be_struck())
		explore_point(op);
	else if (!explore_aside(op.pc, 1)) /* it comes, and until then nothing happens here */
		strike(op.pc);
}

void sim_hint(unsigned cpu)
{
	struct op op = {.kind = OP_HINT, .at = cpu + 1, .pc = PC};

	if (OUTSIDE || cpu >= explore_threads)
		return;
	open_to_interrupts(op.pc);
	explore_point(op);
	model_hint(cpu);
	if (explore_options.tell)
		explore_tell(&op, 0, cpu, -1, true, true);
}

void sim_idle(void)
{
	struct op op = {.kind = OP_HALT, .at = explore_current + 1, .pc = PC};

	if (OUTSIDE)
		return;
	open_to_interrupts(op.pc); /* just before the halt, if nobody masked them */
	if (cpus[explore_current].to_come && explore_aside(op.pc, 2)) {
		strike(op.pc);
		cpus[explore_current].irqs_off = true;
		return;
	}
	explore_point(op);
	model_halt(explore_current);
	if (explore_options.tell)
		explore_tell(&op, 0, 0, -1, false, true);
}

bool sim_irq_save(void)
{
	bool on = !cpus[explore_current].irqs_off;

	cpus[explore_current].irqs_off = true;
	return on;
}

void sim_irq_restore(bool enabled)
{
	if (!enabled)
		return;
	cpus[explore_current].irqs_off = false;
	open_to_interrupts(PC);
}

bool sim_irq_enabled(void)
{
	return !cpus[explore_current].irqs_off;
}

void sim_lock_wanted(const void *lock, bool shared)
{
	struct op op = {.kind = OP_LOCK, .at = (uintptr_t)lock, .pc = PC};

	if (OUTSIDE || shared || !GIVEN)
		return;
	open_to_interrupts(op.pc);
	explore_point(op);
	model_lock_take(model_lock(op.at));
	if (explore_options.tell)
		explore_tell(&op, 0, 0, -1, false, true);
}

void sim_lock_taken(const void *lock, bool shared)
{
	(void)lock, (void)shared;
}

void sim_lock_given(const void *lock)
{
	if (OUTSIDE || !GIVEN)
		return;
	open_to_interrupts(PC);
	model_lock_give(model_lock((uintptr_t)lock));
	explore_gave(model_lock((uintptr_t)lock));
}

void sim_lock_none(void)
{
}

/* Time stands still: it would tell the threads about each other. */
uint64_t sim_clock_ns(void)
{
	return 1;
}

/* The kernel's ASSERT and panic are the checks. */
_Noreturn void panic(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void panic(const char *fmt, ...)
{
	char text[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	explore_fail("%s", text);
	__builtin_unreachable();
}
