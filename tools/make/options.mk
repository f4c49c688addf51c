# Checks of what the user gave, before anything is built. Each mistake gets one line.
#
#: BOARD=pc      pc, virt, raspi3, raspi4 or sim
#: CPUS=4        1 to 64 on pc, virt and sim; the Pis have 4
#: CC=clang      clang or gcc
#: SEED=1        sim: which of its executions
#: CMDLINE=      words for the kernel; `demo` runs the demo and leaves
#: APP=          a C file that replaces kernel/apps/
#: RDGEN=        YAML files of RD-Gen's, whose DAGs run instead; RDGEN_FLAGS as in tools/rdgen/rdgen --help
#: LIVE=1        run: print an address at which a browser follows the trace
#: SANITIZE=     sim: 1, its own code; address: AddressSanitizer; coverage: then `make coverage`
#: QUICK=1       test: the short selection; PYTEST='-k word' chooses by name
#: LABS=all      test: 200 public and 50 fresh seeds for each of a lab's checks

ifeq ($(filter else-if,$(.FEATURES)),)
$(error This make is $(MAKE_VERSION); GNU make 4.2 or later is needed (macOS: brew install make, then gmake))
endif

# $(call one-of,WORD,LIST): not empty when WORD is a single word of LIST.
one-of = $(and $(filter 1,$(words $1)),$(filter $1,$2))

BOARDS := pc virt raspi3 raspi4 sim
ifeq ($(call one-of,$(BOARD),$(BOARDS)),)
$(error BOARD=$(BOARD) is not a board; choose one of: $(BOARDS))
endif

CC_NAME := $(notdir $(CC))
ifeq ($(call one-of,$(CC_NAME),clang gcc),)
$(error CC=$(CC) is not supported; choose CC=clang or CC=gcc)
endif

ONE_TO_64 := $(foreach t, 1 2 3 4 5 6,$(foreach u,0 1 2 3 4 5 6 7 8 9,$t$u))
ONE_TO_64 := 1 2 3 4 5 6 7 8 9 $(filter-out 65 66 67 68 69,$(ONE_TO_64))
CPUS_ALLOWED := $(if $(filter raspi%,$(BOARD)),4,$(ONE_TO_64))
ifeq ($(call one-of,$(CPUS),$(CPUS_ALLOWED)),)
$(error CPUS=$(CPUS) does not fit BOARD=$(BOARD); it has $(if $(filter raspi%,$(BOARD)),exactly 4,1 to 64))
endif

ifneq ($(shell expr "x$(SEED)" : 'x[0-9][0-9]*$$' >/dev/null || echo bad),)
$(error SEED=$(SEED) is not a number; give a decimal one from 0)
endif

ifneq ($(RDGEN),)
ifneq ($(APP),)
$(error RDGEN= and APP= both replace kernel/apps/; give one of them)
endif
ifneq ($(words $(RDGEN)),$(words $(wildcard $(RDGEN))))
$(error RDGEN=$(RDGEN): there is no such file as $(filter-out $(wildcard $(RDGEN)),$(RDGEN)))
endif
override APP := build/rdgen/$(BOARD)-$(CC)/$(basename $(notdir $(firstword $(RDGEN)))).c
else ifneq ($(and $(APP),$(if $(wildcard $(APP)),,missing)),)
$(error APP=$(APP): there is no such file)
endif

ifneq ($(filter-out 0,$(SANITIZE)),)
ifneq ($(BOARD),sim)
$(error SANITIZE=$(SANITIZE) is for BOARD=sim)
endif
ifeq ($(call one-of,$(SANITIZE),1 address coverage),)
$(error SANITIZE=$(SANITIZE): choose 1, address or coverage)
endif
ifeq ($(SANITIZE)-$(CC_NAME),coverage-gcc)
$(error SANITIZE=coverage is for CC=clang)
endif
endif
ASAN := $(filter address,$(SANITIZE))
COVERAGE := $(filter coverage,$(SANITIZE))
SANITIZED := $(patsubst 1,undefined,$(filter-out 0,$(SANITIZE)))

IMAGE := $(patsubst raspi%,raspi,$(BOARD))
OUT := build/$(IMAGE)-$(CC_NAME)$(addprefix -,$(SANITIZED))
APP_NAME := $(basename $(notdir $(APP)))
BIN := $(OUT)$(if $(APP),/app-$(APP_NAME))
ELF := $(BIN)/kernel.elf
