"""Mutants of the models of devices, which the models' own tests must see; of drivers and of what devices see of
memory, which runs of drivers against the models must see."""

from mutants import Driven, Models, Mutant

DEVICE = "sim/devices/device.c"
UART = "sim/devices/pl011.c"
HPET = "sim/devices/hpet.c"
GPIO = "sim/devices/bcm2835_gpio.c"
VIRTIO = "sim/devices/virtio.c"


def model(name, why, file, old, new):
    return Mutant(f"model-{name}", why, ((file, old, new),), "test", Models())


def driven(name, why, file, old, new, catch, only):
    return Mutant(f"driven-{name}", why, ((file, old, new),), catch, Driven(only=only))


MUTANTS = [
    model("any-size", "a register takes accesses of any size", DEVICE,
          "(bytes != r->bytes && (!(r->access & REG_PARTS) || bytes < r->least))", "false"),
    model("any-direction", "what is read only can be written", DEVICE, "if (!(r->access & direction)) {", "if (false) {"),
    model("reserved-kept", "reserved bits keep what was written", DEVICE,
          "keep = ~a.mask | a.reg->reserved | a.reg->constant;", "keep = ~a.mask | a.reg->constant;"),
    model("reserved-silent", "reserved bits may be written", DEVICE, "	if (wrong)\n", "	if (wrong && !a.reg->write && a.reg->w1c)\n"),
    model("cleared-by-zero", "a written 0 clears where a 1 should", DEVICE, "~(value & a.reg->w1c)) |", "(value | ~a.reg->w1c)) |"),
    model("uart-fifo-of-16", "the FIFOs have half of their size", UART, "LCR_FEN ? PL011_FIFO : 1", "LCR_FEN ? PL011_FIFO / 2 : 1"),
    model("uart-waits-too-short", "the receive timeout is shorter than 32 bits", UART, "#define TIMEOUT_BITS	32", "#define TIMEOUT_BITS	24"),
    model("uart-overrun-untold", "the byte behind a lost one does not say so", UART, "		u->overrun = true;\n", ""),
    model("uart-receive-stays", "the receive interrupt stays when its FIFO was read", UART,
          "		u->ris &= ~(uint32_t)INT_RX;\n", "		;\n"),
    model("uart-mark-late", "the transmit interrupt comes one byte late", UART, "u->tx.n <= mark(u, 0)", "u->tx.n < mark(u, 0)"),
    model("uart-mask-ignored", "MIS is RIS", UART, "return of(d)->ris & reg(of(d), IMSC);", "return of(d)->ris;"),
    model("hpet-once", "a periodic comparator stays where it is", HPET, "			h->match[n] += h->period[n];\n", "			;\n"),
    model("hpet-status-plain", "the status is cleared by what is written", HPET, ".w1c = 7, ", ""),
    model("hpet-set-stays", "the bit that sets a comparator does not clear itself", HPET,
          "	*conf(h, n) &= ~(uint64_t)CONF_SET;\n", ""),
    model("gpio-level-forgotten", "a level that is still there is cleared", GPIO, "(now & pair(g, HEN)) |", ""),
    model("gpio-inputs-driven", "pins that are inputs have what outputs would", GPIO, "(g->latch & outputs) | (g->outside", "g->latch | (g->outside"),
    model("gpio-pull-at-once", "a pull needs no time", GPIO, "if (now - g->pud_ns < CYCLES_150_NS)", "if (false)"),
    model("virtio-twice", "a descriptor may be made available twice", VIRTIO,
          "if (c->head < VIRTIO_QUEUE_MAX && q->in_flight >> c->head & 1) {", "if (false) {"),
    model("virtio-takes-any-feature", "features that are not offered are taken", VIRTIO, "v->driver_features & ~v->type->features ||", ""),
    model("virtio-interrupts-always", "the driver cannot do without interrupts", VIRTIO, "if (!(flags & AVAIL_NO_INTERRUPT))", "if (true)"),
    model("virtio-goes-on", "a device goes on after an access that was refused", VIRTIO,
          "	*device_value(&v->d, VIRTIO_STATUS) |= NEEDS_RESET;\n", ""),
    model("virtio-survives-reset", "a reset leaves requests under way", VIRTIO, "	memset(v, 0, sizeof *v);\n	v->d = d;\n", "	v->d = d;\n"),
    driven("putc-blind", "the UART's driver does not wait for room", "kernel/drivers/uart/pl011.c",
           "	while (mmio_read32(base + FR) & FR_TXFF)\n		arch_relax();\n	mmio_write32(base + DR,", "	mmio_write32(base + DR,",
           "watch", "uart_loopback"),
    driven("read-by-bytes", "the UART's driver reads bytes", "kernel/drivers/uart/pl011.c", "(char)mmio_read32(base + DR)",
           "(char)mmio_read8(base + DR)", "watch", "uart_loopback"),
    driven("hpet-stands", "the HPET's driver does not start the counter", "kernel/drivers/timer/hpet.c",
           "| CONFIGURATION_ENABLE);", "| 0 * CONFIGURATION_ENABLE);", "test", "hpet_counts"),
    driven("index-unordered", "the used ring's index does not order its entries", VIRTIO,
           "!move(v, DMA_WRITE | DMA_ORDERED, v->device[queue] + 2", "!move(v, DMA_WRITE, v->device[queue] + 2", "watch", "blk_reads"),
    driven("fence-shows-nothing", "a fence leaves the device's view as it is", "sim/watch.c", "		dma_fence();\n", "		;\n",
           "test no-progress no-end panic", "blk_reads"),
    Mutant("late-at-once", "a device's interrupt that is late comes in time", (("sim/devices.c", "		places[n].rises_ns = present_ns() + ns;", "		places[n].rises_ns = present_ns() + ns / 1000;"),),
           "test", Driven(only="hpet_in_time", words="late", faults=("irq-late=1",))),
    Mutant("late-is-lost", "a device's interrupt that is late never comes", (("sim/devices.c", "				sim.lines |= 1u << i;\n", ""),),
           "no-progress no-end", Driven(only="hpet_in_time", words="late", faults=("irq-late=1",))),
    driven("nothing-comes-back", "what a device wrote does not come into memory", "sim/dma.c",
           "			memcpy((void *)m->at, m->view, bytes);\n", "", "test", "blk_reads"),
]
