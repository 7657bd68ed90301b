/*
 * session.c
 *	  The session of a worker or keeper.
 *
 * Its settings are those that the extension's own code expects, whatever the role
 * sets, and each call finds the session as new.  This file owns the settings, the
 * cleaning, and how these processes begin and commit a transaction; what happens
 * in the transactions is not its business.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "commands/async.h"
#include "commands/prepare.h"
#include "commands/sequence.h"
#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "storage/lock.h"
#include "utils/guc.h"
#include "utils/portal.h"
#include "utils/snapmgr.h"
#include "worker/process/session.h"

/* Settings whose other values would disturb the extension's own code. */
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

/* Give those settings their fixed values, whatever the role sets. */
void
session_prepare(void)
{
	Assert(MyBgworkerEntry != NULL);
	for (int i = 0; i < (int) lengthof(fixed_settings); i++)
		if (GetConfigOption(fixed_settings[i].name, true, false) != NULL)
			SetConfigOption(fixed_settings[i].name, fixed_settings[i].value, PGC_SUSET,
							PGC_S_OVERRIDE);
}

/* Begin a transaction that has a snapshot. */
void
session_begin_transaction(void)
{
	Assert(!IsTransactionState());
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
}

/* Commit it. */
void
session_commit_transaction(void)
{
	Assert(IsTransactionState() && ActiveSnapshotSet());
	PopActiveSnapshot();
	CommitTransactionCommand();
}

/*
 * Undo what a call has left in the session, as DISCARD ALL does.  Settings have
 * been undone already.
 */
void
session_clean(void)
{
	Assert(MyBgworkerEntry != NULL);
	/* A cancel that arrives late was meant for the call. */
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
