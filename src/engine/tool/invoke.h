/*
 * invoke.h
 *	  Calls a tool's function.
 */
#ifndef WFO_ENGINE_INVOKE_H
#define WFO_ENGINE_INVOKE_H

#include "postgres.h"

#include "engine/tool/definition.h"
#include "engine/tool/row_count.h"

/* The call that runs in this process. */
typedef struct Invocation
{
	int64 proposal_id;
	int64 execution_id; /* 0: a preview, which is none */
	const char *actor;  /* name; NULL: nobody in particular */
	Oid run_as;
	bool in_worker;
	const int64 *max_rows; /* that the call may change; NULL: any number */
	const char *built_in;  /* call that a built-in tool makes; NULL: another tool */
	Jsonb *authority;      /* of that call: who answers for it; NULL: a trial */
	bool undo;             /* roll the call back when it is done */
	/* Called before that, as the same role, with what the function returned; or NULL. */
	void (*look)(void *arg, const Jsonb *output);
	void *look_arg;
} Invocation;

extern void invoke_prepare(void);
extern ErrorData *invoke(const Invocation *invocation, const Tool *tool,
						 const Definition *definition, int64 timeout, Jsonb *params, Jsonb **output,
						 RowCount *rows);

#endif
