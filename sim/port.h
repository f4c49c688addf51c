/*
 * port.h: the line between the kernel and the simulator: every symbol that crosses it, in both
 * directions. kernel/arch/sim and kernel/board/sim are thin wrappers over this; the build
 * refuses a kernel that needs any other symbol (sim/port.list), so nothing of the host (its
 * time, its randomness, its C library) can leak into a run.
 *
 * The machine: 1 to 64 virtual CPUs, one virtual clock in nanoseconds, for each CPU a one-shot
 * timer and a hint interrupt, one console with an interrupt, RAM at a fixed address.
 *
 * Context: unless said otherwise, a function is called on a virtual CPU, in any context, takes
 * no lock, and means the calling CPU. Nothing blocks; time passes as sim/README.md says.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIM_CPUS_MAX 64
#define SIM_PAGE_BYTES 4096
#define SIM_NEVER UINT64_MAX
#define SIM_MARK_BEGIN 32 /* ARCH_MARK_BEGIN of kernel/arch/arch.h */

/* What interrupts a CPU, in the order of delivery when several are pending. */
enum sim_irq {
	SIM_IRQ_HINT,
	SIM_IRQ_TIMER,
	SIM_IRQ_CONSOLE, /* a byte waits in the console's receiver; level-triggered, to CPU 0 */
	SIM_IRQS,
	SIM_IRQ_DEVICE = 32, /* and further ones, one for each device of --device */
};

/* What the boot loader of a real machine would leave. */
struct sim_boot {
	const char *cmdline; /* terminated, never NULL */
	uintptr_t ram_base;
	size_t ram_bytes;
	unsigned cpus;
	uint64_t seed;
};

/*
 * CPUs.
 */

/** The value last given to sim_cpu_set_local on this CPU; the register that holds struct cpu. */
void *sim_cpu_local(void);
void sim_cpu_set_local(void *local);

/** Word @p n of what it points to, read in the same step. */
void *sim_cpu_word(unsigned n);

/** Starts CPU @p cpu at sim_entry_cpu() on @p stack_top, interrupts masked. 0, or -1 when there
 *  is no such CPU or it runs already. */
int sim_cpu_start(unsigned cpu, void *stack_top) __attribute__((warn_unused_result));

/** The body of a spin loop: lets another CPU run. */
void sim_relax(void);

/** Enables interrupts and halts in one step; an interrupt that is pending or comes later ends
 *  the halt and is delivered with a pc just behind arch_idle_halt. Returns with interrupts
 *  masked. Call with interrupts masked. */
void sim_idle(void);

/** The program comes to what is to be examined, when @p mark is SIM_MARK_BEGIN; other marks mean nothing here. */
void sim_mark(unsigned mark);

/*
 * Stacks.
 */

/** Saves the callee-saved registers on this stack and its pointer in *@p save, and continues
 *  where @p load was saved. Interrupts masked. */
void sim_stack_switch(void **save, void *load);

/** A stack below @p top (16-byte aligned) that calls @p entry when switched to. */
void *sim_stack_prepare(void *top, void (*entry)(void));

/** Frame pointer and return address in a stack saved by sim_stack_switch. */
uintptr_t sim_saved_fp(const void *saved);
uintptr_t sim_saved_pc(const void *saved);

/*
 * Interrupts. Masked when a CPU starts and when a handler begins.
 */

/** Masks; true when they were enabled. */
bool sim_irq_save(void);
/** Enables when @p enabled; pending interrupts are taken before it returns. */
void sim_irq_restore(bool enabled);
bool sim_irq_enabled(void);

/** Makes a hint pending on @p cpu after the time that an interrupt needs to travel. */
void sim_hint(unsigned cpu);

/** Masks or unmasks SIM_IRQ_CONSOLE at the interrupt controller; masked at the start. */
void sim_irq_mask(unsigned irq, bool masked);

/*
 * Spin locks, for the checkers; they take no time. Interrupts are masked.
 */

