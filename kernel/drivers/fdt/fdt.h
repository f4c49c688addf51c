/*
 * fdt.h: reading a flattened device tree (Devicetree Specification v0.4, chapter 5). Pure
 * functions over the blob: they allocate nothing, change nothing, keep no state, and read
 * nothing outside the bytes that fdt_open was given, whatever the blob says.
 *
 * A node is the offset of its FDT_BEGIN_NODE token in the structure block; FDT_NONE is no node.
 * A node number that did not come from these functions gives wrong answers, but no wild reads.
 * Context: any.
 */
#pragma once

#include "base/error.h"
#include "base/types.h"

#define FDT_NONE      (-1)
#define FDT_MAGIC     0xd00dfeedu
#define FDT_BYTES_MAX MIB(2) /* Linux booting.rst: a device tree is at most 2 MiB */

struct fdt {
	const u8 *blob;
	u32 bytes;
	u32 structs, structs_end; /* structure block, as offsets in the blob */
	u32 strings, strings_end;
	u32 reserved; /* memory reservation block */
};

/**
 * Checks the header of the blob at @p blob, of which at most @p bytes may be read, and fills
 * @p f. Errors: ERR_NODEV (no device tree), ERR_CORRUPT (blocks outside or not aligned, unknown
 * version).
 */
int fdt_open(struct fdt *f, const void *blob, usize bytes) MUST_CHECK;

/**
 * The node behind @p node in the order of the blob, FDT_NONE at the end. *@p depth is changed
 * by the difference in depth. From FDT_NONE: the root, at depth + 1.
 */
int fdt_next(const struct fdt *f, int node, int *depth);

/** The next child of @p parent behind @p child (FDT_NONE: the first), or FDT_NONE. */
int fdt_child(const struct fdt *f, int parent, int child);

/** The node that has @p node as its child; FDT_NONE for the root, and where nodes nest deeper than
 *  16. Searches from the root. */
int fdt_parent(const struct fdt *f, int node);

/** The node at @p path ("/cpus/cpu-map"); a component without '@' fits any unit address. */
int fdt_find(const struct fdt *f, const char *path);

/** False when the "status" of @p node is neither "okay" nor "ok" (section 2.3.4). */
bool fdt_in_use(const struct fdt *f, int node);

/** The next node behind @p node (FDT_NONE: from the start) whose "compatible" lists @p name and
 *  which is in use. */
int fdt_find_compatible(const struct fdt *f, int node, const char *name);

/** Property @p name of @p node and its length, or NULL. The bytes have no alignment. */
const u8 *fdt_prop(const struct fdt *f, int node, const char *name, u32 *bytes);

/** A property that is one terminated string, or NULL. */
const char *fdt_string(const struct fdt *f, int node, const char *name);

/** Cell @p index of a property; false when it has fewer. */
bool fdt_cell(const struct fdt *f, int node, const char *name, unsigned index, u32 *value);

/**
 * Entry @p index of "reg", with the parent's #address-cells and #size-cells (at most 2 each),
 * not translated by "ranges". False when there is none.
 */
bool fdt_reg(const struct fdt *f, int node, unsigned index, u64 *base, u64 *bytes);

/** Entry @p index of the memory reservation block; false behind the last. */
bool fdt_reserved(const struct fdt *f, unsigned index, u64 *base, u64 *bytes);
