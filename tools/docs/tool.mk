# build/docs/events.md is the reference page of the trace's events.

HOST_TOOLS += build/tools/events-page

build/tools/events-page: tools/docs/events_page.c kernel/trace/events.def
	@mkdir -p $(@D)
	@echo "  HOSTCC  $<"
	@$(HOSTCC) $(HOST_CFLAGS) -Ikernel -o $@ $<

build/docs/events.md: build/tools/events-page
	@mkdir -p $(@D)
	@$< >$@
