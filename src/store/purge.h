/*
 * purge.h
 *	  The tables audit_purge, purged_leaf and purged_key: what stays of purged workflows.
 */
#ifndef WFO_STORE_PURGE_H
#define WFO_STORE_PURGE_H

#include "postgres.h"

#include "model/merkle.h"
#include "store/table.h"
#include "utils/timestamp.h"

enum
{
	PURGE_PURGE_ID = 1,
	PURGE_PURGED_AT,
	PURGE_PURGED_BY,
	PURGE_ENDED_BEFORE,
	PURGE_WORKFLOWS,
	PURGE_PROPOSALS,
	PURGE_LEAVES,
	PURGE_LEAVES_SHA256,
	PURGE_TRAIL,
	PURGE_COLUMNS = PURGE_TRAIL
};

enum
{
	PURGED_LEAF_LAST_LEAF = 1,
	PURGED_LEAF_FIRST_LEAF,
	PURGED_LEAF_PURGE_ID,
	PURGED_LEAF_COLUMNS = PURGED_LEAF_PURGE_ID
};

enum
{
	PURGED_KEY_KEY_SHA256 = 1,
	PURGED_KEY_PURGE_ID,
	PURGED_KEY_COLUMNS = PURGED_KEY_PURGE_ID
};

typedef struct Purge
{
	int64 purge_id;
	TimestampTz purged_at;
	const int64 *purged_by; /* NULL: nobody in particular */
	TimestampTz ended_before;
	int64 workflows;
	int64 proposals;
	int64 leaves;
	MerkleHash leaves_sha256;
	int64 trail;
} Purge;

/* A range of leaves whose rows were purged. */
typedef struct PurgedLeaves
{
	int64 first;
	int64 last;
	int64 purge_id;
} PurgedLeaves;

extern void purge_insert(const Purge *purge);
extern Purge *purge_load(int64 purge_id);
extern Purge *purge_list(int *count);
extern bool leaf_is_purged(int64 leaf_index);
extern void purged_leaves_scan_begin(StoreScan *scan, const int64 *purge_id);
extern bool purged_leaves_scan_next(StoreScan *scan, PurgedLeaves *leaves);
extern void purged_leaves_insert(const PurgedLeaves *leaves);
extern PurgedLeaves *purged_leaves_list(int64 first, int64 last, int *count);
extern void purged_key_insert(int64 actor_id, const char *idempotency_key, int64 purge_id);
extern void redacted_key_insert(int64 actor_id, const char *idempotency_key);
extern bool purged_key_exists(int64 actor_id, const char *idempotency_key);

#endif
