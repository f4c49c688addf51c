/*
 * A variable that does not survive an await: initialised each time the function is entered, so
 * that the value from before the await is lost without a trace.
 */
#include "async/sleep.h"
struct f { struct async async; struct yield y; int kept; };
int sink(int);
enum poll fn(void *frame);
enum poll fn(void *frame)
{
	struct f *me = frame;
	ASYNC_BEGIN(me);
	int x = sink(1);
	AWAIT(me, yield_now(&me->y));
	sink(x);
	ASYNC_END(me);
}
