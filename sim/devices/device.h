/*
 * device.h: what a model of a device is. A model knows its registers, its state and virtual time, and
 * nothing of whoever carries it: all that it needs of the world it asks through struct device_host.
 * sim/devices.c carries it in the simulator, tests/sim/models_host.h and carrier.c on their own; a bridge to a
 * running QEMU would be another. The build sees to it (sim.mk).
 *
 * A model declares its registers as a table, from which device.c makes the checks that are the same for
 * all: size and alignment of an access, direction, reserved bits, bits that a written 1 clears.
 * What a driver does wrong is told through `misuse`, and then carried out as hardware would: a refused
 * write changes nothing, a refused read gives 0.
 *
 * Context: one thread. Nothing blocks, and the model is not entered again from its host's functions.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DEVICE_NEVER UINT64_MAX
#define DEVICE_REGS_MAX 64

struct device;

/* Accesses that a register takes. */
enum {
	REG_R = 1,
	REG_W = 2,
	REG_RW = 3,
	REG_PARTS = 4, /* also of parts that are aligned to their size and at least `least` bytes */
};

struct reg {
	const char *name;
	uint16_t offset;
	uint8_t bytes, access;
	uint8_t least;	/* of a part; 0: no parts */
	uint16_t count, stride; /* of registers in a row, 0 and 1: one; bytes from one to the next, 0: adjacent */
	uint64_t reset;
	uint64_t reserved; /* bits that must be written as 0, and read so */
	uint64_t constant; /* bits that keep their value, whatever is written */
	uint64_t w1c;	   /* bits that a written 1 clears and a written 0 leaves */
	/** Its value; NULL: what was stored last. @p i: which one of the row. */
	uint64_t (*read)(struct device *d, unsigned i);
	/** What writing @p value does, which is stored already, with the masks above. */
	void (*write)(struct device *d, unsigned i, uint64_t value);
};

/* How a device touches memory. */
enum device_dma {
	DMA_READ,
	DMA_WRITE = 1,
	DMA_ORDERED = 2, /* a read that acquires, a write that releases: an index of a ring */
};

enum device_fault {
	DEVICE_STUCK, /* it stops in the middle: what it was asked is never done, until it is reset */
	DEVICE_SLOW,  /* one piece of work takes much longer */
	DEVICE_ERROR, /* one piece of work fails, and the device says so */
};

/* The world around a model. */
struct device_host {
	uint64_t (*now_ns)(struct device *d);
	/** The level of the device's interrupt changes. */
	void (*line)(struct device *d, bool high);
	/** An interrupt that is an edge. */
	void (*pulse)(struct device *d);
	/** A number below @p n, from the device's own generator. */
	uint64_t (*below)(struct device *d, uint64_t n);
	/** Moves @p bytes at device address @p at; false: the IOMMU refuses. @p what is said to people. */
	bool (*dma)(struct device *d, unsigned how, uint64_t at, void *data, size_t bytes, const char *what);
	/** Whether a fault strikes here; *@p ns: by how much. */
	bool (*fault)(struct device *d, enum device_fault fault, uint64_t *ns);
	/** The driver did what it must not; a sentence without subject. */
	void (*misuse)(struct device *d, const char *text);
	/** Something leaves: a UART's byte, a frame, the level of pins. */
	void (*out)(struct device *d, const void *data, size_t bytes);
};

struct device_class {
	const char *name;
	const struct reg *regs;
	unsigned reg_count;
	uint32_t window_bytes; /* of addresses */
	uint32_t bytes;	       /* of the model's struct, which begins with a struct device */
	/** Power-on: the rest of the struct is zero, the registers have their reset values. NULL: that is all. */
	void (*reset)(struct device *d);
	/** The time of device_wake has come. NULL: it never does. */
	void (*run)(struct device *d);
	/** Something arrives: a byte, a frame, levels of pins. NULL: nothing can. */
	void (*in)(struct device *d, const void *data, size_t bytes);
};

struct device {
	const struct device_class *class;
	const struct device_host *host;
	void *of_host;
	uint64_t due_ns; /* when run is to be called; DEVICE_NEVER */
	bool line;
	uint64_t value[DEVICE_REGS_MAX]; /* of each register, rows one after the other */
};

/** Makes @p d, class->bytes of memory, a device that was just switched on. */
void device_begin(struct device *d, const struct device_class *class, const struct device_host *host,
		  void *of_host);

/** An access to the registers by a CPU; @p bytes is 1, 2, 4 or 8, @p offset within the window. */
uint64_t device_read(struct device *d, uint64_t offset, unsigned bytes);
void device_write(struct device *d, uint64_t offset, uint64_t value, unsigned bytes);

/** Calls class->run if its time has come. */
void device_run(struct device *d);

/*
 * For models.
 */

/** The stored value of the register at @p offset, which must be one. */
uint64_t *device_value(struct device *d, uint64_t offset);

/** Asks for run() at @p ns, in place of what was asked before; DEVICE_NEVER: not at all. */
void device_wake(struct device *d, uint64_t ns);

/** Sets the interrupt's level. */
void device_line(struct device *d, bool high);

/** Tells of a misuse; the text is a sentence's end: "writes to a full FIFO". */
void device_misuse(struct device *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define DEVICE_NS_PER_S 1000000000ull
