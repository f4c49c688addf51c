#include "core/panic.h"
#include "base/string.h"
#include "board/board.h"
#include "core/cpu.h"
#include "core/irq.h"
#include "core/ksym.h"
#include "core/log.h"
#include "core/time.h"
#include "trace/trace.h"

#define NOBODY       UINT32_MAX
#define STOP_SPINS   10000000u /* how long to wait for the others; they may be stuck with locks */
#define EVENTS_SHOWN 12

static void contain_nothing(const struct fault *f)
{
	(void)f;
}

void (*panic_describe)(void);
void (*panic_contain)(const struct fault *f) = contain_nothing;

/* Relaxed throughout: the CPU number is all that these two tell. */
static _Atomic u32 panic_cpu = NOBODY;
static _Atomic u32 stopped;

static _Noreturn void stop(void)
{
	atomic_fetch_add_explicit(&stopped, 1, memory_order_relaxed);
	for (;;)
		arch_relax();
}

static u32 this_cpu(void)
{
	return cpu_count ? cpu_id() : 0;
}

void panic_join(void)
{
	u32 who = atomic_load_explicit(&panic_cpu, memory_order_relaxed);

	if (unlikely(who != NOBODY) && who != this_cpu())
		stop();
}

static void stop_others(u32 me)
{
	u32 others = 0;

	for (unsigned cpu = 0; cpu < cpu_count && irqchip; cpu++)
		if (cpu != me && cpu_online(cpu)) {
			irqchip->send_hint(cpu);
			others++;
		}
	for (u32 n = STOP_SPINS; n && atomic_load_explicit(&stopped, memory_order_relaxed) < others;
	     n--)
		arch_relax();
}

/* A number of @p bytes at @p p, whose type events.def writes as "i32" or "u8". */
static void value_print(char sign, const u8 *p, unsigned bytes)
{
	unsigned unused = 64 - 8 * bytes;
	u64 value = 0;

	memcpy(&value, p, bytes);
	if (sign == 'i')
		kprintf("%ld", (i64)(value << unused) >> unused);
	else
		kprintf("%lu", value);
}

/* Prints the fields that a text such as "i32 prev_tid;u8 why;t16 child_comm;" lays out. */
static void fields_print(const char *layout, const u8 *p, usize bytes)
{
	usize at = 0;

	while (*layout) {
		char type = *layout++;
		unsigned number = 0, size;

		for (; *layout != ' '; layout++)
			number = number * 10 + (unsigned)(*layout - '0');
		size = type == 't' ? number : number / 8;
		if (at + size > bytes)
			return;
		for (; *layout != ';'; layout++)
			kprintf("%c", *layout);
		layout++;
		kprintf("=");
		if (type == 't')
			kprintf("%.*s", (int)size, (const char *)p + at);
		else
			value_print(type, p + at, size);
		at += size;
	}
	if (at < bytes)
		kprintf(" and %zu bytes", bytes - at);
}

static void event_print(u64 ticks, unsigned id, const void *payload, usize bytes)
{
	u64 us = clock_ticks_to_ns(ticks) / NS_PER_US;

	kprintf("    %5lu.%06lu %s", us / 1000000, us % 1000000, trace_event_name(id));
	fields_print(trace_event_layout(id), payload, bytes);
	kprintf("\n");
}

static void events_print(void)
{
	for (unsigned cpu = 0; cpu < cpu_count; cpu++) {
		kprintf("  last events of CPU %u:\n", cpu);
		trace_last(cpu, EVENTS_SHOWN, event_print);
	}
}

/* Of the CPUs that panic the first goes on. One that panics again while it reports leaves. */
static void enter_panic(u32 me, const char *fmt, va_list ap)
{
	u32 first = NOBODY;

	if (atomic_compare_exchange_strong_explicit(&panic_cpu, &first, me, memory_order_relaxed,
						    memory_order_relaxed))
		return;
	if (first != me)
		stop();
	kprintf("\npanic within the panic: ");
	console_vprintf(fmt, ap);
	kprintf("\n");
	board_exit(PANIC_STATUS);
}

void panic(const char *fmt, ...)
{
	char text[FAULT_TEXT_BYTES];
	struct fault f = {.what = text, .fp = (uptr)__builtin_frame_address(0)};
	va_list ap;
	u32 me;

	/* What it is to print may be what is wrong: while that is still the task's own matter. */
	va_start(ap, fmt);
	(void)kvsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	f.irqs = arch_irq_save();
	me = this_cpu();
	panic_contain(&f);
	va_start(ap, fmt);
	enter_panic(me, fmt, ap);
	TRACE(PANIC, panic, .pc = (uptr)__builtin_return_address(0));
	console_panic_mode();
	stop_others(me);
	kprintf("\nkernel panic on CPU %u: ", me);
	console_vprintf(fmt, ap);
	kprintf("\n");
	va_end(ap);
	if (panic_describe)
		panic_describe();
	backtrace_print(0, (uptr)__builtin_frame_address(0));
	events_print();
	board_exit(PANIC_STATUS);
}
