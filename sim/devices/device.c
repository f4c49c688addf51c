/*
 * device.c: accesses to registers, by the model's table.
 */
#include "sim/devices/device.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static unsigned rows(const struct reg *r)
{
	return r->count ? r->count : 1;
}

static unsigned stride(const struct reg *r)
{
	return r->stride ? r->stride : r->bytes;
}

/* An access, found in the table. */
struct access {
	const struct reg *reg;
	unsigned i, at; /* of the row; of device.value */
	unsigned shift;	/* bits below the accessed part */
	uint64_t mask;	/* of the part, shifted */
};

static uint64_t mask_of(unsigned bytes)
{
	return bytes == 8 ? UINT64_MAX : (1ull << 8 * bytes) - 1;
}

void device_misuse(struct device *d, const char *fmt, ...)
{
	char text[160];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	d->host->misuse(d, text);
}

/* The register that has @p offset; NULL: none. */
static const struct reg *lookup(const struct device *d, uint64_t offset, unsigned *i, unsigned *at)
{
	*at = 0;
	for (unsigned k = 0; k < d->class->reg_count; k++) {
		const struct reg *r = &d->class->regs[k];

		*i = (unsigned)(offset - r->offset) / stride(r);
		if (offset >= r->offset && *i < rows(r) && (offset - r->offset) % stride(r) < r->bytes) {
			*at += *i;
			return r;
		}
		*at += rows(r);
	}
	return NULL;
}

uint64_t *device_value(struct device *d, uint64_t offset)
{
	unsigned i, at;

	return lookup(d, offset, &i, &at) ? &d->value[at] : NULL;
}

/* The checks that need no value. */
static bool find(struct device *d, uint64_t offset, unsigned bytes, unsigned direction,
		 struct access *a)
{
	const char *does = direction == REG_R ? "reads" : "writes";
	const struct reg *r = lookup(d, offset, &a->i, &a->at);
	unsigned inside;

	if (!r) {
		device_misuse(d, "%s %u bytes at offset %#llx, where it has no register", does, bytes,
			      (unsigned long long)offset);
		return false;
	}
	inside = (unsigned)(offset - r->offset) % stride(r);
	if (offset % bytes || inside + bytes > r->bytes ||
	    (bytes != r->bytes && (!(r->access & REG_PARTS) || bytes < r->least))) {
		device_misuse(d, "%s %u bytes at offset %#llx, of %s, which is accessed as %u bytes", does,
			      bytes, (unsigned long long)offset, r->name, r->bytes);
		return false;
	}
	if (!(r->access & direction)) {
		device_misuse(d, "%s %s, which is %s only", does, r->name,
			      direction == REG_R ? "written" : "read");
		return false;
	}
	a->reg = r;
	a->shift = 8 * inside;
	a->mask = mask_of(bytes) << a->shift;
	return true;
}

uint64_t device_read(struct device *d, uint64_t offset, unsigned bytes)
{
	struct access a;
	uint64_t value;

	if (!find(d, offset, bytes, REG_R, &a))
		return 0;
	value = a.reg->read ? a.reg->read(d, a.i) : d->value[a.at];
	return (value & a.mask) >> a.shift;
}

void device_write(struct device *d, uint64_t offset, uint64_t value, unsigned bytes)
{
	struct access a;
	uint64_t old, keep, wrong;

	if (!find(d, offset, bytes, REG_W, &a))
		return;
	value = (value & mask_of(bytes)) << a.shift;
	wrong = value & a.reg->reserved;
	if (wrong)
		device_misuse(d, "writes %#llx to %s, of which the bits %#llx are reserved",
			      (unsigned long long)(value >> a.shift), a.reg->name,
			      (unsigned long long)(wrong >> a.shift));
	old = d->value[a.at];
	keep = ~a.mask | a.reg->reserved | a.reg->constant;
	d->value[a.at] = (old & (keep | a.reg->w1c) & ~(value & a.reg->w1c)) |
			 (value & ~keep & ~a.reg->w1c);
	if (a.reg->write)
		a.reg->write(d, a.i, a.mask == mask_of(a.reg->bytes) ? value : (old & ~a.mask) | value);
}

void device_begin(struct device *d, const struct device_class *class, const struct device_host *host,
		  void *of_host)
{
	unsigned at = 0;

	memset(d, 0, class->bytes);
	*d = (struct device){.class = class, .host = host, .of_host = of_host, .due_ns = DEVICE_NEVER};
	for (unsigned k = 0; k < class->reg_count; k++)
		for (unsigned i = 0; i < rows(&class->regs[k]); i++)
			d->value[at++] = class->regs[k].reset;
	if (class->reset)
		class->reset(d);
}

void device_wake(struct device *d, uint64_t ns)
{
	d->due_ns = ns;
}

void device_run(struct device *d)
{
	if (d->due_ns > d->host->now_ns(d))
		return;
	d->due_ns = DEVICE_NEVER;
	if (d->class->run)
		d->class->run(d);
}

void device_line(struct device *d, bool high)
{
	if (d->line == high)
		return;
	d->line = high;
	d->host->line(d, high);
}
