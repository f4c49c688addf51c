/*
 * Planted misuses of memory.
 */
#include "core/time.h"
#include "mm/kmalloc.h"
#include "mm/page.h"
#include "planted.h"
#include "sync/spin.h"
#include "task/memory.h"

struct object {
	u64 a, b, c;
	_Atomic u32 refs;
	struct object *next;
	u64 large[40]; /* a size that nobody else asks for */
};

static _Atomic(struct object *) published;
static _Atomic bool done;

static struct object *make(void)
{
	struct object *o = kmalloc(sizeof *o);

	if (!o)
		panic("no memory");
	return o;
}

static void look(const volatile u64 *at)
{
	(void)*at;
}

static void look_byte(const volatile u8 *at)
{
	(void)*at;
}

static struct object *taken(void)
{
	struct object *o;

	/* acquire: pairs with the release of publish */
	while (!(o = atomic_load_explicit(&published, memory_order_acquire)))
		arch_relax();
	return o;
}

static void publish(struct object *o)
{
	atomic_store_explicit(&published, o, memory_order_release);
}

static void wait_done(void)
{
	while (!atomic_load_explicit(&done, memory_order_acquire))
		arch_relax();
}

static void say_done(void)
{
	atomic_store_explicit(&done, true, memory_order_release);
}

/* Freed while the other side still looks at it. */
static void freed_too_early(unsigned side)
{
	struct object *o;

	if (side == 0) {
		o = make();
		memset(o, 0, sizeof *o);
		publish(o);
		if (right)
			wait_done();
		kfree(o);
		return;
	}
	o = taken();
	for (unsigned i = 0; i < 10; i++)
		look(&o->a);
	say_done();
}

/* Written after it was freed, with just what such memory holds. */
static void written_after_free(unsigned side)
{
	struct object *o;
	volatile u64 *last;

	if (side)
		return;
	o = make();
	last = &o->large[39];
	if (right)
		*last = 0xddddddddddddddddull;
	kfree(o);
	if (!right)
		*last = 0xddddddddddddddddull;
}

/* A field that nobody set. */
static void never_set(unsigned side)
{
	struct object *o;

	if (side)
		return;
	o = make();
	o->a = 1;
	if (right)
		o->b = 2;
	look(&o->b);
	kfree(o);
}

/* Of an array only the first part was cleared. */
static void half_cleared(unsigned side)
{
	struct object *o;

	if (side)
		return;
	o = make();
	memset(o->large, 0, right ? sizeof o->large : sizeof o->large / 8);
	for (unsigned i = 0; i < ARRAY_LEN(o->large); i++)
		look(&o->large[i]);
	kfree(o);
}

/* Published before it is filled. */
static void published_empty(unsigned side)
{
	struct object *o;

	if (side) {
		o = taken();
		look(&o->large[39]);
		say_done();
		return;
	}
	o = make();
	if (!right)
		publish(o);
	for (unsigned i = 0; i < ARRAY_LEN(o->large); i++)
		((volatile u64 *)o->large)[i] = 3;
	if (right)
		publish(o);
	wait_done();
	kfree(o);
}

/* One too many. */
static void past_the_end(unsigned side)
{
	volatile u8 *bytes;

	if (side)
		return;
	bytes = kzalloc(20);
	for (unsigned i = 0; bytes && i < (right ? 20u : 21u); i++)
		look_byte(&bytes[i]);
	kfree((void *)(uptr)bytes);
}

/* One too few. */
static void before_the_begin(unsigned side)
{
	volatile u8 *bytes;

	if (side)
		return;
	bytes = kzalloc(32);
	for (int i = 31; bytes && i >= (right ? 0 : -1); i--)
		look_byte(&bytes[i]);
	kfree((void *)(uptr)bytes);
}

/* A timer's handler frees what the task of its CPU uses. */
static struct object *of_timer;
static _Atomic bool fired;

static void frees_it(struct timer *t)
{
	(void)t;
	kfree(of_timer);
	atomic_store_explicit(&fired, true, memory_order_release);
}

static void freed_by_a_handler(unsigned side)
{
	struct timer t;

	if (side)
		return;
	of_timer = make();
	memset(of_timer, 0, sizeof *of_timer);
	timer_init(&t, frees_it);
	timer_arm(&t, clock_ns() + US(1));
	while (!atomic_load_explicit(&fired, memory_order_acquire))
		for (unsigned i = 0; !right && i < ARRAY_LEN(of_timer->large); i++)
			look(&of_timer->large[i]);
	timer_cancel(&t);
}

/* Memory of a task's that ended. */
static void of_the_dead(unsigned side)
{
	struct object *o;

	if (side == 0) {
		o = task_alloc(sizeof *o);
		if (!o)
			panic("no memory");
		memset(o, 0, sizeof *o);
		publish(o);
		if (right)
			wait_done();
		return;
	}
	o = taken();
	for (unsigned i = 0; i < 400; i++)
		look(&o->c);
	say_done();
}

/* One walks a list without the lock under which the other one takes its elements out. */
static struct spin list_lock = SPIN_INIT;

static bool list_begin(void) NO_THREAD_SAFETY_ANALYSIS
{
	return right ? spin_lock(&list_lock) : false;
}

static void list_end(bool irqs) NO_THREAD_SAFETY_ANALYSIS
{
	if (right)
		spin_unlock(&list_lock, irqs);
}

static void walks_unlocked(unsigned side)
{
	struct object *first, *second;
	bool irqs;

	if (side == 0) {
		first = make();
		second = make();
		memset(first, 0, sizeof *first);
		memset(second, 0, sizeof *second);
		first->next = second;
		publish(first);
		irqs = list_begin();
		__atomic_store_n(&first->next, NULL, __ATOMIC_RELEASE);
		list_end(irqs);
		kfree(second);
		wait_done();
		kfree(first);
		return;
	}
	first = taken();
	irqs = list_begin();
	second = __atomic_load_n(&first->next, __ATOMIC_ACQUIRE);
	for (unsigned i = 0; second && i < ARRAY_LEN(second->large); i++)
		look(&second->large[i]);
	list_end(irqs);
	say_done();
}

/* A reference is given back before the last use. */
static void put(struct object *o)
{
	/* acq_rel: what others did with it happened before it is freed */
	if (atomic_fetch_sub_explicit(&o->refs, 1, memory_order_acq_rel) == 1)
		kfree(o);
}

static void put_too_early(unsigned side)
{
	struct object *o;

	if (side == 0) {
		o = make();
		memset(o, 0, sizeof *o);
		atomic_store_explicit(&o->refs, 2, memory_order_relaxed);
		publish(o);
	}
	o = taken();
	if (!right)
		put(o);
	look(&o->large[side]);
	if (right)
		put(o);
}

/* A page that was given back. */
static void page_given_back(unsigned side)
{
	volatile u64 *page;

	if (side)
		return;
	page = page_alloc(0);
	if (!page)
		panic("no memory");
	page[100] = 1;
	if (right)
		look(&page[100]);
	page_free((void *)(uptr)page, 0);
	if (!right)
		look(&page[100]);
}

PLANTED(NULL, BUG(freed_too_early), BUG(written_after_free), BUG(never_set), BUG(half_cleared),
	BUG(published_empty), BUG(past_the_end), BUG(before_the_begin), BUG(freed_by_a_handler),
	BUG(of_the_dead), BUG(walks_unlocked), BUG(put_too_early), BUG(page_given_back));
