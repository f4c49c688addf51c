/*
 * fdt.c: kernel/drivers/fdt/fdt.c. fdt_open with any header of any blob gives blocks that lie in
 * the blob (OPEN); every other function, on any blob of BYTES bytes with any such blocks and from
 * any node, reads nothing outside the blob, computes no offset that wraps, ends, and what it
 * returns lies in the blob. The proof covers malformed trees: those that no device tree compiler
 * writes.
 */
#include "prove.h"

#include "drivers/fdt/fdt.c"

#ifndef BYTES
#define BYTES 24
#endif

static u32 words[BYTES / 4]; /* aligned, as fdt_open wants it */
static struct fdt f;

static bool blocks_are_right(u32 bytes)
{
	return f.bytes <= bytes && f.structs % 4 == 0 && f.structs <= f.structs_end &&
	       f.structs_end <= f.bytes && f.strings <= f.strings_end && f.strings_end <= f.bytes &&
	       (f.strings == f.strings_end || !f.blob[f.strings_end - 1]) && f.reserved <= f.bytes;
}

static void any_tree(void)
{
	for (unsigned i = 0; i < BYTES / 4; i++)
		words[i] = nondet_u32();
	f.blob = (const u8 *)words;
	f.bytes = BYTES;
	f.structs = nondet_u32();
	f.structs_end = nondet_u32();
	f.strings = nondet_u32();
	f.strings_end = nondet_u32();
	f.reserved = nondet_u32();
	ASSUME(blocks_are_right(BYTES));
}

/*
 * The format anew, from the specification's sections 5.2 to 5.4, for what the functions give to be
 * compared with.
 */
static u32 big(u32 at)
{
	u32 value = 0;

	for (u32 i = 0; i < 4; i++)
		value = value * 256 + f.blob[at + i];
	return value;
}

/* The offset behind the token at an offset; 0 when there is none that is whole. */
static u32 behind(u64 at)
{
	if (at < f.structs || at % 4 != 0 || at + 4 > f.structs_end)
		return 0;
	switch (big((u32)at)) {
	case 1:
		for (u64 end = at + 4; end + 4 <= f.structs_end; end += 4)
			if (!f.blob[end] || !f.blob[end + 1] || !f.blob[end + 2] ||
			    !f.blob[end + 3])
				return (u32)end + 4;
		return 0;
	case 2:
	case 4:
		return (u32)at + 4;
	case 3:
		if (at + 12 > f.structs_end || at + 12 + big((u32)at + 4) > f.structs_end)
			return 0;
		return (u32)at + 12 + (big((u32)at + 4) + 3) / 4 * 4;
	}
	return 0;
}

static int node_behind(int node, int *depth)
{
	u32 at = node == FDT_NONE ? f.structs : behind((u32)node);

	if (node != FDT_NONE && !at)
		return FDT_NONE;
	for (; behind(at); at = behind(at)) {
		*depth += big(at) == 1 ? 1 : big(at) == 2 ? -1 : 0;
		if (big(at) == 1)
			return (int)at;
	}
	return FDT_NONE;
}

/* The first child, or the one behind another: the next node at a depth of 1, before one of 0. By
 * fdt_next, of which WALK says the rest. */
static int child_behind(int parent, int child)
{
	int depth = child == FDT_NONE ? 0 : 1;

	for (int n = child == FDT_NONE ? parent : child; (n = fdt_next(&f, n, &depth)) != FDT_NONE;)
		if (depth <= 1)
			return depth == 1 ? n : FDT_NONE;
	return FDT_NONE;
}

/* The offset of a node's first property "r", of those before anything else; 0: none. */
static u32 r_of(u32 node)
{
	for (u32 at = behind(node); behind(at) && (big(at) == 3 || big(at) == 4); at = behind(at)) {
		u64 name = (u64)f.strings + (big(at) == 3 ? big(at + 8) : 0);

		if (big(at) == 3 && name + 1 < f.strings_end && f.blob[name] == 'r' &&
		    !f.blob[name + 1])
			return at;
	}
	return 0;
}

