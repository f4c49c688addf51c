# fermata-trace, and libtrace.a for programs that write or check traces themselves, such as the
# simulator. Usable alone too: make -f tools/trace/trace.mk [HOSTCC=gcc] [TRACE_SANITIZE=1]

, := ,
ifndef TRACE_TOOL
HOSTCC ?= cc
TRACE_OUT := build/tools
TRACE_SANITIZE ?=
ifneq ($(TRACE_SANITIZE),)
TRACE_OUT := build/tools-sanitize
endif
TRACE_TOOL := $(TRACE_OUT)/fermata-trace
TRACE_LIB := $(TRACE_OUT)/libtrace.a
TRACE_OBJ := $(TRACE_OUT)/trace-$(notdir $(HOSTCC))

TRACE_CFLAGS := -std=gnu17 -O2 -g -Wall -Wextra -Werror -Wmissing-prototypes -Wstrict-prototypes \
	-Wvla -Wundef -Wshadow -Itools/trace/host -Itools/trace -Ikernel \
	$(if $(TRACE_SANITIZE),-fsanitize=address$(,)undefined -fno-sanitize-recover=all)
TRACE_LIB_SRCS := $(addprefix tools/trace/,buffer.c events.c metadata.c extract.c invariants.c \
	inv_tasks.c inv_rules.c inv_cpus.c inv_dag.c inv_policy.c \
	inv_share.c inv_lottery.c)
TRACE_SRCS := $(sort $(wildcard tools/trace/*.c))
TRACE_OBJS := $(patsubst tools/trace/%.c,$(TRACE_OBJ)/%.o,$(TRACE_SRCS))
TRACE_LIB_OBJS := $(patsubst tools/trace/%.c,$(TRACE_OBJ)/%.o,$(TRACE_LIB_SRCS))

.PHONY: trace-tools
trace-tools: $(TRACE_TOOL) $(TRACE_LIB)

$(TRACE_OBJ)/%.o: tools/trace/%.c tools/trace/trace.mk
	@mkdir -p $(@D)
	@echo "  HOSTCC  $<"
	@$(HOSTCC) $(TRACE_CFLAGS) -MMD -MP -c $< -o $@

$(TRACE_LIB): $(TRACE_LIB_OBJS)
	@rm -f $@
	@ar rcs $@ $^

$(TRACE_TOOL): $(TRACE_OBJS)
	@echo "  LINK    $@"
	@$(HOSTCC) $(if $(TRACE_SANITIZE),-fsanitize=address$(,)undefined) -o $@ $^

-include $(TRACE_OBJS:.o=.d)
endif
