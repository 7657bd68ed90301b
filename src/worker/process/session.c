/*
 * session.c
 *	  The session of a worker or keeper.
 *
 * Its settings are those that the bookkeeping expects, whatever the role has, and
 * each call finds it as new.  This file owns that, and the transactions that
 * these processes begin; what happens in them is not its business.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "commands/async.h"
#include "commands/prepare.h"
#include "commands/sequence.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "utils/guc.h"
#include "utils/portal.h"
#include "utils/snapmgr.h"
#include "worker/process/session.h"

/* Settings of the role that would get into the way of the bookkeeping. */
static const struct
{
	const char *name;
	const char *value;
} fixed_settings[] = {
	{"default_transaction_read_only", "off"},
	{"default_transaction_isolation", "read committed"},
	{"default_transaction_deferrable", "off"},
	{"lock_timeout", "0"},
	{"statement_timeout", "0"},
	{"idle_in_transaction_session_timeout", "0"},
	{"row_security", "on"},
	{"plan_cache_mode", "auto"},
	{"client_min_messages", "warning"},
	{"transaction_timeout", "0"}, /* since 17 */
};

/* Make the settings those that the bookkeeping expects, whatever the role has. */
void
session_prepare(void)
{
	for (int i = 0; i < (int) lengthof(fixed_settings); i++)
		if (GetConfigOption(fixed_settings[i].name, true, false) != NULL)
			SetConfigOption(fixed_settings[i].name, fixed_settings[i].value, PGC_SUSET,
							PGC_S_OVERRIDE);
}

void
session_begin_transaction(void)
{
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
}

void
session_commit_transaction(void)
{
	PopActiveSnapshot();
	CommitTransactionCommand();
}

/*
 * Undo what calls leave in a session, as DISCARD ALL does; settings are undone
 * already.
 */
void
session_clean(void)
{
	/* A cancel that comes late is not for this. */
	HOLD_CANCEL_INTERRUPTS();
	session_begin_transaction();
	PortalHashTableDeleteAll();
	DropAllPreparedStatements();
	Async_UnlistenAll();
	LockReleaseAll(USER_LOCKMETHOD, true);
	ResetTempTableNamespace();
	ResetSequenceCaches();
	session_commit_transaction();
	RESUME_CANCEL_INTERRUPTS();
}
