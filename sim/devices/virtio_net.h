/*
 * virtio_net.h: model of a virtio network card (VIRTIO 1.2, 5.1) with one queue for each direction. Frames
 * arrive and leave whole, without the header of 5.1.6. One that finds no buffer is lost, as on a wire.
 */
#pragma once

#include "sim/devices/virtio.h"

#define VIRTIO_NET_FRAME_MAX 1514

extern const struct device_class virtio_net_class;
