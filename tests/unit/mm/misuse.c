/* A program that misuses memory in the way its command line says, for test_misuse.py. */
#include "apps/app.h"
#include "base/panic.h"
#include "base/string.h"
#include "board/board.h"
#include "mm/kmalloc.h"
#include "mm/page.h"

static void pages(const char *how)
{
	char *p = page_alloc(1);

	ASSERT(p);
	if (!strcmp(how, "page-twice"))
		page_free(p, 1);
	if (!strcmp(how, "page-order"))
		page_free(p, 0);
	if (!strcmp(how, "page-inside"))
		page_free(p + PAGE_BYTES, 0);
	if (!strcmp(how, "page-odd"))
		page_free(p + 16, 1);
	if (!strcmp(how, "page-foreign"))
		page_free(NULL, 0);
	page_free(p, 1);
}

static void heap(const char *how)
{
	char *p = kmalloc(100), *q = kmalloc(100);

	ASSERT(p && q);
	if (!strcmp(how, "heap-twice"))
		kfree(p);
	if (!strcmp(how, "heap-inside"))
		kfree(p + KMALLOC_ALIGN_BYTES);
	if (!strcmp(how, "heap-odd"))
		kfree(p + 1);
	if (!strcmp(how, "heap-past-end"))
		memset(p, 0, ALIGN_UP(100, KMALLOC_ALIGN_BYTES) + 1);
	kfree(p);
	if (!strcmp(how, "heap-after-free")) {
		memset(p - KMALLOC_ALIGN_BYTES, 0, 64);
		p = kmalloc(100);
		kfree(p);
	}
	kfree(q);
}

void app_main(const char *cmdline)
{
	pages(cmdline);
	heap(cmdline);
	board_exit(0);
}
