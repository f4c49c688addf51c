/* A variable that does not survive an await: in a block of a switch, across an awaited call. */
#include "async/sleep.h"
struct f { struct async async; struct yield y; int kept; };
int sink(int);
enum poll fn(void *frame);
enum poll fn(void *frame)
{
	struct f *me = frame;
	ASYNC_BEGIN(me);
	switch (sink(0)) {
	case 1: {
		int x = sink(1);
		if (x) {
			AWAIT_CALL(me, fn, me);
			sink(x);
		}
		break; }
	}
	ASYNC_END(me);
}
