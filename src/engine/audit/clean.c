/*
 * clean.c
 *	  Takes redacted values out of the files of the tables.
 *
 * A redaction leaves the old versions of its rows in the files.  Afterwards another
 * process vacuums the tables, and wipes what VACUUM leaves.  Owns which tables these
 * are, and the audit row of it.  The steps, none of which is part of a transaction,
 * are those of process/cleaner.c.
 */
#include "postgres.h"

#include "base/json.h"
#include "engine/audit/clean.h"
#include "miscadmin.h"
#include "store/audit_log.h"
#include "store/redaction.h"
#include "store/wipe.h"

/* Has another process clean when this transaction has committed; NULL: there is none. */
static void (*redacted_hook)(void) = NULL;

void
clean_define(void (*redacted)(void))
{
	redacted_hook = redacted;
}

/* Whether another process cleans after a redaction. */
bool
clean_is_automatic(void)
{
	return redacted_hook != NULL;
}

/* Have what this transaction redacts be cleaned when it has committed. */
void
clean_want(void)
{
	if (redacted_hook != NULL)
		redacted_hook();
}

/* Whether there is something to be cleaned. */
bool
clean_is_due(void)
{
	return redaction_waits_for_vacuum();
}

/* The tables that redactions change, as a list of OIDs. */
List *
clean_list_tables(void)
{
	List *tables = NIL;

	for (int table = 0; table < STORE_TABLE_COUNT; table++)
	{
		const StoreTableInfo *info = store_table_info((StoreTable) table);

		/* The salts of leaves go as well. */
		if (info->personal != NULL || info->identifying != NULL || table == STORE_AUDIT_LEAF ||
			table == STORE_AUDIT_TILE)
			tables = lappend_oid(tables, store_table_oid((StoreTable) table));
	}
	return tables;
}

/* Whether no transaction sees what was redacted before the horizon any more. */
bool
clean_may_begin(TransactionId horizon)
{
	return store_is_past(horizon);
}

/* Vacuum and analyze one of the tables.  The caller has no transaction. */
void
clean_vacuum(Oid table)
{
	store_vacuum(table);
}

/* Wipe one of them.  Returns how many old versions of rows are still there. */
int64
clean_wipe(Oid table, TransactionId horizon)
{
	return store_wipe(table, horizon);
}

/* Note that what was redacted before the horizon has left the files. */
void
clean_finish(TransactionId horizon)
{
	AuditEntry entry = {.action = "vacuum_redacted",
						.login = GetSessionUserId(),
						.db_role = GetUserId()};
	int64 count = redaction_note_vacuum(horizon);
	JsonObject details;

	if (count == 0)
		return;
	json_object_begin(&details);
	json_add_int(&details, "count", count);
	entry.details = json_object_end(&details);
	(void) audit_insert(&entry);
}
