/* A variable that does not survive an await: an element of an array. */
#include "async/sleep.h"
struct f { struct async async; struct yield y; int kept; };
int sink(int);
enum poll fn(void *frame);
enum poll fn(void *frame)
{
	struct f *me = frame;
	char buf[16];
	ASYNC_BEGIN(me);
	buf[0] = sink(1);
	AWAIT(me, yield_now(&me->y));
	sink(buf[0]);
	ASYNC_END(me);
}
