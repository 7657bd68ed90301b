/*
 * proposal.c
 *	  The table proposal.
 *
 * Owns its descriptor and how a row becomes a struct and back.  It does not know
 * who may read or write a row.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/multixact.h"
#include "access/subtrans.h"
#include "access/table.h"
#include "base/grow.h"
#include "miscadmin.h"
#include "model/built_in.h"
#include "storage/procarray.h"
#include "store/proposal.h"
#include "store/table.h"
#include "utils/snapmgr.h"

StaticAssertDecl((int) PROPOSAL_COLUMNS <= STORE_MAX_COLUMNS,
				 "a row has no room for the table's columns");

const StoreTableInfo proposal_table = {
	.name = "proposal",
	.id_sequence = "proposal_proposal_id_seq",
	.columns = PROPOSAL_COLUMNS,
	.fixed = (const AttrNumber[]){PROPOSAL_PROPOSAL_ID, PROPOSAL_WORKFLOW_ID, PROPOSAL_ACTOR_ID,
								  PROPOSAL_DRY_RUN, PROPOSAL_PROPOSED_AT, PROPOSAL_TOOL,
								  PROPOSAL_PERSON, PROPOSAL_DB_ROLE, PROPOSAL_IDEMPOTENCY_KEY,
								  PROPOSAL_LOGIN, PROPOSAL_EXECUTE_ON_APPROVAL, 0},
	.status = PROPOSAL_STATUS,
	.object = OBJECT_PROPOSAL,
	.event = PROPOSAL_EVENT,
	.personal = (const StorePersonal[]){{PROPOSAL_PARAMS, REDACTED_TO_EMPTY},
										{PROPOSAL_REASON, REDACTED_TO_TOKEN},
										{PROPOSAL_STATUS_REASON, REDACTED_TO_NULL},
										{PROPOSAL_IDEMPOTENCY_KEY, REDACTED_TO_NULL},
										{0}},
	.identifying = (const StoreIdentifying[]){{PROPOSAL_PERSON, IDENTITY_PERSON},
											  {PROPOSAL_DB_ROLE, IDENTITY_ROLE},
											  {PROPOSAL_LOGIN, IDENTITY_ROLE},
											  {0}},
	.actor_id = PROPOSAL_ACTOR_ID,
	.workflow_id = PROPOSAL_WORKFLOW_ID,
	.proposal_id = PROPOSAL_PROPOSAL_ID,
	.purged_by = PROPOSAL_WORKFLOW_ID,
	.purge_index = "proposal_workflow_idx",
	.insert_call = "propose_action",
	.update_call = "review_action",
	.delete_call = "withdraw_proposal",
};

static Proposal *
proposal_read(StoredRow *row)
{
	Proposal *proposal = palloc0(sizeof(Proposal));

	proposal->proposal_id = column_int64(row, PROPOSAL_PROPOSAL_ID);
	proposal->workflow_id = column_int64(row, PROPOSAL_WORKFLOW_ID);
	proposal->actor_id = column_int64(row, PROPOSAL_ACTOR_ID);
	proposal->status = column_enum(row, PROPOSAL_STATUS, &proposal_status_type);
	proposal->dry_run = column_bool(row, PROPOSAL_DRY_RUN);
	proposal->revision = column_int64(row, PROPOSAL_REVISION);
	proposal->approvals = column_int64(row, PROPOSAL_APPROVALS);
	proposal->required_approvals = column_int64(row, PROPOSAL_REQUIRED_APPROVALS);
	proposal->requirements = column_some_varlena(row, PROPOSAL_REQUIREMENTS);
	proposal->stage = column_int64_or_null(row, PROPOSAL_STAGE);
	proposal->rule_id = column_int64_or_null(row, PROPOSAL_RULE_ID);
	proposal->revised_by = column_int64(row, PROPOSAL_REVISED_BY);
	proposal->proposer_may_review = column_bool(row, PROPOSAL_PROPOSER_MAY_REVIEW);
	proposal->execute_on_approval = column_bool(row, PROPOSAL_EXECUTE_ON_APPROVAL);
	if (!column_is_null(row, PROPOSAL_REQUESTED_SINCE))
		proposal->requested_since = column_int64(row, PROPOSAL_REQUESTED_SINCE);
	proposal->max_rows = column_int64_or_null(row, PROPOSAL_MAX_ROWS);
	proposal->standing_id = column_int64_or_null(row, PROPOSAL_STANDING_ID);
	if (!column_is_null(row, PROPOSAL_EXPIRES_AT))
		proposal->expires_at = column_int64(row, PROPOSAL_EXPIRES_AT);
	proposal->approval_ttl = column_interval(row, PROPOSAL_APPROVAL_TTL);
	proposal->tool = column_some_text(row, PROPOSAL_TOOL);
	proposal->params = column_some_varlena(row, PROPOSAL_PARAMS);
	proposal->reason = column_some_text(row, PROPOSAL_REASON);
	proposal->definition = column_some_varlena(row, PROPOSAL_DEFINITION);
	proposal->proposer.actor_id = proposal->actor_id;
	proposal->proposer.person = column_text(row, PROPOSAL_PERSON);
	proposal->proposer.db_role = column_text(row, PROPOSAL_DB_ROLE);
	proposal->proposer.login = column_text(row, PROPOSAL_LOGIN);
	proposal->row = row;
	return proposal;
}

/* Return the proposal with this id, or NULL. */
Proposal *
proposal_load(int64 proposal_id)
{
	ScanKeyData key;
	StoredRow *row;

	store_key_int64(&key, PROPOSAL_PROPOSAL_ID, proposal_id);
	row = store_fetch(STORE_PROPOSAL, "proposal_pkey", 1, &key);
	return row != NULL ? proposal_read(row) : NULL;
}

