# Programs that run on the host, in build/tools/. Each folder's tool.mk adds its own to HOST_TOOLS.

HOSTCC ?= clang
HOST_CFLAGS := -std=gnu17 -O2 -g -Wall -Wextra -Werror -Wmissing-prototypes -Wstrict-prototypes

# $(call remember,FILE,TEXT): FILE changes, and with it what depends on it, only when TEXT does. GNU make 4.3 sometimes
# loses what $(file <FILE) read, in an argument of a function; the shell reads it instead.
same = $(if $(subst x$1x,,x$2x),,yes)
remember = $(if $(call same,$(shell cat $1 2>/dev/null),$2),,$(shell mkdir -p $(dir $1))$(file >$1,$2))

HOST_TOOLS :=
include $(wildcard tools/*/tool.mk viewer/tool.mk)

tools: $(HOST_TOOLS)
	@:
