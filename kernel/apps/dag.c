/*
 * A demonstration of DAGs: what a car does with what it sees, in a chain of reactors that forks and
 * joins, and beside it the shorter chain that holds the lane. Both sources publish to several
 * subscribers, and the deadlines are end to end.
 */
#include "apps/app.h"
#include "base/printf.h"
#include "base/string.h"
#include "services/dagload.h"

#define REACTOR(called, us, ...)                                                                   \
	.reactor = {                                                                               \
		.name = called, .budget_ns = US(us), .params = {.class = SCHED_EDF}, __VA_ARGS__}
#define IN(...)	 .inputs = DAG_TOPICS(__VA_ARGS__)
#define OUT(...) .outputs = DAG_TOPICS(__VA_ARGS__)
#define SIGNATURE(t, g) .function = {NULL, t, g}
#define ONE DAG_BYTES(sizeof(u64))
#define TWO DAG_BYTES(sizeof(u64), sizeof(u64))

static const struct dagload_node perception[] = {
	{REACTOR("camera", 300, OUT("/image"), SIGNATURE(NULL, ONE)),
	 .part = TRACE_dag_part_source,
	 .time_ns = MS(10)},
	{REACTOR("detect", 1500, IN("/image"), OUT("/objects"), SIGNATURE(ONE, ONE))},
	{REACTOR("segment", 2000, IN("/image"), OUT("/free"), SIGNATURE(ONE, ONE))},
	{REACTOR("track", 500, IN("/objects"), OUT("/tracks"), SIGNATURE(ONE, ONE))},
	{REACTOR("plan", 800, IN("/tracks", "/free"), SIGNATURE(TWO, NULL)),
	 .part = TRACE_dag_part_sink,
	 .time_ns = MS(8)},
};

static const struct dagload_node lane[] = {
	{REACTOR("imu", 50, OUT("/turn", "/speed"), SIGNATURE(NULL, TWO)),
	 .part = TRACE_dag_part_source,
	 .time_ns = MS(5)},
	{REACTOR("filter", 200, IN("/turn"), OUT("/heading"), SIGNATURE(ONE, ONE))},
	{REACTOR("steer", 150, IN("/heading", "/speed"), SIGNATURE(TWO, NULL)),
	 .part = TRACE_dag_part_sink,
	 .time_ns = MS(2)},
};

/* An emulated machine may have too little time for them: what it misses is skipped. */
static const struct dagload loads[] = {
	{{.name = "perception", .skip = true, .overload = true}, perception, ARRAY_LEN(perception)},
	{{.name = "lane", .skip = true, .overload = true}, lane, ARRAY_LEN(lane)},
};

int dag_demo_start(u64 periods, bool leave)
{
	return dagload_start(loads, ARRAY_LEN(loads), periods, leave);
}
