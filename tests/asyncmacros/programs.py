"""Async functions with a variable that would have to survive an await, and others that only look so.

Each is the body of fn in the frame below. A line with /* NAME */ is one where the check must report
that NAME does not survive; SEES says which of the compilers see that something is wrong, with the
warnings that the build turns on.
"""

HEAD = """\
#include "async/channel.h"
#include "async/select.h"
#include "async/sleep.h"
struct g { struct async async; struct yield y; };
struct pair { int a, b; };
struct f { struct async async; struct yield y; struct sleep s; struct timeout t; struct channel_op op;
	struct channel *c; int kept, i; int *p; struct g child; };
enum kind { RED, GREEN };
int sink(int);
int see(const void *what);
int fill(void *what);
enum kind kind_of(int);
_Noreturn void stop(void);
enum poll called(void *frame);
enum poll fn(void *frame);
enum poll fn(void *frame)
{
	struct f *me = frame;
"""

WAIT = "\tAWAIT(me, yield_now(&me->y));\n"

WRONG = {
    "assigned_before": "\tint x;\n\tASYNC_BEGIN(me);\n\tx = sink(1);\n" + WAIT + "\tsink(x); /* x */\n",
    "declared_between": "\tASYNC_BEGIN(me);\n\tint x = sink(1);\n" + WAIT + "\tsink(x); /* x */\n",
    "initialised_first": "\tint x = 0;\n\tASYNC_BEGIN(me);\n\tx = sink(1);\n" + WAIT + "\tsink(x); /* x */\n",
    "changed_at_the_end": "\tint x = 0;\n\tASYNC_BEGIN(me);\n\tfor (;;) {\n\t\tsink(x);\n\t" + WAIT
                          + "\t\tx++; /* x */\n\t}\n",
    "loop_counter": "\tASYNC_BEGIN(me);\n\tfor (int i = 0; i < 10; i++) /* i */\n\t" + WAIT,
    "while_counter": "\tint n = 3;\n\tASYNC_BEGIN(me);\n\twhile (n--) /* n */\n\t" + WAIT,
    "do_while": "\tint n;\n\tASYNC_BEGIN(me);\n\tn = sink(0);\n\tdo {\n\t" + WAIT + "\t} while (n); /* n */\n",
    "in_a_block": """\
	ASYNC_BEGIN(me);
	switch (sink(0)) {
	case 1: {
		int x = sink(1);
		if (x) {
			AWAIT_CALL(me, called, &me->child);
			sink(x); /* x */
		}
		break; }
	}
""",
    "on_one_way": """\
	int x;
	ASYNC_BEGIN(me);
	x = sink(1);
	if (sink(2))
		AWAIT(me, yield_now(&me->y));
	sink(x); /* x */
""",
    "next_time_around": """\
	int last;
	ASYNC_BEGIN(me);
	last = 0;
	for (;;) {
		if (sink(last)) /* last */
			break;
		last = sink(1);
		AWAIT(me, yield_now(&me->y));
	}
""",
    "by_goto": """\
	int x;
	ASYNC_BEGIN(me);
	x = sink(1);
again:
	if (sink(x)) { /* x */
		AWAIT(me, yield_now(&me->y));
		goto again;
	}
""",
    "by_continue": """\
	int x;
	ASYNC_BEGIN(me);
	for (me->i = 0, x = 5; me->i < 3; sink(x), me->i++) { /* x */
		if (sink(2))
			continue;
		AWAIT(me, yield_now(&me->y));
	}
""",
    "case_behind_an_await": """\
	int x;
	ASYNC_BEGIN(me);
	x = sink(1);
	switch (kind_of(me->i)) {
	case RED:
		AWAIT(me, yield_now(&me->y));
		/* fall through */
		__attribute__((fallthrough));
	case GREEN:
		sink(x); /* x */
	}
""",
    "second_await": "\tint x;\n\tASYNC_BEGIN(me);\n\tx = sink(1);\n" + WAIT + WAIT + "\tsink(x); /* x */\n",
    "array": "\tchar buf[16];\n\tASYNC_BEGIN(me);\n\tbuf[0] = (char)sink(1);\n" + WAIT + "\tsink(buf[0]); /* buf */\n",
    "struct": "\tstruct pair p;\n\tASYNC_BEGIN(me);\n\tp.a = sink(1);\n" + WAIT + "\tsink(p.a); /* p.a */\n",
    "half_a_struct": "\tstruct pair p;\n\tASYNC_BEGIN(me);\n\tp.a = p.b = sink(1);\n" + WAIT
                     + "\tp.a = 2;\n\tsee(&p); /* p.b */\n",
    "copied_whole": "\tstruct pair p, q;\n\tASYNC_BEGIN(me);\n\tp = (struct pair){1, 2};\n" + WAIT
                    + "\tq = p; /* p */\n\tsink(q.a);\n",
    "filled_by_a_call": "\tint x;\n\tASYNC_BEGIN(me);\n\tfill(&x);\n" + WAIT + "\tsink(x); /* x */\n",
    "seen_by_a_call": "\tint x = 1;\n\tASYNC_BEGIN(me);\n\tx = sink(x);\n" + WAIT + "\tsee(&x); /* x */\n",
    "either_operand": "\tint x;\n\tASYNC_BEGIN(me);\n\tx = sink(1);\n" + WAIT + "\tsink(me->i && x); /* x */\n",
    "in_the_next_await": "\tint x;\n\tASYNC_BEGIN(me);\n\tx = sink(1);\n" + WAIT
                         + "\tAWAIT(me, sleep_for(&me->s, (u64)x)); /* x */\n",
    "in_a_statement_expression": "\tint x;\n\tASYNC_BEGIN(me);\n\tx = sink(1);\n" + WAIT
                                 + "\tsink(({ int y = x; y + 1; })); /* x */\n",
    "await_in_an_expression": "\tint x;\n\tASYNC_BEGIN(me);\n\tx = sink(1);\n\tsink(({ AWAIT(me, yield_now(&me->y)); "
                              "x; })); /* x */\n",
    "awaitable": "\tstruct sleep s;\n\tASYNC_BEGIN(me);\n\tAWAIT(me, sleep_for(&s, 1)); /* s */\n",
    "awaitable_in_another": "\tstruct channel_op op;\n\tASYNC_BEGIN(me);\n\tAWAIT(me, timeout_after(&me->t, "
                            "channel_receive(&op, me->c, &me->kept), 1)); /* op */\n",
    "message": "\tint x;\n\tASYNC_BEGIN(me);\n\tAWAIT(me, channel_receive(&me->op, me->c, &x)); /* x */\n\tsink(x); /* x */\n",
    "message_in_an_array": "\tchar text[4];\n\tASYNC_BEGIN(me);\n\tAWAIT(me, channel_receive(&me->op, me->c, text)); "
                           "/* text */\n",
    "literal_message": "\tASYNC_BEGIN(me);\n\tAWAIT(me, channel_send(&me->op, me->c, &(struct pair){1, 2})); "
                       "/* a compound literal */\n",
    "awaitable_made_before": "\tstruct sleep s;\n\tstruct awaitable *a;\n\tASYNC_BEGIN(me);\n\ta = sleep_for(&s, 1); "
                             "/* s */\n\tAWAIT(me, a);\n",
    "child": "\tstruct g child = {};\n\tASYNC_BEGIN(me);\n\tAWAIT_CALL(me, called, &child); /* child */\n",
    "literal_child": "\tASYNC_BEGIN(me);\n\tAWAIT_CALL(me, called, &(struct g){}); /* a compound literal */\n",
    "pointer_in_the_frame": "\tint x = 1;\n\tASYNC_BEGIN(me);\n\tme->p = &x; /* x */\n" + WAIT + "\tsink(*me->p);\n",
}

RIGHT = {
    "frame": "\tASYNC_BEGIN(me);\n\tme->kept = sink(1);\n" + WAIT + "\tsink(me->kept);\n",
    "set_again": "\tint x;\n\tASYNC_BEGIN(me);\n\tx = sink(1);\n\tsink(x);\n" + WAIT + "\tx = sink(2);\n\tsink(x);\n",
    "set_again_on_both_ways": "\tint x;\n\tASYNC_BEGIN(me);\n\tx = sink(1);\n\tsink(x);\n" + WAIT + "\tif (sink(2))\n\t\tx = 1;\n"
                              "\telse\n\t\tx = 2;\n\tsink(x);\n",
    "anew_in_each_round": "\tASYNC_BEGIN(me);\n\tfor (me->i = 0; me->i < 3; me->i++) {\n\t\tint x = sink(1);\n"
                          "\t\tsink(x);\n\t" + WAIT + "\t}\n",
    "loop_between_awaits": "\tASYNC_BEGIN(me);\n" + WAIT + "\tfor (int i = 0; i < 3; i++)\n\t\tsink(i);\n" + WAIT,
    "only_before": "\tint x;\n\tASYNC_BEGIN(me);\n\tx = sink(1);\n\tsink(x);\n" + WAIT,
    "set_at_each_entry": "\tint n = me->kept * 2;\n\tASYNC_BEGIN(me);\n" + WAIT + "\tsink(n);\n",
    "static": "\tstatic int x;\n\tASYNC_BEGIN(me);\n\tx = sink(1);\n" + WAIT + "\tsink(x);\n",
    "filled_again": "\tint x;\n\tASYNC_BEGIN(me);\n\tfor (;;) {\n\t\tfill(&x);\n\t\tif (sink(x))\n\t\t\tbreak;\n\t"
                    + WAIT + "\t}\n",
    "way_without_an_await": "\tint x;\n\tASYNC_BEGIN(me);\n\tx = sink(1);\n\tif (x) {\n\t" + WAIT
                            + "\t\tASYNC_RETURN(me, 1);\n\t}\n\tsink(x);\n",
    "way_that_ends": "\tint x;\n\tASYNC_BEGIN(me);\n\tx = sink(1);\n\tif (x) {\n\t" + WAIT
                     + "\t\tstop();\n\t}\n\tsink(x);\n",
    "all_kinds_have_a_case": """\
	int x = 0;
	ASYNC_BEGIN(me);
	for (;;) {
		AWAIT(me, yield_now(&me->y));
		switch (kind_of(me->i)) {
		case RED: x = 1; break;
		case GREEN: x = 2; break;
		}
		sink(x);
	}
""",
    "half_a_struct_set_again": "\tstruct pair p;\n\tASYNC_BEGIN(me);\n\tp.a = p.b = sink(1);\n" + WAIT
                               + "\tp.b = 2;\n\tsink(p.b);\n",
    "whole_struct_set_again": "\tstruct pair p;\n\tASYNC_BEGIN(me);\n\tp.a = p.b = sink(1);\n" + WAIT
                              + "\tp = (struct pair){1, 2};\n\tsee(&p);\n",
    "member_set_after_a_call": "\tstruct pair p;\n\tASYNC_BEGIN(me);\n\tfill(&p);\n" + WAIT
                               + "\tp.a = 0;\n\twhile (sink(p.a))\n\t\tfill(&p);\n",
    "size_only": "\tint x;\n\tASYNC_BEGIN(me);\n\tx = sink(1);\n\tsink(x);\n" + WAIT + "\tsink((int)sizeof x);\n",
    "passed_by_value": "\tint x;\n\tASYNC_BEGIN(me);\n\tx = sink(1);\n\tAWAIT(me, sleep_for(&me->s, (u64)x));\n",
    "literal_in_an_inner_call": "\tASYNC_BEGIN(me);\n\tAWAIT(me, sleep_for(&me->s, (u64)see(&(struct pair){1, 2})));\n",
    "pointer_not_kept": "\tint x = 1;\n\tint *p = &x;\n\tASYNC_BEGIN(me);\n\tsink(*p);\n" + WAIT,
    "pointer_to_the_frame": "\tstruct g *child = &me->child;\n\tASYNC_BEGIN(me);\n\tAWAIT_CALL(me, called, child);\n"
                            "\tAWAIT(me, yield_now(&child->y));\n",
    "no_await": "\tint x;\n\tASYNC_BEGIN(me);\n\tx = sink(1);\n\tsink(x);\n",
}

END = "\tASYNC_END(me);\n}\n"

# Who sees it, besides the check: the compilers with the build's warnings, and Clang's static analyzer.
ALL = {"gcc", "clang", "analyzer"}
NOBODY = set()
SEES = {
    **dict.fromkeys(WRONG, ALL),
    **dict.fromkeys(["by_continue", "copied_whole", "filled_by_a_call", "message"], {"clang", "analyzer"}),
    **dict.fromkeys(["array", "struct"], {"gcc", "analyzer"}),
    # Its value is wrong, but set:
    **dict.fromkeys(["initialised_first", "changed_at_the_end", "while_counter", "seen_by_a_call"], NOBODY),
    # Its address goes where no compiler looks:
    **dict.fromkeys(["half_a_struct", "awaitable", "awaitable_in_another", "message_in_an_array", "literal_message",
                     "awaitable_made_before", "child", "literal_child", "pointer_in_the_frame"], NOBODY),
}
# What a later version has unlearned: {(program, compiler): the first tried that is silent}; the one before is in SEES.
SILENT_SINCE = {("next_time_around", "gcc"): 14, ("by_goto", "gcc"): 14}


def text(body):
    return HEAD + body + END
