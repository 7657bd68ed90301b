/*
 * refusal.c
 *	  What is refused, for whoever keeps a record of refused attempts.
 *
 * Owns which call of the SQL interface is being made, and which ids its arguments
 * have, so that an error deep inside need not know them.  The macros of errors.h
 * pass each refusal through here.  Who keeps the record, and how many, is not its
 * business.
 *
 * A call that is not refused only leaves its name and its numbers here.  What the
 * numbers mean is looked up when they are needed.
 */
#include "postgres.h"

#include "base/log_limit.h"
#include "base/refusal.h"
#include "funcapi.h"
#include "utils/syscache.h"

bool (*refusal_hook)(int sqlstate, const char *reason) = NULL;

static RefusalSubject subject;
static int hushed = 0;

/* The names of the arguments that have an id, and how it is called in a record. */
static const struct
{
	RefusalId id;
	const char *argument;
} id_arguments[] = {{REFUSAL_PROPOSAL, "proposal_id"},   {REFUSAL_WORKFLOW, "workflow_id"},
					{REFUSAL_EXECUTION, "execution_id"}, {REFUSAL_ACTOR, "actor_id"},
					{REFUSAL_ACTOR, "reviewer_id"},      {REFUSAL_ACTOR, "by_actor_id"}};

/* Begin a call of the SQL interface.  The name must be a constant. */
void
refusal_begin_call(const char *call)
{
	subject.call = call;
	subject.table = NULL;
	subject.has_proposal = false;
	subject.narguments = 0;
}

/* Begin a statement that writes to a table directly.  Both names must be constants. */
void
refusal_begin_statement(const char *command, const char *table)
{
	refusal_begin_call(command);
	subject.table = table;
}

/* Note an argument of the present call that is a number. */
void
refusal_note_argument(FunctionCallInfo fcinfo, int number, int64 value)
{
	int n = subject.narguments;

	if (n == REFUSAL_ARGUMENTS || fcinfo->flinfo == NULL)
		return;
	subject.arguments[n].function = fcinfo->flinfo->fn_oid;
	subject.arguments[n].number = number;
	subject.arguments[n].value = value;
	subject.narguments = n + 1;
}

/* Note which of several proposals the present call is about now; 0: none. */
void
refusal_note_proposal(int64 proposal_id)
{
	subject.has_proposal = proposal_id != 0;
	subject.proposal_id = proposal_id;
}

/* The present call; valid until the next one begins. */
const RefusalSubject *
refusal_subject(void)
{
	return &subject;
}

void
refusal_restore_subject(const RefusalSubject *saved)
{
	subject = *saved;
}

/* Whether an argument of a function has a name that stands for an id. */
static bool
argument_is(Oid function, int number, RefusalId id)
{
	HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	char **names = NULL;
	char *modes;
	Oid *types;
	bool found = false;

	if (!HeapTupleIsValid(tuple))
		return false;
	if (get_func_arg_info(tuple, &types, &names, &modes) > number && names != NULL)
		for (int i = 0; i < (int) lengthof(id_arguments); i++)
			found |= id_arguments[i].id == id &&
					 strcmp(id_arguments[i].argument, names[number]) == 0;
	ReleaseSysCache(tuple);
	return found;
}

/* An id that the present call is about: false if it is about none.  Reads catalogs. */
bool
refusal_subject_id(RefusalId id, int64 *value)
{
	if (id == REFUSAL_PROPOSAL && subject.has_proposal)
	{
		*value = subject.proposal_id;
		return true;
	}
	for (int i = 0; i < subject.narguments; i++)
		if (argument_is(subject.arguments[i].function, subject.arguments[i].number, id))
		{
			*value = subject.arguments[i].value;
			return true;
		}
	return false;
}

/* The name of an id in a record. */
const char *
refusal_id_name(RefusalId id)
{
	for (int i = 0; i < (int) lengthof(id_arguments); i++)
		if (id_arguments[i].id == id)
			return id_arguments[i].argument;
	return NULL;
}

/*
 * Begin something that the extension tries by itself, whose refusal is nobody's
 * attempt.  The caller catches every error up to refusal_speak().
 */
void
refusal_hush(void)
{
	hushed++;
}

void
refusal_speak(void)
{
	Assert(hushed > 0);
	hushed--;
}

/*
 * Take note of a refusal, and return whether the server's log is to have a line of
 * it.  The reason is a constant string.
 */
bool
refusal_pass(int sqlstate, const char *reason)
{
	if (hushed > 0)
		return false;
	return refusal_hook != NULL ? refusal_hook(sqlstate, reason) : log_limit_pass(reason, 0);
}
