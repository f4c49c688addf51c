# Compilers and flags for ARCH and CC_NAME.

CFLAGS_COMMON := -std=gnu17 -O2 -g -ffreestanding -fno-common -fno-omit-frame-pointer \
	-fno-strict-aliasing -fno-stack-protector -fno-pic -ffunction-sections -fdata-sections \
	-fno-unwind-tables -fno-asynchronous-unwind-tables \
	-Wall -Wextra -Werror -Wmissing-prototypes -Wstrict-prototypes -Wvla -Wundef \
	-Ikernel -Ikernel/arch/$(ARCH)

# The outliner would take away from back traces who called.
SMALLEST := -Oz $(if $(filter clang,$(CC_NAME)),-mno-outline)
ifeq ($(CC_NAME),clang)
CFLAGS_COMMON += -Wthread-safety -Wconditional-uninitialized
# clang 14 crashes in its new tracking of variables on x86_64, where a local is spilled in a loop.
CFLAGS_COMMON += -mllvm -experimental-debug-variable-locations=false
endif

ifeq ($(ARCH),x86_64)
CFLAGS_ARCH := -mno-red-zone -mgeneral-regs-only -mcmodel=small -fcf-protection=none
TARGET_CC := $(if $(filter clang,$(CC_NAME)),clang --target=x86_64-none-elf,gcc)
TARGET_LD := $(if $(filter clang,$(CC_NAME)),ld.lld,ld)
OBJCOPY := $(if $(filter clang,$(CC_NAME)),llvm-objcopy,objcopy)
NM := $(if $(filter clang,$(CC_NAME)),llvm-nm,nm)
endif
ifeq ($(ARCH),aarch64)
CFLAGS_ARCH := -mgeneral-regs-only -mstrict-align -mcpu=cortex-a53 \
	$(if $(filter gcc,$(CC_NAME)),-mno-outline-atomics)
# The processor gives 0 for a division by zero; the compiler's check makes it a fault, as elsewhere.
CFLAGS_ARCH += -fsanitize=integer-divide-by-zero \
	$(if $(filter clang,$(CC_NAME)),-fsanitize-trap=all,-fsanitize-undefined-trap-on-error)
TARGET_CC := $(if $(filter clang,$(CC_NAME)),clang --target=aarch64-none-elf,aarch64-linux-gnu-gcc)
TARGET_LD := $(if $(filter clang,$(CC_NAME)),ld.lld,aarch64-linux-gnu-ld)
OBJCOPY := $(if $(filter clang,$(CC_NAME)),llvm-objcopy,aarch64-linux-gnu-objcopy)
NM := $(if $(filter clang,$(CC_NAME)),llvm-nm,aarch64-linux-gnu-nm)
endif
ifeq ($(ARCH),sim)
# The kernel's own sources with the compiler's hooks, whose runtime is sim/hooks.c. Both kinds are
# needed: memory accesses and basic blocks (docs: the simulator).
CFLAGS_HOOKS_clang := -fsanitize=thread -mllvm -tsan-instrument-func-entry-exit=0 \
	-mllvm -tsan-distinguish-volatile=1 -fsanitize-coverage=edge,trace-pc
CFLAGS_HOOKS_gcc := -fsanitize=thread --param tsan-instrument-func-entry-exit=0 \
	--param tsan-distinguish-volatile=1 -fsanitize-coverage=trace-pc -Wno-tsan
CFLAGS_BLOCKS_clang := -fsanitize-coverage=edge,trace-pc
CFLAGS_BLOCKS_gcc := -fsanitize-coverage=trace-pc
CFLAGS_ARCH := $(CFLAGS_HOOKS_$(CC_NAME))
ifneq ($(ASAN),)
CFLAGS_ARCH := -fsanitize=address,undefined -fsanitize-undefined-trap-on-error $(CFLAGS_BLOCKS_$(CC_NAME))
endif
ifneq ($(COVERAGE),)
CFLAGS_ARCH += -fprofile-instr-generate -fcoverage-mapping
endif
TARGET_CC := $(CC)
TARGET_LD := ld
OBJCOPY := objcopy
NM := nm
endif

# $< becomes $@. In the simulator by way of assembly, in which a hook's call is mostly replaced by what it would do first.
COMPILE = $(TARGET_CC) $(CFLAGS) -MMD -MP -c $< -o $@
ifeq ($(ARCH)-$(shell uname -m),sim-x86_64)
HOOKS_LINES := $(shell cksum sim/hooks.awk)
COMPILE = $(TARGET_CC) $(CFLAGS) -MMD -MP -MT $@ -MF $(@:.o=.d) -S $< -o $(@:.o=.s.in) && \
	awk -f sim/hooks.awk $(@:.o=.s.in) >$(@:.o=.s) && $(TARGET_CC) -Wa,--no-warn -c $(@:.o=.s) -o $@ && rm $(@:.o=.s) $(@:.o=.s.in)
endif

CFLAGS := $(CFLAGS_COMMON) $(CFLAGS_ARCH) $(CFLAGS_BOARD)
