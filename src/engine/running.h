/*
 * running.h
 *	  What runs in this backend at the moment.
 */
#ifndef WFO_ENGINE_RUNNING_H
#define WFO_ENGINE_RUNNING_H

#include "postgres.h"

#include "base/refusal.h"
#include "utils/jsonb.h"

/* A call of a tool, with what code that runs during the call may ask about. */
typedef struct RunningCall
{
	int64 proposal_id;
	int64 execution_id; /* 0: a preview, which is none */
	const char *actor;  /* name; NULL: no actor */
	Oid function;
	bool is_undone;       /* the call will be rolled back, whatever happens */
	const char *built_in; /* call of the SQL interface that a built-in tool makes, or NULL */
	Jsonb *authority;     /* who proposed, approved and executes it; NULL: a trial */
} RunningCall;

typedef struct Running
{
	Oid role;                /* of the innermost sandbox; InvalidOid: there is none */
	bool is_in_session;      /* the sandbox is in a session of another user, and not in a worker */
	const RunningCall *call; /* NULL: none */
	bool is_statement;       /* the call is running a statement of run_sql */
	bool is_admitted;        /* the call of a built-in tool has begun */
	RefusalSubject caller;   /* while it is saved: the call of the SQL interface around it */
} Running;

extern bool running_is_sandboxed(void);
extern bool running_is_in_session(void);
extern bool running_is_statement(void);
extern bool running_is_built_in(void);
extern bool running_admit(const char *call);
extern Oid running_role(void);
extern const RunningCall *running_call(void);
extern bool running_call_is_undone(void);

extern Running running_save(void);
extern void running_enter_sandbox(Oid role, bool is_in_session);
extern void running_enter_call(const RunningCall *call);
extern void running_enter_statement(void);
extern void running_restore(const Running *saved);
extern void running_forget(void);

extern const char *running_show_proposal_id(void);
extern const char *running_show_execution_id(void);
extern const char *running_show_actor(void);

#endif
