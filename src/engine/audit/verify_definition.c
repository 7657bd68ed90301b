/*
 * verify_definition.c
 *	  Compares the stored definitions of tools with their hashes.
 *
 * Leaves commit to the SHA-256 of the definition that a revision is pinned to.  So
 * the definition is what it was if it has this hash; that it is there is checked
 * with the revision.
 */
#include "postgres.h"

#include "base/hash.h"
#include "base/json.h"
#include "base/json_canonical.h"
#include "engine/audit/verify_definition.h"
#include "miscadmin.h"
#include "store/tool_definition.h"
#include "utils/memutils.h"

static bool
has_hash_of(const StoredRow *row)
{
	bytea *sha256 = column_some_varlena(row, TOOL_DEFINITION_SHA256);
	Jsonb *definition = column_varlena(row, TOOL_DEFINITION_DEFINITION);

	return definition != NULL && VARSIZE_ANY_EXHDR(sha256) == SHA256_LENGTH &&
		   memcmp(VARDATA_ANY(sha256), VARDATA(sha256_of_text(json_canonical_text(definition))),
				  SHA256_LENGTH) == 0;
}

/* Report the definitions that do not have their hash. */
void
verify_definitions(const Findings *findings)
{
	MemoryContext memory = AllocSetContextCreate(CurrentMemoryContext, "definition",
												 ALLOCSET_DEFAULT_SIZES);
	StoreScan scan;
	StoredRow *row;

	store_scan_begin(&scan, STORE_TOOL_DEFINITION, NULL, 0, NULL);
	while ((row = store_scan_next(&scan)) != NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(memory);

		CHECK_FOR_INTERRUPTS();
		if (!has_hash_of(row))
			finding_add_of_tree(findings,
								psprintf("a definition of tool %s does not have its SHA-256",
										 column_some_text(row, TOOL_DEFINITION_TOOL)));
		MemoryContextSwitchTo(old);
		MemoryContextReset(memory);
	}
	store_scan_end(&scan);
	MemoryContextDelete(memory);
}
