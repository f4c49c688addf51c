# Fermata's front door. `make help` lists every target.
#
# A build is named by board and compiler and lives in build/<image>-<compiler>/, so that boards
# and compilers build side by side. Which files belong to it follows from their paths:
# the neutral folders, kernel/arch/<arch>, kernel/board/<image>, and the drivers that
# kernel/board/<image>/board.mk lists.

BOARD ?= pc
CPUS ?= 4
SEED ?= 1
CC := $(if $(filter-out default,$(origin CC)),$(CC),clang)
APP ?=
CMDLINE ?=

BOARDS := pc virt raspi3 raspi4 sim
ifeq ($(filter $(BOARD),$(BOARDS)),)
$(error BOARD=$(BOARD) is not a board; choose one of: $(BOARDS))
endif
CC_NAME := $(notdir $(CC))
ifeq ($(filter $(CC_NAME),clang gcc),)
$(error CC=$(CC) is not supported; choose CC=clang or CC=gcc)
endif

IMAGE := $(patsubst raspi%,raspi,$(BOARD))
include kernel/board/$(IMAGE)/board.mk
# board.mk sets ARCH, DRIVERS (paths under kernel/drivers/), LDSCRIPT, and may add to CFLAGS_BOARD.

OUT := build/$(IMAGE)-$(CC_NAME)
APP_NAME := $(basename $(notdir $(APP)))
BIN := $(OUT)$(if $(APP),/app-$(APP_NAME))
ELF := $(BIN)/kernel.elf

include tools/make/toolchain.mk
include tools/make/kernel.mk
include tools/make/targets.mk

.DEFAULT_GOAL := help
