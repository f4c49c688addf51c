# Fermata's front door. `make help` lists every target.
#
# A kernel is named by board and compiler and is built in build/<image>-<compiler>/, so that boards
# and compilers build side by side. Which files belong to it follows from their paths; see
# tools/make/kernel.mk. Targets that build nothing need nothing installed but make.

BOARD ?= pc
CPUS ?= 4
SEED ?= 1
CC := $(if $(filter-out default,$(origin CC)),$(CC),clang)
APP ?=
CMDLINE ?=
N ?= 200
# The system's own: pytest comes from the same place.
PYTHON ?= $(firstword $(wildcard /usr/bin/python3) python3)

include tools/make/options.mk
comma := ,

RUN = $(PYTHON) tools/run --board $(BOARD) --cpus $(CPUS) --seed $(SEED) --elf $(ELF) \
	$(if $(LIVE),--live build/viewer/viewer.html)
TRACE_DIR := build/trace/$(BOARD)
VIEW = $(SUBMAKE) view-page TRACE_DIR=$(TRACE_DIR) VIEW_ELF=$(ELF) VIEW_NAME='$(BOARD)$(if $(filter sim,$(BOARD)), seed $(SEED))' \
	VIEW_COMMAND='make trace BOARD=$(BOARD) CPUS=$(CPUS) SEED=$(SEED) CMDLINE="$(CMDLINE_OR_DEMO)"'
SUBMAKE = $(MAKE) --no-print-directory BOARD=$(BOARD) CC=$(CC) APP=$(if $(RDGEN),,$(APP)) RDGEN='$(RDGEN)'
CMDLINE_OR_DEMO = $(or $(CMDLINE),demo)

.DEFAULT_GOAL := help
.PHONY: help setup run test prove lab soak gdb trace view viewer-pictures coverage bench scaling lint docs picture clean kernel tools iso

help: ## list the targets and options
	@awk -f tools/make/help.awk $(MAKEFILE_LIST)

setup: ## install what is missing for everything below (Debian; elsewhere it says what to do)
	@tools/setup/setup all

run: ## boot on BOARD: a shell when there is a terminal, else the demo; LIVE=1: follow it in a browser
	@tools/setup/setup run
	@$(SUBMAKE) kernel tools $(if $(LIVE),build/viewer/viewer.html)
	@if [ -t 0 ] && [ -t 1 ]; then \
		$(RUN) --trace $(TRACE_DIR) --interactive --append '$(CMDLINE)'; \
	else \
		$(RUN) --trace $(TRACE_DIR) --append '$(CMDLINE_OR_DEMO)' </dev/null; \
	fi
	@echo "  make view BOARD=$(BOARD)   (one HTML file that opens in any browser)"

test: ## run every test; QUICK=1: the most telling part, in minutes
	@tools/setup/setup all
	@$(PYTHON) -m pytest tests -n 2 --dist loadgroup --durations=15 $(if $(filter-out 0,$(QUICK)),-m quick) $(PYTEST)

prove: ## prove what verify/properties.toml claims, and that each proof can fail; QUICK=1 ONLY=wheel,fdt MUTANTS=1 REPORT=1
	@tools/setup/setup all
	@$(PYTHON) tools/prove/prove $(subst $(comma), ,$(ONLY)) $(if $(filter-out 0,$(QUICK)),--quick) \
		$(if $(filter-out 0,$(MUTANTS)),--mutants) $(if $(filter-out 0,$(REPORT)),--report)

lab: ## the course's labs: LAB=8 starts one in DIR=; without, lists them (tools/lab/lab --help)
	@tools/setup/setup run
	@$(PYTHON) tools/lab/lab $(if $(LAB),start $(LAB) $(DIR),list)

soak: ## boot the demo on BOARD N=200 times in a row and count failures
	@tools/setup/setup run
	@$(SUBMAKE) kernel tools
	@$(PYTHON) tools/soak --board $(BOARD) --cpus $(CPUS) --seed $(SEED) --elf $(ELF) --boots $(N)

gdb: ## open GDB on the halted kernel, with Fermata's commands loaded
	@tools/setup/setup all
	@$(SUBMAKE) kernel
	@$(RUN) --icount --gdb --append '$(CMDLINE)'

