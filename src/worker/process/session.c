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
#include "libpq/be-fsstubs.h"
#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "storage/lock.h"
#include "utils/guc.h"
#include "utils/portal.h"
#include "utils/snapmgr.h"
#include "worker/process/session.h"

/* How long a process that goes from database to database waits for a lock. */
#define LOCK_TIMEOUT_OF_VISITOR "2s"

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

/*
 * Connect a process that serves several databases, one after the other, to one of
 * them, as a superuser.  It waits for no lock for long, so that a lock in this
 * database does not keep it from the others.
 */
void
session_connect(Oid database, const char *name)
{
	BackgroundWorkerInitializeConnectionByOid(database, InvalidOid, 0);
	SetConfigOption("application_name", name, PGC_USERSET, PGC_S_OVERRIDE);
	session_prepare();
	SetConfigOption("lock_timeout", LOCK_TIMEOUT_OF_VISITOR, PGC_SUSET, PGC_S_OVERRIDE);
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

/* Undo what a call has left in the session, as DISCARD ALL does. */
static void
discard_all(void)
{
	PortalHashTableDeleteAll();
	DropAllPreparedStatements();
	Async_UnlistenAll();
	LockReleaseSession(USER_LOCKMETHOD);
	ResetTempTableNamespace();
	ResetSequenceCaches();
}

/*
 * Undo what a call has left in the session, for the next call.  Settings have been
 * undone already.
 */
void
session_clean(void)
{
	Assert(MyBgworkerEntry != NULL);
	/* A cancel that arrives late was meant for the call. */
	HOLD_CANCEL_INTERRUPTS();
	session_begin_transaction();
	discard_all();
	session_commit_transaction();
	RESUME_CANCEL_INTERRUPTS();
}

/* The same for the next call of the same transaction. */
void
session_clean_between(void)
{
	Assert(MyBgworkerEntry != NULL && IsTransactionState());
	discard_all();
	AtEOXact_LargeObject(true);
}
