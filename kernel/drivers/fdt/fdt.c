/*
 * fdt.c: see fdt.h. Every read is checked against a block's end; offsets are u32 and sums are
 * formed in u64, so that none wraps. A walk over nodes reads no names of properties and no data:
 * most of a tree is that, and starting up walks through it some twenty times.
 */
#include "drivers/fdt/fdt.h"
#include "base/string.h"

enum { BEGIN_NODE = 1, END_NODE = 2, PROP = 3, NOP = 4, END = 9 };
enum { HEADER_BYTES = 40, VERSION = 17, CELLS_MAX = 2, DEPTH_MAX = 16 };

struct token {
	u32 type;
	u32 next;         /* offset of the token behind it */
	const char *name; /* of a node */
	u32 name_at;      /* of a property's name in the strings block */
	const u8 *data;   /* of a property */
	u32 bytes;
};

static u32 be32_raw(const u8 *p)
{
	return (u32)p[0] << 24 | (u32)p[1] << 16 | (u32)p[2] << 8 | p[3];
}

/* The same for the structure block, whose words are aligned; fdt_open has seen to it. */
static u32 word_at(const struct fdt *f, u32 at)
{
	return __builtin_bswap32(*(const u32 *)(const void *)(f->blob + at));
}

/* True when one of the four bytes is 0. Source: Mycroft, comp.arch, 1987. */
static bool has_zero(u32 w)
{
	return (w - 0x01010101u) & ~w & 0x80808080u;
}

/* The name is padded with zeros to a whole number of words. */
static bool read_node(const struct fdt *f, u32 at, struct token *t)
{
	t->name = (const char *)f->blob + at + 4;
	for (u32 end = at + 4; (u64)end + 4 <= f->structs_end; end += 4) {
		t->next = end + 4;
		if (has_zero(word_at(f, end)))
			return true;
	}
	return false;
}

static bool read_prop(const struct fdt *f, u32 at, struct token *t)
{
	if ((u64)at + 12 > f->structs_end)
		return false;
	t->bytes = word_at(f, at + 4);
	t->name_at = word_at(f, at + 8);
	t->data = f->blob + at + 12;
	t->next = at + 12 + ALIGN_UP(t->bytes, 4);
	return (u64)at + 12 + t->bytes <= f->structs_end;
}

/* Reads the token at @p at; false at the end of the block and where it makes no sense. */
static bool token_at(const struct fdt *f, u32 at, struct token *t)
{
	if (at < f->structs || (u64)at + 4 > f->structs_end || at % 4 != 0)
		return false;
	t->type = word_at(f, at);
	switch (t->type) {
	case BEGIN_NODE:
		return read_node(f, at, t);
	case PROP:
		return read_prop(f, at, t);
	case END_NODE:
	case NOP:
		t->next = at + 4;
		return true;
	default:
		return false;
	}
}

/* The strings block ends with a 0, so each text that begins in it ends in it. */
static bool prop_is(const struct fdt *f, const struct token *t, const char *name)
{
	u64 at = (u64)f->strings + t->name_at;

	return t->type == PROP && at < f->strings_end &&
	       strcmp((const char *)f->blob + at, name) == 0;
}

static bool block_fits(u32 start, u32 bytes, u32 total)
{
	return start >= HEADER_BYTES && (u64)start + bytes <= total;
}

int fdt_open(struct fdt *f, const void *blob, usize bytes)
{
	const u8 *b = blob;

	if (!b || bytes < HEADER_BYTES || be32_raw(b) != FDT_MAGIC)
		return ERR_NODEV;

	u32 total = be32_raw(b + 4);
	u32 structs_bytes = be32_raw(b + 36);
	u32 strings_bytes = be32_raw(b + 32);

	*f = (struct fdt){
		.blob = b,
		.bytes = total,
		.structs = be32_raw(b + 8),
		.strings = be32_raw(b + 12),
		.reserved = be32_raw(b + 16),
	};
	if ((uptr)b % 4 != 0 || f->structs % 4 != 0 || total > bytes || total > FDT_BYTES_MAX || be32_raw(b + 20) < VERSION ||
	    be32_raw(b + 24) > VERSION || !block_fits(f->structs, structs_bytes, total) ||
	    !block_fits(f->strings, strings_bytes, total) || !block_fits(f->reserved, 0, total))
		return ERR_CORRUPT;
	f->structs_end = f->structs + structs_bytes;
	f->strings_end = f->strings + strings_bytes;
	while (f->strings_end > f->strings && b[f->strings_end - 1] != '\0')
		f->strings_end--;
	return 0;
}

int fdt_next(const struct fdt *f, int node, int *depth)
{
	struct token t;
	u32 at = f->structs;

	if (node != FDT_NONE) {
		if (!token_at(f, (u32)node, &t))
			return FDT_NONE;
		at = t.next;
	}
	for (; token_at(f, at, &t); at = t.next) {
		if (t.type == BEGIN_NODE) {
			++*depth;
			return (int)at;
		}
		if (t.type == END_NODE)
			--*depth;
	}
	return FDT_NONE;
}

int fdt_child(const struct fdt *f, int parent, int child)
{
	int depth = child == FDT_NONE ? 0 : 1;
	int node = child == FDT_NONE ? parent : child;

	while ((node = fdt_next(f, node, &depth)) != FDT_NONE && depth > 0)
		if (depth == 1)
			return node;
	return FDT_NONE;
}

