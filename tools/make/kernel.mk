# Objects and images. Every object depends on its headers (-MMD) and on the flags it was built with.

NEUTRAL := base core sync mm trace task sched async services
APP_SRCS := $(if $(APP),$(APP),$(sort $(wildcard kernel/apps/*.c)))
KERNEL_SRCS := $(sort $(foreach d,$(NEUTRAL),$(wildcard kernel/$(d)/*.c))) \
	$(sort $(wildcard kernel/arch/$(ARCH)/*.c kernel/arch/$(ARCH)/*.S)) \
	$(sort $(wildcard kernel/board/$(IMAGE)/*.c)) \
	$(addprefix kernel/drivers/,$(DRIVERS))
KERNEL_OBJS := $(patsubst %,$(OUT)/%.o,$(basename $(KERNEL_SRCS)))
APP_OBJS := $(patsubst %,$(OUT)/%.o,$(basename $(APP_SRCS)))
OBJS := $(KERNEL_OBJS) $(APP_OBJS)

# Recompile when the command changes: the file is touched only when its content would differ.
FLAGS_FILE := $(OUT)/flags
FLAGS_NOW := $(TARGET_CC) $(CFLAGS)
$(shell mkdir -p $(OUT) && { [ "$$(cat $(FLAGS_FILE) 2>/dev/null)" = '$(FLAGS_NOW)' ] || echo '$(FLAGS_NOW)' >$(FLAGS_FILE); })

$(OUT)/%.o: %.c $(FLAGS_FILE)
	@mkdir -p $(@D)
	@echo "  CC      $<"
	@$(TARGET_CC) $(CFLAGS) -MMD -MP -c $< -o $@

$(OUT)/%.o: %.S $(FLAGS_FILE)
	@mkdir -p $(@D)
	@echo "  AS      $<"
	@$(TARGET_CC) $(CFLAGS) -D__ASSEMBLER__ -MMD -MP -c $< -o $@

-include $(OBJS:.o=.d)

ifneq ($(ARCH),sim)
# Two links: the first gives the addresses for the symbol table that the second one carries.
LDFLAGS := -nostdlib -static -z max-page-size=4096 -z noexecstack --gc-sections -T $(LDSCRIPT)

$(BIN)/stage1.elf: $(OBJS) $(LDSCRIPT)
	@mkdir -p $(@D)
	@$(TARGET_LD) $(LDFLAGS) -o $@ $(OBJS)

$(BIN)/ksyms.o: $(BIN)/stage1.elf tools/ksyms
	@$(NM) -n $< | tools/ksyms >$(BIN)/ksyms.S
	@$(TARGET_CC) $(CFLAGS) -c $(BIN)/ksyms.S -o $@

$(ELF): $(OBJS) $(BIN)/ksyms.o $(LDSCRIPT)
	@echo "  LD      $@"
	@$(TARGET_LD) $(LDFLAGS) -o $@ $(OBJS) $(BIN)/ksyms.o

$(BIN)/kernel.img: $(ELF)
	@$(OBJCOPY) -O binary $< $@
else
include sim/sim.mk
endif