trace: ## run the demo, check its trace, and write it as an HTML page, for Perfetto and for KernelShark
	@tools/setup/setup run
	@$(SUBMAKE) kernel tools
	@$(RUN) --trace $(TRACE_DIR) --append '$(CMDLINE_OR_DEMO)' </dev/null
	@build/tools/fermata-trace check $(TRACE_DIR) || { $(VIEW); exit 1; }
	@build/tools/fermata-trace stats $(TRACE_DIR)
	@build/tools/fermata-trace perfetto $(TRACE_DIR) $(TRACE_DIR).pftrace
	@build/tools/fermata-trace tracedat $(TRACE_DIR) $(TRACE_DIR).dat
	@echo "Written: $(TRACE_DIR).pftrace (ui.perfetto.dev) and $(TRACE_DIR).dat (kernelshark)"
	@$(VIEW)

view: ## write the last run's trace on BOARD as one HTML file that opens in any browser
	@tools/setup/setup run
	@$(VIEW)

bench: ## measure on BOARD; prints lines of `metric value unit`; ONLY=sched,irq,viewer; speed: the simulator, and QEMU beside it; PROFILE=metric REPORT=1
	@tools/setup/setup run
	@$(if $(filter viewer,$(ONLY)),:,$(PYTHON) tools/bench/bench --board $(BOARD) --cc $(CC) $(if $(ONLY),--only $(ONLY)) \
		$(if $(PROFILE),--profile $(PROFILE)) $(if $(filter-out 0,$(REPORT)),--report))
	@$(if $(or $(PROFILE),$(filter-out viewer,$(ONLY))),:,$(SUBMAKE) viewer-bench)

scaling: ## throughput from 1 to 64 CPUs on sim, by the run queues' locks; QUICK=1 SHARDS=1,8 REPORT=1
	@tools/setup/setup run
	@$(PYTHON) tools/bench/scale --cc $(CC) $(if $(filter-out 0,$(QUICK)),--quick) \
		$(if $(SHARDS),--shards $(SHARDS)) $(if $(filter-out 0,$(REPORT)),--report)

coverage: ## which of the kernel's lines tests/unit execute on the simulator (tools/sim/coverage --help); APP= one program; REPORT=1: pages in build/coverage
	@tools/setup/setup run
	@$(PYTHON) tools/sim/coverage $(if $(filter-out 0,$(REPORT)),--html build/coverage) $(APP)

lint: ## check the tree's structure and run the compilers' and clang-tidy's static checks
	@tools/setup/setup all
	@$(PYTHON) tools/lint/structure .
	@$(PYTHON) tools/lint/await
	@$(PYTHON) tools/lint/static-checks

docs: ## write the reference pages and call graphs to build/docs
	@tools/setup/setup all
	@$(SUBMAKE) build/docs/events.md
	@doxygen docs/Doxyfile
	@echo "Open build/docs/html/index.html"

picture: ## redraw the README's picture of a trace from a run of the simulator
	@tools/setup/setup run
	@$(MAKE) --no-print-directory BOARD=sim CC=$(CC) APP= kernel tools
	@mkdir -p build/trace
	@build/sim-$(notdir $(CC))/kernel.elf --cpus 4 --seed 1 --cmdline demo=30 --trace build/trace/picture </dev/null
	@tools/trace/picture build/trace/picture docs/images/trace.svg --from 0 --to 26

viewer-pictures: ## take the book's pictures of the viewer again
	@tools/setup/setup all
	@mkdir -p docs/images/viewer
	@FERMATA_SHOTS=$(CURDIR)/docs/images/viewer $(PYTHON) -m pytest -q tests/viewer/test_browser.py

clean: ## remove everything that was built
	rm -rf build

kernel: ## build the kernel for BOARD with CC
tools: ## build the host tools, such as fermata-trace
iso: ## build a CD and USB image for BOARD=pc; CMDLINE= goes into its boot menu

WANTED := $(filter kernel tools iso view-page viewer-bench build/%,$(MAKECMDGOALS))
ifneq ($(WANTED),)
include tools/make/host.mk
endif
ifneq ($(filter-out tools view-page viewer-bench build/tools/% build/docs/% build/viewer/%,$(WANTED)),)
include kernel/board/$(IMAGE)/board.mk
include tools/make/toolchain.mk
include tools/make/kernel.mk
include tools/make/iso.mk
endif
