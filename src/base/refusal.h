/*
 * refusal.h
 *	  What is refused, for whoever keeps a record of refused attempts.
 */
#ifndef WFO_BASE_REFUSAL_H
#define WFO_BASE_REFUSAL_H

#include "postgres.h"

#include "fmgr.h"

/* The ids that a record of a refused attempt can have. */
typedef enum RefusalId
{
	REFUSAL_PROPOSAL,
	REFUSAL_WORKFLOW,
	REFUSAL_EXECUTION,
	REFUSAL_ACTOR,
	REFUSAL_IDS
} RefusalId;

#define REFUSAL_ARGUMENTS 4

/* The present call of the SQL interface, or statement on a table. */
typedef struct RefusalSubject
{
	const char *call;  /* or the statement; NULL: neither */
	const char *table; /* of the statement; NULL: it is a call */
	bool has_proposal; /* the proposal is known though it is no argument of the call */
	int64 proposal_id;
	int narguments;
	struct
	{
		Oid function;
		int number;
		int64 value;
	} arguments[REFUSAL_ARGUMENTS]; /* that are numbers, in the order in which they were read */
} RefusalSubject;

/*
 * Takes note of a refused attempt, and returns whether the server's log is to have a
 * line of it; NULL: nobody takes note.  It does not raise an error.
 */
extern bool (*refusal_hook)(int sqlstate, const char *reason);

extern void refusal_begin_call(const char *call);
extern void refusal_begin_statement(const char *command, const char *table);
extern void refusal_note_argument(FunctionCallInfo fcinfo, int number, int64 value);
extern void refusal_note_proposal(int64 proposal_id);
extern const RefusalSubject *refusal_subject(void);
extern void refusal_restore_subject(const RefusalSubject *saved);
extern bool refusal_subject_id(RefusalId id, int64 *value);
extern const char *refusal_id_name(RefusalId id);
extern void refusal_hush(void);
extern void refusal_speak(void);
extern bool refusal_pass(int sqlstate, const char *reason);

#endif
