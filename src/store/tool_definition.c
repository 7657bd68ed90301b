/*
 * tool_definition.c
 *	  The table tool_definition.
 *
 * Owns its descriptor and how a row becomes a struct and back.  It does not know
 * who may read or write a row.
 */
#include "postgres.h"

#include "access/xact.h"
#include "store/table.h"
#include "store/tool_definition.h"
#include "utils/xid8.h"

const StoreTableInfo tool_definition_table = {
	.name = "tool_definition",
	.columns = TOOL_DEFINITION_COLUMNS,
	.append_only = true,
	.cached = true,
	.insert_call = "propose_action",
};

static StoredRow *
definition_fetch(const bytea *sha256)
{
	ScanKeyData key;

	store_key_bytea(&key, TOOL_DEFINITION_SHA256, PointerGetDatum(sha256));
	return store_fetch(STORE_TOOL_DEFINITION, "tool_definition_pkey", 1, &key);
}

static void *
definition_read(const void *sha256)
{
	StoredRow *row = definition_fetch(sha256);

	return row != NULL ? column_some_varlena(row, TOOL_DEFINITION_DEFINITION) : NULL;
}

/* Return the definition with this hash, or NULL; valid until the end of the transaction. */
Jsonb *
tool_definition_load(const bytea *sha256)
{
	return store_cached(STORE_TOOL_DEFINITION, sha256, VARSIZE(sha256), definition_read);
}

/*
 * Store a definition, unless it is already stored.
 *
 * A call does not wait for another transaction that stores the same definition
 * and has not ended.  Each of them stores it, so that none depends on whether
 * another one commits.
 */
void
tool_definition_keep(const bytea *sha256, const char *tool, Jsonb *definition)
{
	StoreRow row;

	if (tool_definition_load(sha256) != NULL)
		return;
	/* The cache does not remember that a definition is missing. */
	if (definition_fetch(sha256) != NULL)
		return;

	store_row_init(&row, STORE_TOOL_DEFINITION);
	row_set_pointer(&row, TOOL_DEFINITION_SHA256, sha256);
	row_set_text(&row, TOOL_DEFINITION_TOOL, tool);
	row_set_pointer(&row, TOOL_DEFINITION_DEFINITION, definition);
	row_set_time(&row, TOOL_DEFINITION_FIRST_USED_AT, GetCurrentTimestamp());
	row_set(&row, TOOL_DEFINITION_TRANSACTION_ID,
			FullTransactionIdGetDatum(GetTopFullTransactionId()));
	store_insert(&row);
}
