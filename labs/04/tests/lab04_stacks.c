/* x86_64's arch_switch and arch_stack_prepare, on this host: kernel/arch/x86_64/switch.S and
 * stack.c. */
#include "../../common/host.h"
#include "arch/arch.h"

#ifndef __x86_64__
#error this check needs a host that is an x86_64; on others the check boards-pc says the same
#endif

#define REGISTERS   6
#define STACK_WORDS 2048u

/* What stack.c needs of the kernel. */
const char kernel_start[1], text_end[1];
bool x86_mapped(uptr at);
bool x86_mapped(uptr at)
{
	return at != 0;
}

/* Fills the callee-saved registers with in[], switches, and writes down in out[] what is in them
 * when somebody has switched back. The order is rbx, rbp, r12 to r15. */
void patterned_switch(void **save, void *load, const u64 *in, u64 *out);
__asm__(".text\n"
	"patterned_switch:\n"
	"	push %rbp\n	push %rbx\n	push %r12\n	push %r13\n	push %r14\n	"
	"push %r15\n"
	"	push %rcx\n"
	"	mov 0(%rdx), %rbx\n	mov 8(%rdx), %rbp\n	mov 16(%rdx), %r12\n"
	"	mov 24(%rdx), %r13\n	mov 32(%rdx), %r14\n	mov 40(%rdx), %r15\n"
	"	call arch_switch\n"
	"	pop %rcx\n"
	"	mov %rbx, 0(%rcx)\n	mov %rbp, 8(%rcx)\n	mov %r12, 16(%rcx)\n"
	"	mov %r13, 24(%rcx)\n	mov %r14, 32(%rcx)\n	mov %r15, 40(%rcx)\n"
	"	pop %r15\n	pop %r14\n	pop %r13\n	pop %r12\n	pop %rbx\n	"
	"pop %rbp\n"
	"	ret\n");

/* The first instruction on a fresh stack, before the compiler's own change rsp. */
void fresh_entry(void);
u64 entry_sp;
_Noreturn void other_side(void);
__asm__(".text\n"
	"fresh_entry:\n"
	"	mov %rsp, entry_sp(%rip)\n"
	"	jmp other_side\n");

static u64 stack[STACK_WORDS] __attribute__((aligned(16)));
static void *here, *there;
static unsigned visits;

static void draw(u64 *registers)
{
	for (unsigned i = 0; i < REGISTERS; i++)
		registers[i] = host_below(UINT64_MAX);
}

static void compare(const u64 *before, const u64 *after)
{
	static const char *const names[REGISTERS] = {"rbx", "rbp", "r12", "r13", "r14", "r15"};

	for (unsigned i = 0; i < REGISTERS; i++)
		EXPECT(after[i] == before[i],
		       "%s held %llx before a switch and %llx when this stack ran again: a "
		       "callee-saved register must survive",
		       names[i], (unsigned long long)before[i], (unsigned long long)after[i]);
}

_Noreturn void other_side(void)
{
	u64 mine[REGISTERS], seen[REGISTERS];

	for (;;) {
		visits++;
		draw(mine);
		patterned_switch(&there, here, mine, seen);
		compare(mine, seen);
	}
}

static void a_fresh_stack_begins_at_its_entry(void)
{
	u64 mine[REGISTERS], seen[REGISTERS];

	there = arch_stack_prepare(stack + STACK_WORDS, fresh_entry);
	EXPECT((u64 *)there > stack && (u64 *)there < stack + STACK_WORDS,
	       "arch_stack_prepare gives %p, which is not on the stack from %p to %p", there,
	       (void *)stack, (void *)(stack + STACK_WORDS));
	EXPECT(arch_saved_pc(there) == (uptr)fresh_entry,
	       "the saved return address of a fresh stack is not its entry");
	EXPECT(arch_saved_fp(there) == 0, "the saved frame pointer of a fresh stack is not 0, so a "
					  "back trace does not end there");
	draw(mine);
	patterned_switch(&here, there, mine, seen);
	EXPECT(visits == 1, "switching to a fresh stack did not call its entry");
	EXPECT(entry_sp % 16 == 8,
	       "the entry of a fresh stack began with rsp at ...%llx: by the ABI it is 8 below a "
	       "multiple of 16, as behind a call",
	       (unsigned long long)entry_sp % 256);
}

static void registers_survive(void)
{
	u64 mine[REGISTERS], seen[REGISTERS];

	for (unsigned round = 0; round < 100000 && !host_failures; round++) {
		u64 canary[4] = {round, ~(u64)round, 3 * round, 7};
		volatile u64 *kept = canary;

		draw(mine);
		patterned_switch(&here, there, mine, seen);
		compare(mine, seen);
		EXPECT(kept[0] == round && kept[1] == ~(u64)round && kept[3] == 7,
		       "what lay on this stack changed while it did not run");
	}
	EXPECT(visits == 100001 || host_failures,
	       "of 100001 switches to the other stack %u arrived there", visits);
	host_note(visits);
}

TESTS(TEST(a_fresh_stack_begins_at_its_entry), TEST(registers_survive));
