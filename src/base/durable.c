/*
 * durable.c
 *	  Waits until what is committed cannot be lost.
 *
 * A commit that others see is on the server's disk, if it was made with
 * synchronous_commit.  It need not be on a synchronous standby: the wait for that
 * can be canceled, and the commit stays.
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "base/durable.h"
#include "base/errors.h"
#include "replication/syncrep.h"
#include "replication/walsender.h"
#include "replication/walsender_private.h"
#include "utils/guc.h"

/* Let the present transaction's commit wait for the disk and for synchronous standbys. */
void
commit_durably(void)
{
	if (synchronous_commit < SYNCHRONOUS_COMMIT_REMOTE_FLUSH)
		(void) set_config_option("synchronous_commit", "on", PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_LOCAL, true, 0, false);
}

/*
 * Wait until what the server has on disk is on a synchronous standby as well, if
 * it has one.  On a standby there is nothing to wait for.
 */
void
wait_until_durable(void)
{
	XLogRecPtr flushed;

	if (RecoveryInProgress() || SyncRepStandbyNames == NULL || SyncRepStandbyNames[0] == '\0')
		return;
	commit_durably();
	if (!SyncRepRequested())
		return;
	flushed = GetFlushRecPtr(NULL);
	SyncRepWaitForLSN(flushed, false);
	if (WalSndCtl->lsn[SYNC_REP_WAIT_FLUSH] < flushed)
		report_wrong_state("wfo_not_durable",
						   errmsg("no synchronous standby has confirmed the latest checkpoint"),
						   errhint("Try again when a synchronous standby is connected."));
}
