/* inv_rules.h: the step of the model; used by invariants.c only. */
#pragma once

#include "inv_model.h"

/** Applies @p e, which is v->now, to the model and reports what it breaks. */
void inv_apply(struct inv *v, const struct trace_event *e);

/** The same for the events of DAGs. */
void inv_dag(struct inv *v, const struct trace_event *e);