static bool is_node(int node)
{
	return node >= (int)f.structs && (u32)node + 4 <= f.structs_end && node % 4 == 0 &&
	       word_at(&f, (u32)node) == BEGIN_NODE;
}

static bool lies_inside(const u8 *data, u32 bytes)
{
	return data >= f.blob && bytes <= BYTES && data + bytes <= f.blob + BYTES;
}

static int any_node(void)
{
	return (int)nondet_u32();
}

static void open(void)
{
	u8 *b = (u8 *)words;
	usize given = nondet_u32();
	int err;

	ASSUME(given <= BYTES);
	any_tree();
	err = fdt_open(&f, b, given);
	REACHABLE(err == 0 && f.strings < f.strings_end && f.structs < f.structs_end, "accepted");
	REACHABLE(err == ERR_CORRUPT, "refused");
	CLAIM(err == 0 || err == ERR_NODEV || err == ERR_CORRUPT, "an error that it names");
	CLAIM(err || (blocks_are_right((u32)given) && f.structs >= HEADER_BYTES),
	      "blocks lie inside");
	f.blob = b;
	CLAIM((err == ERR_NODEV) == (given < 40 || big(0) != 0xd00dfeed), "known by its magic");
	if (err == ERR_NODEV)
		return;
	CLAIM((err == 0) ==
		      (big(8) % 4 == 0 && big(4) <= given && big(20) >= 17 && big(24) <= 17 &&
		       big(8) >= 40 && (u64)big(8) + big(36) <= big(4) && big(12) >= 40 &&
		       (u64)big(12) + big(32) <= big(4) && big(16) >= 40 && big(16) <= big(4)),
	      "accepted if and only if the version fits and the blocks lie in it");
	if (err)
		return;
	CLAIM(f.bytes == big(4) && f.structs == big(8) && f.structs_end == big(8) + big(36) &&
		      f.strings == big(12) && f.reserved == big(16),
	      "the blocks that the header names");
	CLAIM(f.strings_end <= big(12) + big(32), "the strings that it names");
	for (u32 at = 40; at < BYTES; at++)
		CLAIM(at < f.strings_end || at >= big(12) + big(32) || b[at], "all that end");
}

static void next(void)
{
	int depth = (int)nondet_u8(), before = depth, node = any_node();
	int n;

	any_tree();
	n = fdt_next(&f, node, &depth);
	REACHABLE(n != FDT_NONE && node != FDT_NONE && depth == before, "a sibling");
	REACHABLE(n != FDT_NONE && depth == before + 1, "a child");
	CLAIM(n == FDT_NONE || is_node(n), "a node");
	CLAIM(n == FDT_NONE || n > node, "behind the one before");
	CLAIM(n == FDT_NONE || depth <= before + 1, "at most one deeper");
}

static void token(void)
{
	u32 at = nondet_u32(), end;
	struct token t;
	bool there;

	any_tree();
	there = token_at(&f, at, &t);
	end = behind(at);
	REACHABLE(there && t.type == PROP && t.next < f.structs_end, "a property");
	CLAIM(there == (end != 0), "a token if and only if a whole one is there");
	if (!there)
		return;
	CLAIM(t.next == end, "what is behind it");
	CLAIM(t.type == big(at), "its type");
	CLAIM(t.type != 1 || t.name == (const char *)f.blob + at + 4, "a node's name");
	CLAIM(t.type != 3 || (t.bytes == big(at + 4) && t.name_at == big(at + 8) &&
			      t.data == f.blob + at + 12),
	      "a property's length, name and value");
}

/* All nodes of a tree, in order and at their depth. */
static void walk(void)
{
	int depth = (int)nondet_u8(), right = depth, node = any_node();
	int n;

	any_tree();
	n = fdt_next(&f, node, &depth);
	CLAIM(n == node_behind(node, &right), "the next one that there is");
	CLAIM(n == FDT_NONE || depth == right, "at its depth");
}

