/*
 * vectors.h: who uses which of the 256 interrupt vectors. The priority of a vector is its upper
 * half (Intel SDM vol. 3, 10.8.3), so the timer and hints come before devices.
 */
#pragma once

#define VECTOR_PIC      0x20 /* what the legacy controllers may still say, masked; 16 of them */
#define VECTOR_DEVICE   0x30 /* + the number of the device interrupt */
#define VECTOR_DEVICES  0xb0
#define VECTOR_HINT     0xe0
#define VECTOR_TIMER    0xe1
#define VECTOR_SPURIOUS 0xff