/* Few calls need this, so it is read on demand. */
char *
proposal_idempotency_key(const Proposal *proposal)
{
	return column_text(proposal->row, PROPOSAL_IDEMPOTENCY_KEY);
}

/* Return the proposal that an actor made with this idempotency key, or NULL. */
Proposal *
proposal_find_by_key(int64 actor_id, const char *idempotency_key)
{
	ScanKeyData keys[2];
	StoredRow *row;

	store_key_int64(&keys[0], PROPOSAL_ACTOR_ID, actor_id);
	store_key_text(&keys[1], PROPOSAL_IDEMPOTENCY_KEY, idempotency_key);
	row = store_fetch(STORE_PROPOSAL, "proposal_idempotency_idx", 2, keys);
	return row != NULL ? proposal_read(row) : NULL;
}

/* Lock the proposal for a change and read its latest version. */
StoreLock
proposal_lock(int64 proposal_id, LockWaitPolicy wait, Proposal **proposal)
{
	ScanKeyData key;
	StoredRow *row;
	StoreLock outcome;

	store_key_int64(&key, PROPOSAL_PROPOSAL_ID, proposal_id);
	outcome = store_lock_row(STORE_PROPOSAL, "proposal_pkey", &key, wait, &row);
	*proposal = outcome == STORE_LOCKED ? proposal_read(row) : NULL;
	return outcome;
}

/* Look for the proposal with this id, to lock it by proposal_lock_found(); NULL: there is none. */
Proposal *
proposal_find_begin(StoreFound *found, int64 proposal_id)
{
	ScanKeyData key;
	StoredRow *row;

	store_key_int64(&key, PROPOSAL_PROPOSAL_ID, proposal_id);
	row = store_find_begin(found, STORE_PROPOSAL, "proposal_pkey", &key);
	return row != NULL ? proposal_read(row) : NULL;
}

/* Lock the proposal that was found for a change, read its latest version and end the search. */
StoreLock
proposal_lock_found(StoreFound *found, LockWaitPolicy wait, Proposal **proposal)
{
	StoredRow *row;
	StoreLock outcome = store_lock_found(found, wait, &row);

	store_find_end(found);
	*proposal = outcome == STORE_LOCKED ? proposal_read(row) : NULL;
	return outcome;
}

