/*
 * statement_snapshot.c
 *	  Lets go of the snapshot of the client's statement while it waits.
 *
 * A statement holds its snapshot until it ends, and vacuum keeps what that
 * sees.  A call that waits for an hour would hold it for an hour.  Where the
 * statement is a SELECT that reads no table, as "SELECT wait_execution(1)" is,
 * nothing rests on the snapshot, and it is taken anew after the wait.
 *
 * Not where the call is made inside of a function or beside the rows of a table, or at
 * REPEATABLE READ, whose snapshot is the transaction's.  Nor in a subtransaction that the
 * statement has begun: there the error that ends the wait can be caught, and the statement
 * goes on.
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/statement_snapshot.h"
#include "executor/execdesc.h"
#include "nodes/execnodes.h"
#include "nodes/plannodes.h"
#include "tcop/pquery.h"
#include "utils/portal.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"

static bool
reads_tables(const PlannedStmt *stmt)
{
	ListCell *cell;

	foreach (cell, stmt->rtable)
		if (lfirst_node(RangeTblEntry, cell)->rtekind == RTE_RELATION)
			return true;
	return stmt->commandType != CMD_SELECT;
}

/* The query of the running portal, if it is the client's own and rests on no snapshot. */
static QueryDesc *
own_query(void)
{
	QueryDesc *query = ActivePortal != NULL ? ActivePortal->queryDesc : NULL;

	if (query == NULL || ActivePortal->strategy != PORTAL_ONE_SELECT || query->estate == NULL ||
		ActivePortal->activeSubid != GetCurrentSubTransactionId() || IsolationUsesXactSnapshot() ||
		reads_tables(query->plannedstmt))
		return NULL;
	return query;
}

/*
 * Release the statement's snapshot, and return whether that was possible.  If
 * so, the caller must call statement_snapshot_renew() before it returns.  An
 * error ends the statement, which then needs no snapshot.
 */
bool
statement_snapshot_release(void)
{
	QueryDesc *query = own_query();
	Snapshot snapshot = query != NULL ? query->snapshot : InvalidSnapshot;

	if (snapshot == InvalidSnapshot || query->estate->es_snapshot != snapshot ||
		!ActiveSnapshotSet() || GetActiveSnapshot() != snapshot)
		return false;
	PopActiveSnapshot();
	if (ActiveSnapshotSet())
	{
		/* a function's statement, inside another statement */
		PushActiveSnapshot(snapshot);
		return false;
	}
	query->snapshot = query->estate->es_snapshot = InvalidSnapshot;
	UnregisterSnapshotFromOwner(snapshot, ActivePortal->resowner);
	UnregisterSnapshotFromOwner(snapshot, ActivePortal->resowner);
	return true;
}

/* Take a new snapshot for the statement. */
void
statement_snapshot_renew(void)
{
	QueryDesc *query = ActivePortal->queryDesc;

	PushActiveSnapshot(GetTransactionSnapshot());
	query->snapshot = RegisterSnapshotOnOwner(GetActiveSnapshot(), ActivePortal->resowner);
	query->estate->es_snapshot = RegisterSnapshotOnOwner(query->snapshot, ActivePortal->resowner);
}
