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
	const u8 *data;
	const char *text;

	any_tree();
	data = fdt_prop(&f, node, "r", &bytes);
	REACHABLE(data && bytes == 4, "a property");
	CLAIM(!data || (is_node(node) && lies_inside(data, bytes)), "its bytes lie in the blob");
	text = fdt_string(&f, node, "r");
	CLAIM(!text || (text == (const char *)data && !data[bytes - 1]), "a string ends");
	CLAIM(!fdt_cell(&f, node, "r", nondet_unsigned(), &cell) || (data && bytes >= 4),
	      "a cell lies in the property");
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
	bool any;

	any_tree();
	any = fdt_reserved(&f, index, &base, &bytes);
	REACHABLE(any, "an entry");
	CLAIM(!any || (f.reserved + 16 * ((u64)index + 1) <= BYTES && (base || bytes)),
	      "it is there");
}

int main(void)
{
	CASE();
	return 0;
}