/** This CPU begins to wait for the lock at @p lock, with others if @p shared ... */
void sim_lock_wanted(const void *lock, bool shared);
/** ... and has got it; */
void sim_lock_taken(const void *lock, bool shared);
/** it is about to give it on. */
void sim_lock_given(const void *lock);
/** This CPU must hold none here. */
void sim_lock_none(void);

/** How many locks this CPU has taken. */
uint64_t sim_locks_taken(void);

/** For how many events this CPU held a lock, at most, since the last call. */
uint64_t sim_locks_longest(void);

/*
 * Memory, for the checkers; these take no time.
 */

/** @p bytes at @p p, 16-byte aligned behind a header of 16 bytes, were handed out, of which the
 *  last @p slack_bytes nobody asked for. */
void sim_memory_taken(const void *p, size_t bytes, size_t slack_bytes);

/** They, or pages, were given back; only the allocators may touch them. */
void sim_memory_given(const void *p, size_t bytes);

/** Pages were handed out, or something was written that the hooks do not see. */
void sim_memory_usable(const void *p, size_t bytes);

/*
 * Time.
 */

/** Nanoseconds since boot, the same for all CPUs; never goes back. */
uint64_t sim_clock_ns(void);

/** Sets this CPU's one-shot timer; SIM_NEVER stops it, a past time fires at once. */
void sim_timer_set(uint64_t deadline_ns);

/*
 * Memory and devices.
 */

/** Makes one page inaccessible; @p page is page-aligned and in RAM. */
void sim_guard(uintptr_t page);

/** True when @p bytes at @p at are RAM or the boot stack and not guarded. */
bool sim_memory_ok(uintptr_t at, size_t bytes);

/** Device registers; @p bytes is 1, 2, 4 or 8. An address without a device is a fault. Each access takes
 *  as long as one over a bus, and orders memory only with a fence beside it. */
uint64_t sim_mmio_read(uintptr_t at, unsigned bytes);
void sim_mmio_write(uintptr_t at, uint64_t value, unsigned bytes);

/* Who may do what with memory that is mapped for a device. */
enum sim_dma {
	SIM_DMA_TO_DEVICE = 1,	 /* the device reads, the CPU must not write */
	SIM_DMA_FROM_DEVICE = 2, /* the device writes, the CPU must not touch */
	SIM_DMA_SHARED = 4,	 /* both at any time; fences and atomics make an order */
};

/** Lets device @p device (sim/devices/map.h) reach @p bytes at @p p, as @p how says. Returns the
 *  address by which the device does, which is not the CPU's; 0: there is no room for more, or no
 *  such device. What the CPU wrote before is there for it. */
uint64_t sim_dma_map(unsigned device, void *p, size_t bytes, unsigned how) __attribute__((warn_unused_result));

/** Takes back what sim_dma_map(@p device, ..., @p bytes, ...) gave as @p address; what the device wrote
 *  there is in memory from now on, what it does later is refused. */
void sim_dma_unmap(unsigned device, uint64_t address, size_t bytes);

/** Sends one byte to the console. */
void sim_console_write(char c);

/** Takes received bytes, at most @p max; returns how many. */
size_t sim_console_read(char *bytes, size_t max);

/** Ends the machine and the program with @p status. */
_Noreturn void sim_exit(int status);

/*
 * What the kernel provides (kernel/arch/sim/entry.c).
 */

/** CPU 0 begins here, on the boot stack, interrupts masked. */
_Noreturn void sim_entry_boot(const struct sim_boot *boot);

/** Every other CPU. */
_Noreturn void sim_entry_cpu(unsigned cpu);

/** An interrupt, as a nested call on the stack that it interrupts, masked; @p pc is where. May
 *  return much later and on another CPU. The simulator then enables interrupts. */
void sim_entry_irq(enum sim_irq irq, uintptr_t pc);

/** The instruction at @p pc faulted; @p at is the address of a memory access, else the same; @p irqs:
 *  interrupts were enabled. Called as if from @p pc, on a stack of its own, masked. A fault on that
 *  stack ends the simulation. */
_Noreturn void sim_entry_fault(const char *what, uintptr_t at, uintptr_t pc, bool irqs);

/** Labels the halting instruction in the kernel's arch_idle. */
extern const char arch_idle_halt[];