/*
 * Count the pending and approved proposals of an actor, up to a limit.  The
 * count includes those that other transactions have inserted, or closed,
 * without having committed.
 */
int
proposal_count_open(int64 actor_id, int limit)
{
	Relation rel = store_open(STORE_PROPOSAL, AccessShareLock);
	SnapshotData dirty;
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple tuple;
	int count = 0;

	InitDirtySnapshot(dirty);
	store_key_int64(&keys[0], PROPOSAL_ACTOR_ID, actor_id);
	store_key_bool(&keys[1], PROPOSAL_OPEN, true);
	scan = systable_beginscan(rel, store_index_oid(STORE_PROPOSAL, "proposal_actor_idx"), true,
							  &dirty, 2, keys);
	while (count < limit && (tuple = systable_getnext(scan)) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		/* If another transaction has changed a row, its earlier version counts. */
		if (!TransactionIdIsValid(dirty.xmin) || (tuple->t_data->t_infomask & HEAP_UPDATED) == 0)
			count++;
	}
	systable_endscan(scan);
	table_close(rel, NoLock);
	return count;
}

/* Whether a row of a scan is wanted. */
typedef bool (*RowFilter)(const StoredRow *row, const void *arg);

/* Return the ids of the wanted rows of a scan (wanted is NULL: of all), up to a limit. */
static int64 *
list_ids(StoreScan *scan, RowFilter wanted, const void *arg, int limit, int *count)
{
	int size = 0;
	int64 *ids = NULL;
	StoredRow *row;

	*count = 0;
	while (*count < limit && (row = store_scan_next(scan)) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		if (wanted != NULL && !wanted(row, arg))
			continue;
		GROW_ARRAY(ids, *count, size);
		ids[(*count)++] = column_int64(row, PROPOSAL_PROPOSAL_ID);
	}
	store_scan_end(scan);
	return ids;
}

static bool
is_unfinished(const StoredRow *row, pg_attribute_unused() const void *arg)
{
	return !status_is_final(OBJECT_PROPOSAL,
							column_enum(row, PROPOSAL_STATUS, &proposal_status_type));
}

static bool
is_past(const StoredRow *row, const void *now)
{
	return !column_is_null(row, PROPOSAL_EXPIRES_AT) &&
		   column_int64(row, PROPOSAL_EXPIRES_AT) <= *(const TimestampTz *) now;
}

/* Return all proposals of a workflow, for a purge. */
PurgedProposal *
proposal_list_to_purge(int64 workflow_id, int *count)
{
	ScanKeyData key;
	StoreScan scan;
	StoredRow *row;
	int size = 0;
	PurgedProposal *list = NULL;

	*count = 0;
	store_key_int64(&key, PROPOSAL_WORKFLOW_ID, workflow_id);
	store_scan_begin(&scan, STORE_PROPOSAL, "proposal_workflow_idx", 1, &key);
	while ((row = store_scan_next(&scan)) != NULL)
	{
		PurgedProposal *proposal;

		CHECK_FOR_INTERRUPTS();
		GROW_ARRAY(list, *count, size);
		proposal = &list[(*count)++];
		proposal->proposal_id = column_int64(row, PROPOSAL_PROPOSAL_ID);
		proposal->actor_id = column_int64(row, PROPOSAL_ACTOR_ID);
		proposal->status = column_enum(row, PROPOSAL_STATUS, &proposal_status_type);
		proposal->is_standing = built_in_is_standing(column_some_text(row, PROPOSAL_TOOL));
		proposal->idempotency_key = column_text(row, PROPOSAL_IDEMPOTENCY_KEY);
	}
	store_scan_end(&scan);
	return list;
}

/* Return the ids of a workflow's proposals whose status is not final. */
int64 *
proposal_list_unfinished(int64 workflow_id, int *count)
{
	ScanKeyData key;
	StoreScan scan;

	store_key_int64(&key, PROPOSAL_WORKFLOW_ID, workflow_id);
	store_scan_begin(&scan, STORE_PROPOSAL, "proposal_workflow_idx", 1, &key);
	return list_ids(&scan, is_unfinished, NULL, PG_INT32_MAX, count);
}

