# The explorer: a program, the kernel's objects that it names, and sim/explore/ in place of the rest of
# the simulator. `make build/sim-clang/app-mcs/explore.elf BOARD=sim APP=tests/explore/mcs.c`.

EXPLORE_SRCS := $(wildcard sim/explore/*.c)
EXPLORE_OBJS := $(patsubst sim/%.c,$(OUT)/engine/%.o,$(EXPLORE_SRCS)) \
	$(OUT)/engine/fiber.o $(OUT)/engine/fiber_$(shell uname -m).o
EXPLORE_LINKS := base/string.c $(shell sed -n 's/^ \* links: //p' $(or $(APP),/dev/null))
EXPLORE_KERNEL := $(patsubst %,$(OUT)/%.o,$(basename $(APP) $(addprefix kernel/,$(EXPLORE_LINKS))))
EXPLORE_FILE := $(BIN)/explore.link
ifneq ($(filter %/explore.elf,$(MAKECMDGOALS)),)
$(call remember,$(EXPLORE_FILE),$(SIM_LINK) $(EXPLORE_KERNEL) $(EXPLORE_OBJS))
endif

$(EXPLORE_KERNEL) : | $(SESSION_HEADERS)
-include $(EXPLORE_OBJS:.o=.d) $(EXPLORE_KERNEL:.o=.d)

# As kernel.o, of fewer objects.
$(BIN)/explore.o: $(EXPLORE_KERNEL) sim/kernel.ld sim/explore.list $(EXPLORE_FILE)
	@mkdir -p $(@D)
	@$(TARGET_LD) -r -T sim/kernel.ld -o $@ $(EXPLORE_KERNEL)
	@$(OBJCOPY) --keep-global-symbols=sim/explore.list $@

# What a program does not define and the kernel's files name is at 0: to reach it is the end of it.
$(BIN)/explore.elf: $(BIN)/explore.o $(EXPLORE_OBJS)
	@echo "  LD      $@"
	@$(SIM_LINK) -Wl,--warn-unresolved-symbols -o $@ $^ 2>$@.log || { cat $@.log >&2; exit 1; }
	@! grep 'explore_thread' $@.log

# Programs that are read, for the tests of the explorer itself.
LITMUS_OBJS := $(filter-out %/explore/main.o,$(EXPLORE_OBJS)) $(OUT)/engine/explore/litmus/litmus.o
-include $(OUT)/engine/explore/litmus/litmus.d

$(OUT)/litmus: $(LITMUS_OBJS)
	@echo "  LD      $@"
	@$(SIM_LINK) -o $@ $^
