/* A program that misuses memory in the way its command line says, for test_misuse.py. */
#include "apps/app.h"
#include "async/async.h"
#include "base/panic.h"
#include "base/printf.h"
#include "base/string.h"
#include "board/board.h"
#include "mm/kmalloc.h"
#include "mm/page.h"
#include "task/memory.h"
#include "task/task.h"

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
	p = pages_alloc(5, 0);
	ASSERT(p);
	if (!strcmp(how, "pages-fewer"))
		pages_free(p, 3);
	if (!strcmp(how, "pages-more"))
		pages_free(p, 6);
	pages_free(p, 5);
	if (!strcmp(how, "pages-twice"))
		pages_free(p, 5);
}

/* The messages name it as the owner: neither inlined nor left by a jump. */
static __attribute__((noinline)) char *owner(usize bytes)
{
	char *p = kmalloc(bytes);

	__asm__("" : "+r"(p));
	return p;
}

static void heap(const char *how)
{
	char *p = owner(100), *q = kmalloc(100), *large = kmalloc(KIB(100));

	ASSERT(p && q && large);
	if (!strcmp(how, "heap-twice"))
		kfree(p);
	if (!strcmp(how, "heap-inside"))
		kfree(p + KMALLOC_ALIGN_BYTES);
	if (!strcmp(how, "heap-odd"))
		kfree(p + 1);
	if (!strcmp(how, "heap-past-end"))
		memset(p, 0, ALIGN_UP(100, KMALLOC_ALIGN_BYTES) + 1);
	if (!strcmp(how, "heap-one-past-end"))
		p[100] = 0;
	if (!strcmp(how, "heap-last-of-slack"))
		p[111] = 0;
	if (!strcmp(how, "heap-before-begin"))
		p[-1] ^= 1;
	if (!strcmp(how, "large-past-end"))
		large[KIB(100)] ^= 1;
	kfree(p);
	if (!strcmp(how, "heap-after-free")) {
		memset(p - KMALLOC_ALIGN_BYTES, 0, 64);
		p = kmalloc(100);
		kfree(p);
	}
	if (!strcmp(how, "heap-write-after-free")) {
		p[50]++;
		p = kmalloc(100);
		kfree(p);
	}
	kfree(q);
	kfree(large);
}

struct stranger {
	struct async async;
	char *p;
	bool late;
};

/* Releases what another task has, or writes over the end of its own memory. */
static enum poll stranger(void *frame)
{
	struct stranger *me = frame;
	char *own;

	ASYNC_BEGIN(me);
	own = task_alloc(100);
	ASSERT(own);
	if (me->late)
		own[100]++;
	task_free(me->late ? own : me->p);
	ASYNC_END(me);
}

/* It ends alone, and what it had is there again. */
static void let_a_stranger(char *p, bool late)
{
	struct task_info info;
	struct task *t;

	if (TASK_SPAWN(&t, "stranger", stranger, ((struct stranger){.p = p, .late = late}),
		       SCHED_PARAMS_FIFO(31)))
		panic("no stranger");
	do
		task_info(t, &info);
	while (info.state != TASK_DEAD);
	task_put(t);
	kprintf("%u blocks are left\n", (unsigned)heap_stats(HEAP_TASKS).blocks);
}

static void tasks(const char *how)
{
	char *p = task_alloc(100), *q = task_alloc(100);

	ASSERT(p && q);
	if (!strcmp(how, "task-kfree"))
		kfree(p - 16);
	if (!strcmp(how, "kernel-task_free"))
		task_free((char *)kmalloc(100) + 16);
	if (!strcmp(how, "task-stranger"))
		let_a_stranger(p, false);
	if (!strcmp(how, "task-late"))
		let_a_stranger(p, true);
	if (!strcmp(how, "task-past-end"))
		p[100]++;
	if (!strcmp(how, "task-before-begin"))
		memset(p - 8, 0, 8);
	task_free(p);
	if (!strcmp(how, "task-twice"))
		task_free(p);
	task_free(q);
}

void app_main(const char *cmdline)
{
	pages(cmdline);
	heap(cmdline);
	tasks(cmdline);
	board_exit(0);
}
