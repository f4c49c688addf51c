# build/tools/insns.so is the plugin of QEMU's that `make bench` counts with. Not among HOST_TOOLS:
# only the bench needs it.

build/tools/insns.so: tools/bench/insns.c tools/bench/qemu_plugin.h
	@mkdir -p $(@D)
	@echo "  HOSTCC  $<"
	@$(HOSTCC) $(HOST_CFLAGS) -fPIC -fvisibility=hidden -shared -o $@ $<
