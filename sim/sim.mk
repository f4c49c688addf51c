# The simulator: kernel.o, the kernel's own objects gathered into one that imports nothing but
# sim/port.h and the compilers' hooks, linked with the engine into a program for the host.

SIM_HOST := $(shell uname -m)
SIM_CFLAGS := -std=gnu17 -O2 -g -fno-pie -fno-omit-frame-pointer -fno-strict-aliasing -I. \
	-Wall -Wextra -Werror -Wmissing-prototypes -Wstrict-prototypes -Wvla -Wundef -Wshadow
SIM_OBJS := $(patsubst sim/%.c,$(OUT)/engine/%.o,$(sort $(wildcard sim/*.c))) \
	$(OUT)/engine/fiber_$(SIM_HOST).o
SIM_LINK := $(CC) -static

$(OUT)/engine/%.o: sim/%.c sim/sim.mk
	@mkdir -p $(@D)
	@echo "  CC      $<"
	@$(CC) $(SIM_CFLAGS) -MMD -MP -c $< -o $@

$(OUT)/engine/%.o: sim/%.S sim/sim.mk
	@mkdir -p $(@D)
	@echo "  AS      $<"
	@$(CC) $(SIM_CFLAGS) -c $< -o $@

-include $(SIM_OBJS:.o=.d)

# Names of the kernel become local, all but its exports: the host's C library has a memcpy of
# its own, and neither may use the other's.
$(BIN)/kernel.o: $(OBJS) sim/kernel.ld sim/port.list sim/exports.list
	@mkdir -p $(@D)
	@echo "  LD      $@"
	@$(TARGET_LD) -r -T sim/kernel.ld -o $@.tmp $(OBJS)
	@$(OBJCOPY) --keep-global-symbols=sim/exports.list $@.tmp
	@$(NM) -u $@.tmp | awk '{ print $$2 }' | grep -vxF -f sim/port.list | \
		grep -vE '^(__tsan_|__sanitizer_cov_trace_pc$$|ksyms_)' >$@.more; \
	if [ -s $@.more ]; then \
		echo "the kernel may use only sim/port.h of its host, but it also needs:" >&2; \
		sed 's/^/  /' $@.more >&2; \
		exit 1; \
	fi
	@mv $@.tmp $@

# Two links, as for the other boards; the second only appends, so addresses stay.
$(BIN)/stage1.elf: $(BIN)/kernel.o $(SIM_OBJS)
	@$(SIM_LINK) -o $@ $^

$(BIN)/ksyms.o: $(BIN)/stage1.elf tools/ksyms
	@$(NM) -n $< | tools/ksyms >$(BIN)/ksyms.S
	@$(CC) -c $(BIN)/ksyms.S -o $@

$(ELF): $(BIN)/kernel.o $(SIM_OBJS) $(BIN)/ksyms.o
	@echo "  LD      $@"
	@$(SIM_LINK) -o $@.tmp $^
	@for f in $(BIN)/stage1.elf $@.tmp; do $(NM) -n $$f | grep ' [tT] ' | cksum; done | uniq | \
		sed 1d | grep -q . && { echo "$@: code moved between the two links" >&2; exit 1; } || :
	@mv $@.tmp $@
