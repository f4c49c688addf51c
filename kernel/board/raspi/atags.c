/*
 * atags.c: a list of tagged sizes, from the 32-bit Arm boot protocol (Linux
 * Documentation/arch/arm/booting.rst, 4a). QEMU leaves one where there is no device tree.
 */
#include "base/string.h"
#include "board/raspi/raspi.h"

#define ATAG_NONE    0u
#define ATAG_CORE    0x54410001u
#define ATAG_CMDLINE 0x54410009u

#define LIST_BYTES_MAX 4096u

struct atag {
	u32 words; /* of the whole tag */
	u32 tag;
	char data[];
};

const char *atags_cmdline(const void *list)
{
	const struct atag *t = list;
	uptr end = (uptr)list + LIST_BYTES_MAX;

	if (!list || (uptr)list & 3 || t->tag != ATAG_CORE)
		return "";
	while ((uptr)(t + 1) <= end && t->tag != ATAG_NONE && t->words >= 2 &&
	       t->words <= LIST_BYTES_MAX / 4) {
		const struct atag *next = (const struct atag *)((const u32 *)t + t->words);

		if ((uptr)next > end)
			break;
		/* It is terminated: the last byte of the tag is padding or the end. */
		if (t->tag == ATAG_CMDLINE && ((const char *)next)[-1] == '\0')
			return t->data;
		t = next;
	}
	return "";
}
