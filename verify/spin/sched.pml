/*
 * The scheduler: which event comes next is SPIN's choice, what it does is C (sched_model.c), which
 * calls the kernel's own code. The state is the struct model, and states
 * are compared by their key (sched_key.c).
 */
c_decl {
\#include "sched_key.h"
};
c_track "&m" "sizeof(struct model)" "UnMatched"
c_track "&model_key" "sizeof(struct key)"

/* One line each: SPIN takes no macros around C, and no calls in its conditions. */
active proctype world()
{
	c_code { model_begin(); };
	do
	:: d_step { c_expr { m.can >> 0 & 1 } -> c_code { if (model_wrong(model_do(0))) { Uerror(model_wrong(0)); } } }
	:: d_step { c_expr { m.can >> 1 & 1 } -> c_code { if (model_wrong(model_do(1))) { Uerror(model_wrong(0)); } } }
	:: d_step { c_expr { m.can >> 2 & 1 } -> c_code { if (model_wrong(model_do(2))) { Uerror(model_wrong(0)); } } }
	:: d_step { c_expr { m.can >> 3 & 1 } -> c_code { if (model_wrong(model_do(3))) { Uerror(model_wrong(0)); } } }
	:: d_step { c_expr { m.can >> 4 & 1 } -> c_code { if (model_wrong(model_do(4))) { Uerror(model_wrong(0)); } } }
	:: d_step { c_expr { m.can >> 5 & 1 } -> c_code { if (model_wrong(model_do(5))) { Uerror(model_wrong(0)); } } }
	:: d_step { c_expr { m.can >> 6 & 1 } -> c_code { if (model_wrong(model_do(6))) { Uerror(model_wrong(0)); } } }
	:: d_step { c_expr { m.can >> 7 & 1 } -> c_code { if (model_wrong(model_do(7))) { Uerror(model_wrong(0)); } } }
	:: d_step { c_expr { m.can >> 8 & 1 } -> c_code { if (model_wrong(model_do(8))) { Uerror(model_wrong(0)); } } }
	:: d_step { c_expr { m.can >> 9 & 1 } -> c_code { if (model_wrong(model_do(9))) { Uerror(model_wrong(0)); } } }
	:: d_step { c_expr { m.can >> 10 & 1 } -> c_code { if (model_wrong(model_do(10))) { Uerror(model_wrong(0)); } } }
	:: d_step { c_expr { m.can >> 11 & 1 } -> c_code { if (model_wrong(model_do(11))) { Uerror(model_wrong(0)); } } }
	:: d_step { c_expr { m.can >> 12 & 1 } -> c_code { if (model_wrong(model_do(12))) { Uerror(model_wrong(0)); } } }
	:: d_step { c_expr { m.can >> 13 & 1 } -> c_code { if (model_wrong(model_do(13))) { Uerror(model_wrong(0)); } } }
	:: d_step { c_expr { m.can >> 14 & 1 } -> c_code { if (model_wrong(model_do(14))) { Uerror(model_wrong(0)); } } }
	:: d_step { c_expr { m.can >> 15 & 1 } -> c_code { if (model_wrong(model_do(15))) { Uerror(model_wrong(0)); } } }
	:: d_step { c_expr { m.can >> 16 & 1 } -> c_code { if (model_wrong(model_do(16))) { Uerror(model_wrong(0)); } } }
	:: d_step { c_expr { m.can >> 17 & 1 } -> c_code { if (model_wrong(model_do(17))) { Uerror(model_wrong(0)); } } }
	:: d_step { c_expr { m.can >> 18 & 1 } -> c_code { if (model_wrong(model_do(18))) { Uerror(model_wrong(0)); } } }
	:: d_step { c_expr { m.can >> 19 & 1 } -> c_code { if (model_wrong(model_do(19))) { Uerror(model_wrong(0)); } } }
	:: d_step { c_expr { m.can >> 20 & 1 } -> c_code { if (model_wrong(model_do(20))) { Uerror(model_wrong(0)); } } }
	:: d_step { c_expr { m.can >> 21 & 1 } -> c_code { if (model_wrong(model_do(21))) { Uerror(model_wrong(0)); } } }
	:: d_step { c_expr { m.can >> 22 & 1 } -> c_code { if (model_wrong(model_do(22))) { Uerror(model_wrong(0)); } } }
	:: d_step { c_expr { m.can >> 23 & 1 } -> c_code { if (model_wrong(model_do(23))) { Uerror(model_wrong(0)); } } }
	:: d_step { c_expr { m.can >> 24 & 1 } -> c_code { if (model_wrong(model_do(24))) { Uerror(model_wrong(0)); } } }
	:: d_step { c_expr { m.can >> 25 & 1 } -> c_code { if (model_wrong(model_do(25))) { Uerror(model_wrong(0)); } } }
	:: d_step { c_expr { m.can >> 26 & 1 } -> c_code { if (model_wrong(model_do(26))) { Uerror(model_wrong(0)); } } }
	:: d_step { c_expr { m.can >> 27 & 1 } -> c_code { if (model_wrong(model_do(27))) { Uerror(model_wrong(0)); } } }
	:: d_step { c_expr { m.can >> 28 & 1 } -> c_code { if (model_wrong(model_do(28))) { Uerror(model_wrong(0)); } } }
	:: d_step { c_expr { m.can >> 29 & 1 } -> c_code { if (model_wrong(model_do(29))) { Uerror(model_wrong(0)); } } }
	:: d_step { c_expr { m.can >> 30 & 1 } -> c_code { if (model_wrong(model_do(30))) { Uerror(model_wrong(0)); } } }
	:: d_step { c_expr { m.can >> 31 & 1 } -> c_code { if (model_wrong(model_do(31))) { Uerror(model_wrong(0)); } } }
	:: d_step { c_expr { m.can >> 32 & 1 } -> c_code { if (model_wrong(model_do(32))) { Uerror(model_wrong(0)); } } }
	:: d_step { c_expr { m.can >> 33 & 1 } -> c_code { if (model_wrong(model_do(33))) { Uerror(model_wrong(0)); } } }
	:: d_step { c_expr { m.can >> 34 & 1 } -> c_code { if (model_wrong(model_do(34))) { Uerror(model_wrong(0)); } } }
	:: d_step { c_expr { m.can >> 35 & 1 } -> c_code { if (model_wrong(model_do(35))) { Uerror(model_wrong(0)); } } }
	:: d_step { c_expr { m.can >> 36 & 1 } -> c_code { if (model_wrong(model_do(36))) { Uerror(model_wrong(0)); } } }
	:: d_step { c_expr { m.can >> 37 & 1 } -> c_code { if (model_wrong(model_do(37))) { Uerror(model_wrong(0)); } } }
	:: d_step { c_expr { m.can >> 38 & 1 } -> c_code { if (model_wrong(model_do(38))) { Uerror(model_wrong(0)); } } }
	:: d_step { c_expr { m.can >> 39 & 1 } -> c_code { if (model_wrong(model_do(39))) { Uerror(model_wrong(0)); } } }
	:: d_step { c_expr { m.can >> 40 & 1 } -> c_code { if (model_wrong(model_do(40))) { Uerror(model_wrong(0)); } } }
	:: d_step { c_expr { m.can >> 41 & 1 } -> c_code { if (model_wrong(model_do(41))) { Uerror(model_wrong(0)); } } }
	:: d_step { c_expr { m.can >> 42 & 1 } -> c_code { if (model_wrong(model_do(42))) { Uerror(model_wrong(0)); } } }
	:: d_step { c_expr { m.can >> 43 & 1 } -> c_code { if (model_wrong(model_do(43))) { Uerror(model_wrong(0)); } } }
	:: d_step { c_expr { m.can >> 44 & 1 } -> c_code { if (model_wrong(model_do(44))) { Uerror(model_wrong(0)); } } }
	:: d_step { c_expr { m.can >> 45 & 1 } -> c_code { if (model_wrong(model_do(45))) { Uerror(model_wrong(0)); } } }
	:: d_step { c_expr { m.can >> 46 & 1 } -> c_code { if (model_wrong(model_do(46))) { Uerror(model_wrong(0)); } } }
	:: d_step { c_expr { m.can >> 47 & 1 } -> c_code { if (model_wrong(model_do(47))) { Uerror(model_wrong(0)); } } }
	:: d_step { c_expr { m.can >> 48 & 1 } -> c_code { if (model_wrong(model_do(48))) { Uerror(model_wrong(0)); } } }
	:: d_step { c_expr { m.can >> 49 & 1 } -> c_code { if (model_wrong(model_do(49))) { Uerror(model_wrong(0)); } } }
	:: d_step { c_expr { m.can >> 50 & 1 } -> c_code { if (model_wrong(model_do(50))) { Uerror(model_wrong(0)); } } }
	:: d_step { c_expr { m.can >> 51 & 1 } -> c_code { if (model_wrong(model_do(51))) { Uerror(model_wrong(0)); } } }
	:: d_step { c_expr { m.can >> 52 & 1 } -> c_code { if (model_wrong(model_do(52))) { Uerror(model_wrong(0)); } } }
	:: d_step { c_expr { m.can >> 53 & 1 } -> c_code { if (model_wrong(model_do(53))) { Uerror(model_wrong(0)); } } }
	:: d_step { c_expr { m.can >> 54 & 1 } -> c_code { if (model_wrong(model_do(54))) { Uerror(model_wrong(0)); } } }
	:: d_step { c_expr { m.can >> 55 & 1 } -> c_code { if (model_wrong(model_do(55))) { Uerror(model_wrong(0)); } } }
	:: c_expr { !m.can } -> c_code { if (model_wrong(model_end())) { Uerror(model_wrong(0)); } }; break
	od
}
