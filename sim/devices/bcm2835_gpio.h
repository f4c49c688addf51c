/*
 * bcm2835_gpio.h: model of the pins of the BCM2835 ("BCM2835 ARM Peripherals", chapter 6; the same in
 * BCM2836 and BCM2837). What arrives and leaves is a struct gpio_levels. One interrupt, as if the four
 * banks' were one. Not here: what the alternate functions do with a pin; such a pin drives nothing.
 */
#pragma once

#include "sim/devices/device.h"

#define GPIO_PINS 54

struct gpio_levels {
	uint64_t levels, driven; /* bit n for pin n; a level counts where the pin is driven */
};

extern const struct device_class bcm2835_gpio_class;
