/*
 * map.h: where the simulated machine's devices are, those that --device names. For the simulator and
 * for programs that run on it.
 */
#pragma once

#include "sim/port.h"

enum sim_device {
	DEVICE_PL011,
	DEVICE_HPET,
	DEVICE_GPIO,
	DEVICE_VIRTIO_BLK,
	DEVICE_VIRTIO_NET,
	DEVICES
};

#define DEVICE_WINDOW_BYTES 0x10000u
#define DEVICE_FIRST	    0xf0000000ull

/* Of device number n: its first register; its interrupt, level-triggered, to CPU 0. */
#define DEVICE_BASE(n) (DEVICE_FIRST + (n) * (uintptr_t)DEVICE_WINDOW_BYTES)
#define DEVICE_IRQ(n)  (SIM_IRQ_DEVICE + (unsigned)(n))

/* Pins 20, 22, 24 and 26 of the GPIO are wired to the next higher ones. */
#define WIRE_FIRST 20u
#define WIRE_LAST  26u
