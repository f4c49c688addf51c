include tools/trace/trace.mk
HOST_TOOLS += $(TRACE_TOOL)
