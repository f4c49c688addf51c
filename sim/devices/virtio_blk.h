/*
 * virtio_blk.h: model of a virtio disk (VIRTIO 1.2, 5.2), small, with one queue. Each byte of a
 * sector is at first the number of its sector, so that a driver can tell what it should read.
 */
#pragma once

#include "sim/devices/virtio.h"

#define VIRTIO_BLK_SECTORS	64
#define VIRTIO_BLK_SECTOR_BYTES 512

extern const struct device_class virtio_blk_class;
