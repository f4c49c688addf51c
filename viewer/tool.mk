# The trace viewer: one HTML file, build/viewer/viewer.html. Its table of events is made from
# kernel/trace/events.def. `view-page` puts the trace of
# the last run into a copy of it.

ESBUILD ?= esbuild
ESBUILD_FLAGS := --bundle --minify --format=iife --target=es2022 --charset=utf8 --log-level=warning \
	--alias:events=./build/viewer/events.ts --alias:sources=./build/viewer/sources.ts
# Long names of the viewer's own, which neither the browser nor a file nor a test knows, are made short.
VIEWER_OWN := afterLoss applyTheme awaitedName blind budgetNs busyBefore busyNs clockHz colours common counts \
	cpuEvents cpuNs deadlineNs decisionBefore delay discarded dockBody dockTimer doubles extent finishedTasks following \
	goTime hasDecision hasEvent hashTimer hasStep hatch headline inputError irqOpen irqStart irqWhat itemBytes jobAt \
	jobFrom jobList jobsFrom jobsOf keyText levels lockWaiters lossFrom mayRun nameOf nextMatch notRecorded nsPerTick \
	onlyActive onWorkerSwitch openJob periodNs pieces places playTimer quantumNs queuedAt queueMax queueWithout \
	ranUntilNow readyNs redraw refreshDock refreshDockSoon rowChosen runsElsewhere sampled sampledOf scoreText \
	setFilter spawned startReader stateFaint stepLane switchOf toggleActive toggleTeaching trigger unknownNs varint \
	verdictText waitedUs wakeLinks wants wasPreempted weights welcome widths
VIEWER_EMPTY :=
VIEWER_BLANK := $(VIEWER_EMPTY) $(VIEWER_EMPTY)
ESBUILD_FLAGS += '--mangle-props=^($(subst $(VIEWER_BLANK),|,$(strip $(VIEWER_OWN))))$$'
ESBUILD_FLAGS += --inject:./viewer/short.ts $(foreach f,max min round floor ceil abs,--define:Math.$f=$f_) \
	$(foreach f,isNaN isFinite,--define:Number.$f=$f_) $(foreach f,Number Float64Array Uint32Array Uint8Array Int32Array,--define:$f=$f_)
VIEWER_SRCS := $(wildcard viewer/src/*) viewer/short.ts

build/viewer/events-table: viewer/events_table.c kernel/trace/events.def
	@mkdir -p $(@D)
	@echo "  HOSTCC  $<"
	@$(HOSTCC) $(HOST_CFLAGS) -Ikernel -o $@ $<

build/viewer/events.ts: build/viewer/events-table
	@$< >$@

# Where each class's policy stands, for the panel's link to the source.
build/viewer/sources.ts: $(wildcard kernel/sched/*.c)
	@mkdir -p $(@D)
	@awk 'BEGIN { print "export const POLICIES: Record<string, string> = {" } \
		match($$0, /^const struct sched_policy sched_[a-z]+/) { name = substr($$0, 33, RLENGTH - 32); \
			printf "\t%s: \"%s:%d\",\n", name, FILENAME, FNR } \
		END { print "};" }' $^ >$@

build/viewer/main.js: viewer/src/index.ts build/viewer/events.ts build/viewer/sources.ts $(VIEWER_SRCS)
	@echo "  BUNDLE  $<"
	@$(ESBUILD) $(ESBUILD_FLAGS) $< --outfile=$@

build/viewer/style.css: viewer/src/style.css
	@mkdir -p $(@D)
	@$(ESBUILD) --minify --log-level=warning $< --outfile=$@

build/viewer/viewer.html: build/viewer/main.js build/viewer/style.css viewer/src/page.html viewer/pack
	@viewer/pack page build/viewer/main.js build/viewer/style.css viewer/src/page.html $@

.PHONY: view-page
view-page: build/viewer/viewer.html $(TRACE_TOOL)
	@viewer/pack embed $< $(TRACE_DIR) $(TRACE_DIR).html name='$(VIEW_NAME)' command='$(VIEW_COMMAND)' elf='$(VIEW_ELF)' $(if $(WITH),'with=$(WITH)')
	@echo "Open $(TRACE_DIR).html in a browser: every switch, and why each decision was taken"

.PHONY: viewer-bench
viewer-bench: build/viewer/viewer.html
	@if [ -d viewer/node_modules/playwright-core ] && command -v chromium >/dev/null; then \
		node tests/viewer/bench.mjs $(abspath $<); \
	else \
		echo "viewer: not measured, as there is no chromium or playwright-core: make setup" >&2; \
	fi