/* Return the ids of a workflow's pending and approved proposals, up to a limit. */
int64 *
proposal_list_open_of_workflow(int64 workflow_id, int limit, int *count)
{
	ScanKeyData keys[2];
	StoreScan scan;

	store_key_int64(&keys[0], PROPOSAL_WORKFLOW_ID, workflow_id);
	store_key_bool(&keys[1], PROPOSAL_OPEN, true);
	store_scan_begin(&scan, STORE_PROPOSAL, "proposal_workflow_idx", 2, keys);
	return list_ids(&scan, NULL, NULL, limit, count);
}

/* Return the ids of all proposals of a workflow, or if that is NULL of all workflows. */
int64 *
proposal_list(const int64 *workflow_id, int *count)
{
	ScanKeyData key;
	StoreScan scan;

	if (workflow_id != NULL)
	{
		store_key_int64(&key, PROPOSAL_WORKFLOW_ID, *workflow_id);
		store_scan_begin(&scan, STORE_PROPOSAL, "proposal_workflow_idx", 1, &key);
	}
	else
		store_scan_begin(&scan, STORE_PROPOSAL, "proposal_pkey", 0, NULL);
	return list_ids(&scan, NULL, NULL, PG_INT32_MAX, count);
}

static int
compare_approved(const void *a, const void *b)
{
	int64 left = ((const ApprovedParams *) a)->proposal_id;
	int64 right = ((const ApprovedParams *) b)->proposal_id;

	return (left > right) - (left < right);
}

/*
 * Return up to limit approved proposals of a tool, oldest first, found among at
 * most so many open ones.  If hash is not NULL, their params must have this hash
 * (by jsonb_hash).
 */
ApprovedParams *
proposal_list_approved(const char *tool, const uint32 *hash, int limit, int among, int *count)
{
	ScanKeyData keys[2];
	StoreScan scan;
	StoredRow *row;
	int size = 0;
	ApprovedParams *list = NULL;

	*count = 0;
	store_key_text(&keys[0], PROPOSAL_TOOL, tool);
	if (hash != NULL)
		store_key_expression(&keys[1], (int32) *hash);
	store_scan_begin(&scan, STORE_PROPOSAL, "proposal_call_idx", hash != NULL ? 2 : 1, keys);
	for (int seen = 0; seen < among && *count < limit && (row = store_scan_next(&scan)) != NULL;
		 seen++)
	{
		CHECK_FOR_INTERRUPTS();
		if (column_enum(row, PROPOSAL_STATUS, &proposal_status_type) != PROPOSAL_APPROVED)
			continue;
		GROW_ARRAY(list, *count, size);
		list[*count].proposal_id = column_int64(row, PROPOSAL_PROPOSAL_ID);
		list[*count].workflow_id = column_int64(row, PROPOSAL_WORKFLOW_ID);
		(*count)++;
	}
	store_scan_end(&scan);
	qsort(list, *count, sizeof(ApprovedParams), compare_approved);
	return list;
}

/* Whether a transaction's lock on a row keeps others from changing the row. */
static bool
locks_out_writers(TransactionId xid, MultiXactStatus status)
{
	return status != MultiXactStatusForKeyShare && TransactionIdIsInProgress(xid);
}

/*
 * Return the running transactions that have a proposal's row locked, as top-
 * level transactions.
 */