static void child(void)
{
	int parent = any_node(), before = any_node();
	int n;

	any_tree();
	n = fdt_child(&f, parent, before);
	REACHABLE(n != FDT_NONE && before != FDT_NONE, "a second child");
	CLAIM(n == FDT_NONE || is_node(n), "a node");
	CLAIM(n == FDT_NONE || (n > before && (before != FDT_NONE || n > parent)), "behind");
}

/* The blob's first node's first child, or the one behind that node, as a child without any. */
static void siblings(void)
{
	int before = nondet_bool() ? 0 : FDT_NONE;

	any_tree();
	ASSUME(f.structs == 0);
	f.structs = 0; /* so that CBMC knows */
	CLAIM(fdt_child(&f, 0, before) == child_behind(0, before), "the next child that there is");
}

static void parent(void)
{
	int node = any_node();
	int n;

	any_tree();
	n = fdt_parent(&f, node);
	REACHABLE(n != FDT_NONE, "has one");
	CLAIM(n == FDT_NONE || (is_node(n) && n < node), "a node before it");
}

static void prop(void)
{
	int node = any_node();
	u32 bytes = 0, cell = 0;
	unsigned index = nondet_unsigned();
	const u8 *data;
	const char *text;
	bool there;

	any_tree();
	data = fdt_prop(&f, node, "r", &bytes);
	REACHABLE(data && bytes == 4, "a property");
	CLAIM(!data || (is_node(node) && lies_inside(data, bytes)), "its bytes lie in the blob");
	text = fdt_string(&f, node, "r");
	CLAIM(!text || (text == (const char *)data && !data[bytes - 1]), "a string ends");
	there = fdt_cell(&f, node, "r", index, &cell);
	CLAIM(there == (data && (u64)index * 4 + 4 <= bytes), "a cell lies in the property");
	CLAIM(!there || cell == big((u32)(data - f.blob) + index * 4), "the cell");
	CLAIM(!text == !(data && bytes && !data[bytes - 1]), "a text if and only if it ends");
}

/* Of the first node of the blob. */
static void named(void)
{
	u32 bytes = 0, at;
	const u8 *data;

	any_tree();
	ASSUME(f.structs == 0);
	f.structs = 0; /* so that CBMC knows */
	data = fdt_prop(&f, 0, "r", &bytes);
	at = behind(0) && big(0) == 1 ? r_of(0) : 0;
	CLAIM(data == (at ? f.blob + at + 12 : NULL), "the first of that name, if there is one");
	CLAIM(!data || bytes == big(at + 4), "its length");
}

static void find(void)
{
	int node;

	any_tree();
	node = fdt_find(&f, "/a");
	REACHABLE(node != FDT_NONE, "found");
	CLAIM(node == FDT_NONE || is_node(node), "a node");
}

static void compatible(void)
{
	int from = any_node();
	int node;

	any_tree();
	node = fdt_find_compatible(&f, from, "x");
	CLAIM(node == FDT_NONE || (is_node(node) && node > from), "a node behind");
}

static void reg(void)
{
	u64 base, bytes;
	bool any;

	any_tree();
	any = fdt_reg(&f, any_node(), nondet_unsigned(), &base, &bytes);
	(void)any;
}

static void reserved(void)
{
	u64 base, bytes;
	unsigned index = nondet_unsigned();
	u32 at;
	bool any;

	any_tree();
	any = fdt_reserved(&f, index, &base, &bytes);
	REACHABLE(any, "an entry");
	CLAIM(!any || (f.reserved + 16 * ((u64)index + 1) <= BYTES && (base || bytes)),
	      "it is there");
	if (f.reserved + 16 * ((u64)index + 1) > BYTES)
		return;
	at = f.reserved + 16 * index;
	CLAIM(base == ((u64)big(at) << 32 | big(at + 4)), "where it begins");
	CLAIM(bytes == ((u64)big(at + 8) << 32 | big(at + 12)), "how long it is");
	CLAIM(any == (base || bytes), "unless it is the end");
}

int main(void)
{
	CASE();
	return 0;
}
