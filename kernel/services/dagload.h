/*
 * dagload.h: DAGs whose reactors only take CPU time, given as tables: for demonstrations and for
 * task sets from elsewhere (tools/rdgen). Each message is a u64, the index of its period, and each
 * reactor checks that all its inputs are of its own period. Context: task.
 */
#pragma once

#include "async/dag.h"

/* reactor: without run and arg. Its budget_ns is its worst-case execution time, of which it uses
 * fifteen sixteenths: so what is measured around it does not count as an overrun. */
struct dagload_node {
	struct dag_reactor reactor;
	u8 part;     /* TRACE_dag_part_* */
	u64 time_ns; /* source: period; sink: relative deadline */
};

struct dagload {
	struct dag_params params; /* periods: replaced */
	const struct dagload_node *nodes;
	unsigned count;
};

#define DAGLOAD_MAX 16u /* DAGs at once */

/**
 * Runs @p n DAGs for @p periods each, prints a table and, with @p leave, leaves the machine. The
 * status is 0 when each was accepted and was done with all its periods that were not skipped;
 * missed deadlines are no failure. The tables stay the caller's, for ever. Errors: ERR_BUSY, some
 * run already; ERR_INVAL, more than DAGLOAD_MAX.
 */
int dagload_start(const struct dagload *loads, unsigned n, u64 periods, bool leave) MUST_CHECK;
