/*
 * regs.h: bits of the system registers that C and assembly both need. Source: Arm Architecture
 * Reference Manual for A-profile (DDI 0487), chapter D19 (registers) and D8 (translation).
 */
#pragma once

/* SCTLR_EL1: the bits that are RES1 in Armv8.0, and the features this kernel turns on. */
#define SCTLR_RES1  0x30d00800
#define SCTLR_M     0x1     /* MMU */
#define SCTLR_C     0x4     /* data caches */
#define SCTLR_SA    0x8     /* misaligned SP faults */
#define SCTLR_I     0x1000  /* instruction caches */
#define SCTLR_WXN   0x80000 /* writable implies not executable */
#define SCTLR_OFF   SCTLR_RES1
#define SCTLR_EARLY (SCTLR_RES1 | SCTLR_M | SCTLR_C | SCTLR_SA | SCTLR_I)
#define SCTLR_FINAL (SCTLR_EARLY | SCTLR_WXN)

/* MAIR_EL1: index 0 Device-nGnRE, index 1 Normal write-back read- and write-allocate. */
#define MAIR_VALUE  0xff04
#define MAIR_DEVICE 0
#define MAIR_NORMAL 1

/* TCR_EL1: 39-bit addresses by TTBR0 only, 4 KiB granule, walks cacheable and inner shareable. */
#define VA_BITS       39
#define TCR_T0SZ      (64 - VA_BITS)
#define TCR_WALK      ((1 << 8) | (1 << 10) | (3 << 12))
#define TCR_EPD1      (1 << 23)
#define TCR_VALUE     (TCR_T0SZ | TCR_WALK | TCR_EPD1)
#define TCR_IPS_SHIFT 32

/* PSTATE as exceptions save it: EL1 with SP_EL1, EL2 with SP_EL2; D, A, I and F masked. */
#define PSTATE_EL1H_MASKED 0x3c5

/* Offsets in struct boot_slot (aarch64.h). */
#define SLOT_MPIDR 0
#define SLOT_STACK 8
#define SLOT_CPU   16
#define SLOT_ROOT  24
#define SLOT_BYTES 32

/* struct regs (aarch64.h): x0 to x30, then these. */
#define REGS_SP     248
#define REGS_PC     256
#define REGS_PSTATE 264
#define REGS_ESR    272
#define REGS_FAR    280
#define REGS_FRAME  288
#define REGS_BYTES  304

/* A multiple of 4096, so that it is an immediate operand. */
#define FAULT_STACK_BYTES 8192
