/*
 * refuse.c
 *	  Leaves refused attempts to the sealer.
 *
 * This file owns whose refusals count, and the lines in the server's log that say how
 * many were left out.  What is kept of an attempt is the business of
 * engine/audit/refused.c; how many are kept is that of pool/refusal.c.
 *
 * An attempt is what code of a user has asked for: a statement of a client, a
 * function, a tool, whoever catches the error.  What the extension tries by itself,
 * as a call that is rolled back whatever happens or a look of a keeper, is none.  Nor
 * is a queued call that its worker refuses: it has failed, and has an audit row.
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/log_limit.h"
#include "base/names.h"
#include "base/refusal.h"
#include "base/settings.h"
#include "engine/audit/refused.h"
#include "engine/running.h"
#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "worker/client/refuse.h"
#include "worker/pool/pool.h"
#include "worker/pool/refusal.h"
#include "worker/pool/seal.h"

static bool
is_own_process(void)
{
	return MyBgworkerEntry != NULL && strcmp(MyBgworkerEntry->bgw_library_name, WFO_NAME) == 0;
}

static bool
is_attempt(void)
{
	if (running_call() != NULL)
		return !running_call_is_undone();
	return !is_own_process();
}

/* Take note of a refusal: whether the server's log is to have a line of it. */
static bool
note_refusal(int sqlstate, const char *reason)
{
	RefusedAttempt attempt;
	RefusalVerdict verdict;

	if (setting_max_refusals_per_minute == 0 || !IsTransactionState() || !is_attempt())
		return log_limit_pass(reason, 0);
	refused_fill(&attempt, sqlstate, reason);
	refusal_note(MyDatabaseId, GetSessionUserId(), &attempt, &verdict);
	if (verdict.wake)
		seal_want(MyDatabaseId);
	else if (verdict.look_at != 0)
		seal_want_at(MyDatabaseId, verdict.look_at);
	if (verdict.left_out > 0)
		ereport(LOG_SERVER_ONLY,
				(errhidestmt(true), errhidecontext(true),
				 errmsg("left " INT64_FORMAT " refused attempts of role \"%s\" out of the log",
						verdict.left_out, attempt.session.login)));
	return verdict.log;
}

/* Set the hook, when the library is preloaded. */
void
refuse_define(void)
{
	refusal_hook = note_refusal;
}
