/* A variable that does not survive an await: the counter of a loop with an await in it. */
#include "async/sleep.h"
struct f { struct async async; struct yield y; int kept; };
int sink(int);
enum poll fn(void *frame);
enum poll fn(void *frame)
{
	struct f *me = frame;
	ASYNC_BEGIN(me);
	for (int i = 0; i < 10; i++)
		AWAIT(me, yield_now(&me->y));
	ASYNC_END(me);
}