TransactionId *
proposal_lockers(int64 proposal_id, int *count)
{
	ScanKeyData key;
	StoredRow *row;
	HeapTupleHeader tuple;
	MultiXactMember *members;
	MultiXactMember single = {.status = MultiXactStatusNoKeyUpdate};
	int nmembers = 1;
	TransactionId *xids;

	*count = 0;
	store_key_int64(&key, PROPOSAL_PROPOSAL_ID, proposal_id);
	row = store_fetch(STORE_PROPOSAL, "proposal_pkey", 1, &key);
	if (row == NULL || (row->tuple->t_data->t_infomask & HEAP_XMAX_INVALID) != 0)
		return NULL;
	tuple = row->tuple->t_data;
	members = &single;
	if ((tuple->t_infomask & HEAP_XMAX_IS_MULTI) != 0)
		nmembers = GetMultiXactIdMembers(HeapTupleHeaderGetRawXmax(tuple), &members, false,
										 HEAP_XMAX_IS_LOCKED_ONLY(tuple->t_infomask));
	else
	{
		single.xid = HeapTupleHeaderGetRawXmax(tuple);
		if (HEAP_XMAX_IS_KEYSHR_LOCKED(tuple->t_infomask))
			single.status = MultiXactStatusForKeyShare;
	}
	xids = palloc(Max(nmembers, 1) * sizeof(TransactionId));
	for (int i = 0; i < nmembers; i++)
		if (locks_out_writers(members[i].xid, members[i].status))
			xids[(*count)++] = SubTransGetTopmostTransaction(members[i].xid);
	return xids;
}

/* Return the ids of the pending and approved proposals. */
int64 *
proposal_list_open(int *count)
{
	StoreScan scan;

	store_scan_begin(&scan, STORE_PROPOSAL, "proposal_open_idx", 0, NULL);
	return list_ids(&scan, NULL, NULL, PG_INT32_MAX, count);
}

/* Return the ids of the pending and approved proposals of a tool. */
int64 *
proposal_list_open_of_tool(const char *tool, int *count)
{
	ScanKeyData key;
	StoreScan scan;

	store_key_text(&key, PROPOSAL_TOOL, tool);
	store_scan_begin(&scan, STORE_PROPOSAL, "proposal_call_idx", 1, &key);
	return list_ids(&scan, NULL, NULL, PG_INT32_MAX, count);
}

static bool
is_of_standing(const StoredRow *row, const void *standing_id)
{
	return !column_is_null(row, PROPOSAL_STANDING_ID) &&
		   column_int64(row, PROPOSAL_STANDING_ID) == *(const int64 *) standing_id;
}

/* Return the ids of the pending and approved proposals that a standing approval has approved. */
int64 *
proposal_list_of_standing(int64 actor_id, int64 standing_id, int *count)
{
	ScanKeyData keys[2];
	StoreScan scan;

	store_key_int64(&keys[0], PROPOSAL_ACTOR_ID, actor_id);
	store_key_bool(&keys[1], PROPOSAL_OPEN, true);
	store_scan_begin(&scan, STORE_PROPOSAL, "proposal_actor_idx", 2, keys);
	return list_ids(&scan, is_of_standing, &standing_id, PG_INT32_MAX, count);
}

/* Return the ids of the open proposals that expire at or before a time, up to a limit. */
int64 *
proposal_list_expired(TimestampTz now, int limit, int *count)
{
	StoreScan scan;

	store_scan_begin(&scan, STORE_PROPOSAL, "proposal_open_idx", 0, NULL);
	return list_ids(&scan, is_past, &now, limit, count);
}

/*
 * Write an event on a locked proposal and the status that it leads to, together
 * with the columns that are set in row, which may be NULL.
 */
void
proposal_change(Proposal *proposal, StoreRow *row, Event event, ProposalStatus status,
				const int64 *by, const char *reason)
{
	StoreRow own;

	if (row == NULL)
	{
		row = &own;
		store_row_init(row, STORE_PROPOSAL);
	}
	row_set_text(row, PROPOSAL_EVENT, event_name(event));
	if (status != proposal->status)
	{
		row_set_enum(row, PROPOSAL_STATUS, &proposal_status_type, status);
		row_set_bool(row, PROPOSAL_OPEN, proposal_status_is_open(status));
		row_set_time(row, PROPOSAL_STATUS_AT, GetCurrentTimestamp());
		row_set_id(row, PROPOSAL_STATUS_BY, by);
		row_set_text(row, PROPOSAL_STATUS_REASON, reason);
	}
	store_update(row, proposal->row);
	proposal->status = status;
}
