/* A variable that does not survive an await: a member of a struct. */
#include "async/sleep.h"
struct f { struct async async; struct yield y; int kept; };
int sink(int);
enum poll fn(void *frame);
enum poll fn(void *frame)
{
	struct f *me = frame;
	struct { int a, b; } p;
	ASYNC_BEGIN(me);
	p.a = sink(1);
	AWAIT(me, yield_now(&me->y));
	sink(p.a);
	ASYNC_END(me);
}