int fdt_parent(const struct fdt *f, int node)
{
	int last[DEPTH_MAX + 1] = {FDT_NONE}; /* the last node at each depth */
	int depth = 0;

	for (int n = fdt_next(f, FDT_NONE, &depth); n != FDT_NONE; n = fdt_next(f, n, &depth)) {
		if (depth < 1 || depth > DEPTH_MAX)
			return FDT_NONE;
		if (n == node)
			return last[depth - 1];
		last[depth] = n;
	}
	return FDT_NONE;
}

/* Compares the name of @p node with the component of a path that ends at '/' or the end. */
static bool name_fits(const struct fdt *f, int node, const char *part, usize length)
{
	struct token t;

	if (!token_at(f, (u32)node, &t) || t.type != BEGIN_NODE ||
	    strncmp(t.name, part, length) != 0)
		return false;
	return t.name[length] == '\0' || t.name[length] == '@';
}

int fdt_find(const struct fdt *f, const char *path)
{
	int depth = 0, node = fdt_next(f, FDT_NONE, &depth);

	while (node != FDT_NONE && *path) {
		const char *part = path + (*path == '/');
		const char *end = strchr(part, '/');
		usize length = end ? (usize)(end - part) : strlen(part);
		int child = FDT_NONE;

		path = part + length;
		if (length == 0)
			continue;
		do
			child = fdt_child(f, node, child);
		while (child != FDT_NONE && !name_fits(f, child, part, length));
		node = child;
	}
	return node;
}

const u8 *fdt_prop(const struct fdt *f, int node, const char *name, u32 *bytes)
{
	struct token t;

	if (node == FDT_NONE || !token_at(f, (u32)node, &t) || t.type != BEGIN_NODE)
		return NULL;
	/* Properties come before the first child (section 5.4.1). */
	while (token_at(f, t.next, &t) && (t.type == PROP || t.type == NOP)) {
		if (prop_is(f, &t, name)) {
			*bytes = t.bytes;
			return t.data;
		}
	}
	return NULL;
}

const char *fdt_string(const struct fdt *f, int node, const char *name)
{
	u32 bytes;
	const u8 *data = fdt_prop(f, node, name, &bytes);

	return data && bytes > 0 && data[bytes - 1] == '\0' ? (const char *)data : NULL;
}

bool fdt_in_use(const struct fdt *f, int node)
{
	u32 bytes;
	const u8 *status = fdt_prop(f, node, "status", &bytes);

	return !status || (bytes >= 3 && memcmp(status, "ok", 2) == 0);
}

int fdt_find_compatible(const struct fdt *f, int node, const char *name)
{
	int depth = 0;

	while ((node = fdt_next(f, node, &depth)) != FDT_NONE) {
		u32 bytes;
		const char *at = (const char *)fdt_prop(f, node, "compatible", &bytes);

		if (!at || bytes == 0 || at[bytes - 1] != '\0' || !fdt_in_use(f, node))
			continue;
		for (const char *end = at + bytes; at < end; at += strlen(at) + 1)
			if (strcmp(at, name) == 0)
				return node;
	}
	return FDT_NONE;
}

bool fdt_cell(const struct fdt *f, int node, const char *name, unsigned index, u32 *value)
{
	u32 bytes;
	const u8 *data = fdt_prop(f, node, name, &bytes);

	if (!data || (u64)index * 4 + 4 > bytes)
		return false;
	*value = be32_raw(data + (usize)index * 4);
	return true;
}

/* Reads @p cells cells (at most 2) from cell @p index on; no cells make 0. */
static bool number(const struct fdt *f, int node, unsigned index, unsigned cells, u64 *value)
{
	*value = 0;
	for (unsigned i = 0; i < cells; i++) {
		u32 cell;

		if (!fdt_cell(f, node, "reg", index + i, &cell))
			return false;
		*value = *value << 32 | cell;
	}
	return true;
}

bool fdt_reg(const struct fdt *f, int node, unsigned index, u64 *base, u64 *bytes)
{
	int parent = fdt_parent(f, node);
	u32 address_cells = 2, size_cells = 1; /* the defaults of section 2.3.5 */

	(void)fdt_cell(f, parent, "#address-cells", 0, &address_cells);
	(void)fdt_cell(f, parent, "#size-cells", 0, &size_cells);
	if (address_cells == 0 || address_cells > CELLS_MAX || size_cells > CELLS_MAX ||
	    index > FDT_BYTES_MAX)
		return false;

	unsigned at = index * (address_cells + size_cells);

	return number(f, node, at, address_cells, base) &&
	       number(f, node, at + address_cells, size_cells, bytes);
}

bool fdt_reserved(const struct fdt *f, unsigned index, u64 *base, u64 *bytes)
{
	u64 at = (u64)f->reserved + (u64)index * 16;

	if (at + 16 > f->bytes)
		return false;
	*base = (u64)be32_raw(f->blob + at) << 32 | be32_raw(f->blob + at + 4);
	*bytes = (u64)be32_raw(f->blob + at + 8) << 32 | be32_raw(f->blob + at + 12);
	return *base || *bytes;
}
