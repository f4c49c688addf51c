# The simulator: kernel.o, the kernel's own objects gathered into one that imports nothing but
# sim/port.h and the compilers' hooks, linked with the engine into a program for the host.

SIM_CFLAGS := -std=gnu17 -O2 -g -fno-pie -fno-omit-frame-pointer -fno-strict-aliasing -I. \
	-Wall -Wextra -Werror -Wmissing-prototypes -Wstrict-prototypes -Wvla -Wundef -Wshadow
SIM_SRCS := $(sort $(wildcard sim/*.c)) sim/fiber_$(shell uname -m).S
MODELS := $(OUT)/engine/models.o
MODELS_OBJS := $(patsubst sim/%.c,$(OUT)/engine/%.o,$(sort $(wildcard sim/devices/*.c)))
SIM_OBJS := $(patsubst sim/%,$(OUT)/engine/%.o,$(basename $(SIM_SRCS))) $(MODELS)
SIM_LINK := $(CC) $(if $(ASAN),-no-pie -fsanitize=address,-static) $(if $(COVERAGE),-fprofile-instr-generate)

# SANITIZE=1: what C leaves undefined in the simulator's own code stops it, as an illegal instruction. The
# kernel's accesses go through the hooks, where --watch memory looks at them. SANITIZE=address: the kernel's own code, too,
# and what AddressSanitizer sees of it, in place of the hooks for accesses. SANITIZE=coverage: which lines of the
# kernel were executed.
ifneq ($(ASAN),)
SIM_CFLAGS += -fsanitize=address
# The allocators touch what is free, back traces what is not theirs, and the symbols' table is another object's.
$(OUT)/kernel/mm/%.o $(OUT)/kernel/arch/sim/switch.o: CFLAGS += -fno-sanitize=address
$(OUT)/kernel/core/ksym.o: CFLAGS += -fno-sanitize=address,undefined
endif
ifneq ($(SANITIZED),)
SIM_CFLAGS += -fsanitize=undefined -fsanitize-undefined-trap-on-error $(if $(filter gcc,$(CC)),-Wno-builtin-declaration-mismatch)
endif

# The trace tool's part that writes a trace, compiled here with this build's compiler.
SIM_TRACE := $(addprefix tools/trace/,buffer.c events.c metadata.c extract.c)
SIM_TRACE_CFLAGS := -Itools/trace/host -Itools/trace -Ikernel
SIM_OBJS += $(patsubst %.c,$(OUT)/engine/%.o,$(SIM_TRACE))

# What writes a trace is one step (one_step.h): the ring is its CPU's own, and of the run queues it only reads, what the lock that
# is held guards. The explorer has both with hooks (tests/explore/trace_ring.c, decisions.c).
QUIET := $(addprefix $(OUT)/kernel/,trace/record.o task/decision.o)
OBJS := $(foreach o,$(OBJS),$(if $(filter $o,$(QUIET)),$(o:.o=.quiet.o),$o))
$(QUIET:.o=.quiet.o): %.quiet.o: $(FLAGS_FILE)
	@mkdir -p $(@D)
	@echo "  CC      $(@:$(OUT)/%.quiet.o=%.c) (no hooks)"
	@$(TARGET_CC) $(CFLAGS_COMMON) $(CFLAGS_BOARD) -include sim/one_step.h -MMD -MP -c $(@:$(OUT)/%.quiet.o=%.c) -o $@
$(foreach o,$(QUIET),$(eval $(o:.o=.quiet.o): $(o:$(OUT)/%.o=%.c)))
-include $(QUIET:.o=.quiet.d)

# What a debugger is told of the kernel's structures: sizes and offsets, no code.
$(OUT)/engine/layout.o: sim/layout.c $(FLAGS_FILE)
	@mkdir -p $(@D)
	@echo "  CC      $<"
	@$(TARGET_CC) $(CFLAGS_COMMON) $(CFLAGS_BOARD) -MMD -MP -c $< -o $@

# AddressSanitizer's constructors tell it where variables are, so there they stay.
KERNEL_LD := $(if $(ASAN),$(OUT)/kernel-asan.ld,sim/kernel.ld)
$(OUT)/kernel-asan.ld: sim/kernel.ld
	@mkdir -p $(@D)
	@grep -v DISCARD $< >$@

SIM_FLAGS_FILE := $(OUT)/engine/flags
$(call remember,$(SIM_FLAGS_FILE),$(CC) $(SIM_CFLAGS) $(SIM_TRACE_CFLAGS))
LINK_FILE := $(BIN)/link
$(call remember,$(LINK_FILE),$(SIM_LINK) $(OBJS) $(SIM_OBJS))

$(OUT)/engine/%.o: sim/%.c $(SIM_FLAGS_FILE)
	@mkdir -p $(@D)
	@echo "  CC      $<"
	@$(CC) $(SIM_CFLAGS) -MMD -MP -c $< -o $@

$(OUT)/engine/%.o: sim/%.S $(SIM_FLAGS_FILE)
	@mkdir -p $(@D)
	@echo "  AS      $<"
	@$(CC) $(SIM_CFLAGS) -MMD -MP -c $< -o $@

$(OUT)/engine/tools/%.o: tools/%.c $(SIM_FLAGS_FILE)
	@mkdir -p $(@D)
	@echo "  CC      $<"
	@$(CC) $(SIM_CFLAGS) $(SIM_TRACE_CFLAGS) -MMD -MP -c $< -o $@

$(OUT)/engine/trace_out.o: SIM_CFLAGS += $(SIM_TRACE_CFLAGS)
$(OUT)/engine/explore/%.o: SIM_CFLAGS += -O3

# A hook is a few instructions: a frame of its own would be half of them. Those that call have one, for back traces.
$(OUT)/engine/hooks.o: SIM_CFLAGS += -momit-leaf-frame-pointer

-include $(SIM_OBJS:.o=.d) $(MODELS_OBJS:.o=.d)

# Names of the kernel become local, all but its exports: the host's C library has a memcpy of
# its own, and neither may use the other's. What the kernel imports must be in port.list, which
# in turn must be what port.h declares.
$(BIN)/kernel.o: $(OBJS) $(KERNEL_LD) sim/port.h sim/port.list sim/exports.list $(LINK_FILE)
	@mkdir -p $(@D)
	@echo "  LD      $@"
	@$(TARGET_LD) -r -T $(KERNEL_LD) -o $@.tmp $(OBJS)
	@$(OBJCOPY) --keep-global-symbols=sim/exports.list $@.tmp
	@grep -oE '\<sim_[a-z_]+\(' sim/port.h | tr -d '(' | grep -v ^sim_entry_ | sort -u | \
		diff -u sim/port.list - || { echo "sim/port.list is not what sim/port.h declares" >&2; exit 1; }
	@$(NM) -u $@.tmp | awk '{ print $$2 }' | grep -vxF -f sim/port.list | \
		grep -vE '^(__tsan_|__sanitizer_cov_trace_pc$$|sim_budget$$|sim$$$(if $(ASAN),|__asan_)$(if $(COVERAGE),|__llvm_profile_))' >$@.more || :
	@if [ -s $@.more ]; then \
		echo "the kernel may use only sim/port.h of its host, but it also needs:" >&2; \
		sed 's/^/  /' $@.more >&2; \
		exit 1; \
	fi
	@mv $@.tmp $@

# Two links, as for the other boards. The table lies behind the code, so the code stays.
$(BIN)/stage1.elf: $(BIN)/kernel.o $(SIM_OBJS)
	@$(SIM_LINK) -o $@ $^

$(BIN)/ksyms.o: $(BIN)/stage1.elf tools/ksyms
	@$(NM) -n $< >$(BIN)/stage1.nm
	@tools/ksyms $(BIN)/stage1.nm >$(BIN)/ksyms.S
	@$(CC) -c $(BIN)/ksyms.S -o $@

$(ELF): $(BIN)/kernel.o $(SIM_OBJS) $(BIN)/ksyms.o
	@echo "  LD      $@"
	@$(SIM_LINK) -o $@ $^
	@$(NM) -n $@ | tools/ksyms - | cmp -s - $(BIN)/ksyms.S || \
		{ echo "$@: code moved between the two links" >&2; exit 1; }

# The models of devices. What they need of the world they are handed (struct device_host), so that any
# program can carry them; of C's library they use what needs no system.
$(MODELS): $(MODELS_OBJS)
	@echo "  LD      $@"
	@$(TARGET_LD) -r -o $@.tmp $^
	@$(NM) -u $@.tmp | awk '{ print $$2 }' | \
		grep -vE '^(mem(cmp|cpy|move|set)|vsnprintf$(if $(ASAN),|__(asan|ubsan)_.*))$$' >$@.more || :
	@if [ -s $@.more ]; then \
		echo "models of devices may use only what sim/devices/device.h hands them, but they also need:" >&2; \
		sed 's/^/  /' $@.more >&2; \
		exit 1; \
	fi
	@mv $@.tmp $@

# Models with their tests, and with a program that carries one:
# `make build/sim-clang/app-models/models.elf BOARD=sim APP=tests/sim/models.c`, carrier.elf likewise.
$(BIN)/models.elf $(BIN)/carrier.elf: $(BIN)/%.elf: tests/sim/%.c $(wildcard tests/sim/models*) $(MODELS)
	@mkdir -p $(@D)
	@echo "  LD      $@"
	@$(CC) $(SIM_CFLAGS) -static -o $@ $< $(MODELS)

# The race detector against a simple one: `make build/sim-clang/app-races/races.elf BOARD=sim APP=tests/sim/races.c`.
$(BIN)/races.elf: tests/sim/races.c sim/race.c sim/watch.h sim/sim.h
	@mkdir -p $(@D)
	@echo "  LD      $@"
	@$(CC) $(SIM_CFLAGS) -static -o $@ $<

include sim/explore.mk
