/*
 * explain.h
 *	  What a call would need, if it were proposed.
 */
#ifndef WFO_ENGINE_EXPLAIN_H
#define WFO_ENGINE_EXPLAIN_H

#include "postgres.h"

#include "utils/jsonb.h"

typedef struct ExplainRequest
{
	const char *tool;
	Jsonb *params;
	const int64 *actor_id;    /* NULL: the one bound to the caller's role */
	const int64 *workflow_id; /* NULL: not known yet */
	const char *reason;
} ExplainRequest;

extern Jsonb *explain(const ExplainRequest *request);

#endif
