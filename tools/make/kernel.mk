# Objects and images. Every object depends on its headers (-MMD) and on the flags it was built
# with, every image on its list of objects, so that a change of either rebuilds what it touches.
#
# board.mk has set ARCH, DRIVERS (paths under kernel/drivers/), LDSCRIPT, and may set CFLAGS_BOARD.

NEUTRAL := base core sync mm trace task sched async services
APP_SRCS := $(if $(APP),$(APP),$(sort $(wildcard kernel/apps/*.c)))
KERNEL_SRCS := $(sort $(foreach d,$(NEUTRAL),$(wildcard kernel/$(d)/*.c))) \
	$(sort $(wildcard kernel/arch/$(ARCH)/*.c kernel/arch/$(ARCH)/*.S)) \
	$(sort $(wildcard kernel/board/$(IMAGE)/*.c kernel/board/$(IMAGE)/*.S)) \
	$(addprefix kernel/drivers/,$(DRIVERS))
OBJS := $(patsubst %,$(OUT)/%.o,$(basename $(KERNEL_SRCS) $(APP_SRCS)))

# x.session describes protocols; programs include what is made of it as "x.session.h": those beside
# them, and the kernel's by their path in kernel/.
SESSIONS := $(wildcard kernel/*/*.session $(if $(APP),$(dir $(APP))*.session))
SESSION_HEADERS := $(patsubst %,build/session/%.h,$(SESSIONS))
SESSION_TOOL := $(wildcard tools/session/*)

build/session/%.session.h: %.session $(SESSION_TOOL) $(wildcard kernel/*/*.session)
	@echo "  SESSION $<"
	@$(PYTHON) tools/session/session $< -o $@

$(OBJS): | $(SESSION_HEADERS)
CFLAGS += -Ibuild/session/kernel
$(if $(APP),$(OUT)/$(basename $(APP)).o): CFLAGS += -Ibuild/session/$(dir $(APP))

ifneq ($(RDGEN),)
$(call remember,$(APP).words,$(RDGEN) $(RDGEN_FLAGS))
$(APP): $(RDGEN) $(APP).words tools/rdgen/rdgen
	@mkdir -p $(@D)
	@echo "  RDGEN   $@"
	@$(PYTHON) tools/rdgen/rdgen $(RDGEN_FLAGS) -o $@ $(RDGEN)
endif

# What runs at start-up, for people, or at a task's or a DAG's begin and end is compiled to be small. Of what
# runs at each wake-up, switch, message and interrupt, FAST is compiled to be fast; the rest has what it
# needs inlined by attributes, and is no longer with -Os. The simulator counts neither.
SMALL := apps/% services/% board/% drivers/acpi/% drivers/fdt/% drivers/psci/% drivers/timer/% drivers/uart/% \
	drivers/irqchip/ioapic% base/error% base/printf% base/words% core/console% core/ksym% core/log% \
	core/panic% core/start% async/dag% async/interval% async/name% async/pubsub% async/service% \
	async/session% mm/misuse% mm/page% mm/ranges% sched/admission% task/hotplug% task/look% \
	task/params% task/worker% arch/$(ARCH)/fault% arch/$(ARCH)/cpu% arch/$(ARCH)/mmu% arch/$(ARCH)/stack%
FAST := async/channel% async/lock% async/mailbox% async/semaphore% async/wait% base/string% base/tree% base/wheel% \
	core/time% mm/% sched/% task/inherit%

FLAGS_FILE := $(OUT)/flags
$(call remember,$(FLAGS_FILE),$(TARGET_CC) $(CFLAGS) $(SMALLEST) $(SMALL) $(FAST) $(HOOKS_LINES))

ifneq ($(ARCH),sim)
objects = $(filter $(patsubst %,$(OUT)/kernel/%.o,$(1)),$(OBJS))
$(call objects,$(SMALL)): CFLAGS += $(SMALLEST)
$(filter-out $(call objects,$(SMALL) $(FAST)),$(call objects,%)): CFLAGS += -Os
endif

# A policy has what it must not write as const (docs/policies.md).
$(OUT)/kernel/sched/%.o: CFLAGS += -Wcast-qual

$(OUT)/%.o: %.c $(FLAGS_FILE)
	@mkdir -p $(@D)
	@echo "  CC      $<"
	@$(COMPILE)

$(OUT)/%.o: %.S $(FLAGS_FILE)
	@mkdir -p $(@D)
	@echo "  AS      $<"
	@$(TARGET_CC) $(CFLAGS) -D__ASSEMBLER__ -MMD -MP -c $< -o $@

-include $(OBJS:.o=.d)

kernel: $(ELF)
	@:

ifeq ($(ARCH),sim)
include sim/sim.mk
else
kernel: $(BIN)/kernel.img

# Two links: the first gives the addresses for the symbol table that the second one carries.
LDFLAGS := -nostdlib -static -z max-page-size=4096 -z noexecstack --gc-sections -T $(LDSCRIPT) $(LDFLAGS_BOARD)
LINK_FILE := $(BIN)/link
$(call remember,$(LINK_FILE),$(TARGET_LD) $(LDFLAGS) $(OBJS))

$(BIN)/stage1.elf: $(OBJS) $(LDSCRIPT) $(LINK_FILE)
	@$(TARGET_LD) $(LDFLAGS) -o $@ $(OBJS)

$(BIN)/ksyms.o: $(BIN)/stage1.elf tools/ksyms
	@$(NM) -n $< >$(BIN)/stage1.nm
	@tools/ksyms $(BIN)/stage1.nm >$(BIN)/ksyms.S
	@$(TARGET_CC) $(CFLAGS) -c $(BIN)/ksyms.S -o $@

$(ELF): $(BIN)/ksyms.o
	@echo "  LD      $@"
	@$(TARGET_LD) $(LDFLAGS) -o $@ $(OBJS) $<

$(BIN)/kernel.img: $(ELF)
	@$(OBJCOPY) -O binary $< $@
endif

.DELETE_ON_ERROR:
