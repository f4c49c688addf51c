/*
 * insns.c: a QEMU plugin that counts what a path executes, instruction by instruction.
 *
 * The guest marks paths by instructions that do nothing and carry a number (arch_mark in
 * kernel/arch/<arch>/arch_impl.h). A path begins at MARK_BEGIN, or after MARK_ARM at the first
 * instruction of the next interrupt on any CPU, and ends at MARK_END on the same CPU. An armed one
 * also counts at the points given by at=, and ends at the interrupt's return, unless it was armed by
 * MARK_ARM_ON. One path begins by itself,
 * at start=, the kernel's first instruction, so that the way to the first task can be seen. MARK_GROUP ends a group:
 * what was measured since the last one. The program prints its metrics in the same order.
 *
 * Besides it watches for how long interrupts are masked.
 *
 *   -plugin insns.so,out=FILE,start=ADDRESS,vectors=ADDRESS[,at=NAME:ADDRESS]...
 *
 * Output, one line each, numbers decimal but addresses:
 *   path GROUP NAME samples min median max loads stores atomics barriers   (sums but the three)
 *   hit GROUP NAME ADDRESS count class
 *   masked instructions FIRST LAST
 */
#include "qemu_plugin.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MARK_BEGIN, MARK_END, MARK_ARM, MARK_GROUP, MARK_WATCH, MARK_ARM_ON, MARKS };

enum class {
	PLAIN,
	ATOMIC,
	BARRIER,
	MASK,
	UNMASK,
	RESTORE, /* what was before the last MASK */
	HALT,
	RETURN, /* from an interrupt */
	CLASSES
};

#define CPUS_MAX 64
#define POINTS_MAX 16
#define STRETCHES_MAX 4096
#define SAMPLES_MAX 1000 /* of a group, and ... */
#define WARM 4		 /* ... those before that do not count, as in tests/bench/bench.h */
#define NO_MARK (-1)
#define POINT_END 0    /* MARK_END; of an instruction: none */
#define POINT_RETURN 1 /* from the interrupt */

struct insn {
	uint64_t at;
	uint64_t hits[POINTS_MAX]; /* in this group's samples, by where they ended */
	enum class class;
	int mark;
	unsigned point;
	bool vector; /* an interrupt's first */
	struct insn *next;
};

struct list {
	void *item;
	size_t n, room;
};

/* What a path did so far. */
struct work {
	uint64_t insns, loads, stores, atomics, barriers;
};

struct path {
	struct list counts; /* uint64_t, one a sample */
	struct work sum;
	unsigned warm; /* samples that did not count */
};

static struct cpu {
	uint64_t insns; /* executed so far */
	bool open, interrupt, masked, masked_before, returned;
	struct work work;
	struct list trail; /* struct insn * of the path that is open */
	uint64_t masked_at;
	struct insn *mask, *last;
} cpus[CPUS_MAX];

static struct stretch {
	uint64_t insns;
	struct insn *from, *to;
} stretches[STRETCHES_MAX];

static struct point {
	const char *name;
	uint64_t at;
	struct path path;
} points[POINTS_MAX] = {{.name = "end"}, {.name = "return"}};
static unsigned point_count = 2;

#define BUCKETS (1u << 16)

static struct insn *insns[BUCKETS];
static uint64_t vectors, start;
static bool armed, armed_on, watching, arm64;
static unsigned group;
static FILE *out;

static void fail(const char *what)
{
	fprintf(stderr, "insns: %s\n", what);
	exit(1);
}

static void *list_add(struct list *l, size_t bytes)
{
	if (l->n == l->room) {
		l->room = l->room ? 2 * l->room : 64;
		l->item = realloc(l->item, l->room * bytes);
		if (!l->item)
			fail("no memory");
	}
	return (char *)l->item + l->n++ * bytes;
}

/*
 * Decoding: only what is counted apart.
 */

/* Arm ARM C4.1: barriers are 0xd50330xx with CRn 3; LSE atomics, exclusives by their top bits. */
static enum class classify_arm64(uint32_t op)
{
	if (op == 0xd50342df)
		return MASK;
	if (op == 0xd50342ff)
		return UNMASK;
	if ((op & 0xffffffe0) == 0xd51b4220)
		return RESTORE;
	if (op == 0xd503207f)
		return HALT;
	if (op == 0xd69f03e0)
		return RETURN;
	if ((op & 0xfffff01f) == 0xd503301f) /* dsb, dmb, isb */
		return BARRIER;
	/* The store of a pair of exclusives stands for both. */
	if ((op & 0x3fc00000) == 0x08000000 || (op & 0x3f200c00) == 0x38200000 ||
	    (op & 0x3fa07c00) == 0x08a07c00)
		return ATOMIC;
	return PLAIN;
}

/* Intel SDM vol. 2: lock prefix, xchg with memory; fences, wrmsr, and what serialises. */
static enum class classify_x86(const uint8_t *b, size_t n)
{
	size_t i = 0;

	while (i < n && (b[i] == 0x66 || b[i] == 0xf2 || b[i] == 0xf3 || b[i] == 0x65))
		i++;
	if (b[i] == 0xf0)
		return ATOMIC;
	if (i + 1 < n && b[i] >= 0x48 && b[i] <= 0x4f && b[i + 1] == 0xcf)
		return RETURN;
	if ((b[i] & 0xf0) == 0x40)
		i++;
	if (i + 1 < n && (b[i] & 0xfe) == 0x86 && b[i + 1] < 0xc0)
		return ATOMIC;
	if (b[i] == 0xfa)
		return MASK;
	if (b[i] == 0xfb)
		return UNMASK;
	if (b[i] == 0xf4)
		return HALT;
	if (i + 2 < n && b[i] == 0x0f && b[i + 1] == 0xae && b[i + 2] >= 0xe8)
		return BARRIER;
	if (i + 1 < n && b[i] == 0x0f && (b[i + 1] == 0x30 || b[i + 1] == 0xa2))
		return BARRIER;
	return PLAIN;
}

/* nopl 0x4642nnnn(%rax,%rax), and movz xzr, #n. */
static int mark_of(const uint8_t *b, size_t n)
{
	uint32_t op;

	if (arm64) {
		memcpy(&op, b, 4);
		return (op & 0xffe0001f) == 0xd280001f ? (int)(op >> 5 & 0xffff) : NO_MARK;
	}
	if (n != 8 || memcmp(b, "\x0f\x1f\x84\x00", 4) != 0)
		return NO_MARK;
	memcpy(&op, b + 4, 4);
	return op >> 16 == 0x4642 ? (int)(op & 0xffff) : NO_MARK;
}

static bool is_vector(uint64_t at)
{
	if (!vectors)
		return false;
	if (arm64)
		return at == vectors + 0x280;
	return at >= vectors + 32 * 16 && at < vectors + 256 * 16 && (at - vectors) % 16 == 0;
}

static struct insn *insn_at(const struct qemu_plugin_insn *q)
{
	uint64_t at = qemu_plugin_insn_vaddr(q);
	struct insn **head = &insns[(at ^ at >> 16) % BUCKETS], *i;
	uint8_t bytes[16] = {0};
	size_t n = qemu_plugin_insn_data(q, bytes, sizeof bytes);
	int mark = mark_of(bytes, n);
	enum class class;
	uint32_t op;

	memcpy(&op, bytes, 4);
	class = arm64 ? classify_arm64(op) : classify_x86(bytes, n);
	/* The same address may hold other code later, such as the firmware's. */
	for (i = *head; i; i = i->next)
		if (i->at == at && i->mark == mark && i->class == class)
			return i;
	i = calloc(1, sizeof *i);
	if (!i)
		fail("no memory");
	i->at = at;
	i->mark = mark;
	i->class = class;
	i->vector = is_vector(at);
	for (unsigned p = POINT_RETURN + 1; p < point_count; p++)
		if (points[p].at == at)
			i->point = p;
	i->next = *head;
	*head = i;
	return i;
}

/*
 * Paths.
 */

static void path_begin(struct cpu *c, bool interrupt)
{
	c->open = true;
	c->interrupt = interrupt;
	c->work = (struct work){0};
	c->trail.n = 0;
}

static void path_sample(struct cpu *c, unsigned point)
{
	struct path *p = &points[point].path;

	if (p->counts.n == SAMPLES_MAX || (group && p->warm < WARM)) {
		p->warm++;
		return;
	}
	*(uint64_t *)list_add(&p->counts, sizeof(uint64_t)) = c->work.insns;
	p->sum.loads += c->work.loads;
	p->sum.stores += c->work.stores;
	p->sum.atomics += c->work.atomics;
	p->sum.barriers += c->work.barriers;
	for (size_t i = 0; i < c->trail.n; i++)
		((struct insn **)c->trail.item)[i]->hits[point]++;
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void print_hits(void)
{
	for (unsigned b = 0; b < BUCKETS; b++) {
		for (struct insn *i = insns[b]; i; i = i->next) {
			for (unsigned k = 0; k < point_count; k++)
				if (i->hits[k])
					fprintf(out, "hit %u %s 0x%" PRIx64 " %" PRIu64 " %d\n", group,
						points[k].name, i->at, i->hits[k], i->class);
			memset(i->hits, 0, sizeof i->hits);
		}
	}
}

static void group_end(void)
{
	for (unsigned i = 0; i < point_count; i++) {
		struct path *p = &points[i].path;
		uint64_t *count = p->counts.item;
		size_t n = p->counts.n;

		p->warm = 0;
		if (!n)
			continue;
		qsort(count, n, sizeof *count, by_value);
		fprintf(out, "path %u %s %zu %" PRIu64 " %" PRIu64 " %" PRIu64, group,
			points[i].name, n, count[0], count[n / 2], count[n - 1]);
		fprintf(out, " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", p->sum.loads,
			p->sum.stores, p->sum.atomics, p->sum.barriers);
		p->counts.n = 0;
		p->sum = (struct work){0};
	}
	print_hits();
	for (unsigned i = 0; i < CPUS_MAX; i++)
		cpus[i].open = false;
	group++;
	armed = false;
}

static void on_mark(struct cpu *c, int mark)
{
	switch (mark) {
	case MARK_BEGIN:
		path_begin(c, false);
		break;
	case MARK_END:
		if (c->open)
			path_sample(c, POINT_END);
		c->open = false;
		break;
	case MARK_ARM:
	case MARK_ARM_ON:
		armed = true;
		armed_on = mark == MARK_ARM_ON;
		break;
	case MARK_GROUP:
		group_end();
		break;
	case MARK_WATCH:
		watching = true;
		break;
	}
}

/*
 * Masked interrupts.
 */

static void mask(struct cpu *c, struct insn *i)
{
	c->masked_before = c->masked;
	if (c->masked)
		return;
	c->masked = true;
	c->masked_at = c->insns;
	c->mask = i;
}

/* Keeps the longest stretch for each pair of ends. */
static void unmask(struct cpu *c, struct insn *i)
{
	uint64_t n = c->insns - c->masked_at;
	unsigned k = 0;

	if (!c->masked)
		return;
	c->masked = false;
	if (!watching)
		return;
	while (k < STRETCHES_MAX - 1 && stretches[k].insns &&
	       (stretches[k].from != c->mask || stretches[k].to != i))
		k++;
	if (n > stretches[k].insns)
		stretches[k] = (struct stretch){n, c->mask, i};
}

/*
 * What QEMU calls.
 */

static void watch(struct cpu *c, struct insn *i)
{
	if (i->vector || i->class == MASK) {
		mask(c, i);
	} else if (i->class == UNMASK || i->class == RETURN ||
		   (i->class == RESTORE && !c->masked_before)) {
		unmask(c, i);
	} else if (i->class == HALT && c->masked) {
		/* Halted with interrupts masked (Arm): an interrupt ends the halt, and waits from
		 * then on only. */
		c->masked = false;
		mask(c, i);
	}
}

static void on_insn(unsigned vcpu, void *data)
{
	struct cpu *c = &cpus[vcpu];
	struct insn *i = data;

	if (c->returned) { /* the return was the last of its path */
		path_sample(c, POINT_RETURN);
		c->open = c->returned = false;
	}
	if (i->at == start && vcpu == 0) {
		start = 0;
		path_begin(c, false);
	}
	if (i->vector && armed) {
		armed = false;
		path_begin(c, true);
	}
	if (i->mark >= 0 && i->mark < MARKS)
		on_mark(c, i->mark);
	else if (c->open && c->interrupt && i->point)
		path_sample(c, i->point);
	c->insns++;
	watch(c, i);
	if (!c->open || i->mark >= 0)
		return;
	c->work.insns++;
	c->work.atomics += i->class == ATOMIC;
	c->work.barriers += i->class == BARRIER;
	*(struct insn **)list_add(&c->trail, sizeof i) = i;
	c->returned = c->interrupt && !armed_on && i->class == RETURN;
}

static void on_access(unsigned vcpu, uint32_t info, uint64_t address, void *data)
{
	struct cpu *c = &cpus[vcpu];

	(void)address, (void)data;
	if (!c->open)
		return;
	if (qemu_plugin_mem_is_store(info))
		c->work.stores++;
	else
		c->work.loads++;
}

static void on_translate(uint64_t id, struct qemu_plugin_tb *tb)
{
	size_t n = qemu_plugin_tb_n_insns(tb);

	(void)id;
	for (size_t k = 0; k < n; k++) {
		struct qemu_plugin_insn *q = qemu_plugin_tb_get_insn(tb, k);
		struct insn *i = insn_at(q);

		qemu_plugin_register_vcpu_insn_exec_cb(q, on_insn, PLUGIN_NO_REGISTERS, i);
		qemu_plugin_register_vcpu_mem_cb(q, on_access, PLUGIN_NO_REGISTERS,
						 PLUGIN_MEMORY_READ_WRITE, i);
	}
}

static int by_length(const void *a, const void *b)
{
	return by_value(&((const struct stretch *)b)->insns, &((const struct stretch *)a)->insns);
}

static void write_stretches(uint64_t id, void *data)
{
	(void)id, (void)data;
	qsort(stretches, STRETCHES_MAX, sizeof *stretches, by_length);
	for (unsigned k = 0; k < 16 && stretches[k].insns; k++)
		fprintf(out, "masked %" PRIu64 " 0x%" PRIx64 " 0x%" PRIx64 "\n", stretches[k].insns,
			stretches[k].from->at, stretches[k].to->at);
	fclose(out);
}

static void add_point(char *value)
{
	char *colon = strchr(value, ':');

	if (!colon || point_count == POINTS_MAX)
		fail("at= wants NAME:ADDRESS, and not so many");
	*colon = 0;
	points[point_count++] = (struct point){.name = value, .at = strtoull(colon + 1, NULL, 0)};
}

int qemu_plugin_version = PLUGIN_API_VERSION;

int qemu_plugin_install(uint64_t id, const void *info, int argc, char **argv)
{
	/* The first field of QEMU's description of the guest is its name. */
	arm64 = strcmp(*(const char *const *)info, "aarch64") == 0;
	for (int i = 0; i < argc; i++) {
		if (strncmp(argv[i], "out=", 4) == 0)
			out = fopen(argv[i] + 4, "w");
		else if (strncmp(argv[i], "vectors=", 8) == 0)
			vectors = strtoull(argv[i] + 8, NULL, 0);
		else if (strncmp(argv[i], "start=", 6) == 0)
			start = strtoull(argv[i] + 6, NULL, 0);
		else if (strncmp(argv[i], "at=", 3) == 0)
			add_point(strdup(argv[i] + 3));
		else
			fail(argv[i]);
	}
	if (!out)
		fail("out= wants a file that can be written");
	qemu_plugin_register_vcpu_tb_trans_cb(id, on_translate);
	qemu_plugin_register_atexit_cb(id, write_stretches, NULL);
	return 0;
}
