/*
 * audit_tree.h
 *	  The tables audit_tree and audit_origin: the tree as a whole, and its names.
 */
#ifndef WFO_STORE_AUDIT_TREE_H
#define WFO_STORE_AUDIT_TREE_H

#include "postgres.h"

#include "store/table.h"
#include "utils/timestamp.h"

enum
{
	TREE_SIZE = 1,
	TREE_SETTLED_ID,
	TREE_SEEN_ID,
	TREE_SEALED_AT,
	TREE_HOME_SYSTEM,
	TREE_HOME_DATABASE,
	TREE_TIMELINE,
	TREE_ONLY_ROW,
	TREE_EARLIER_ID,
	TREE_COLUMNS = TREE_EARLIER_ID
};

enum
{
	ORIGIN_ORIGIN_ID = 1,
	ORIGIN_ORIGIN,
	ORIGIN_FROM_SIZE,
	ORIGIN_SINCE,
	ORIGIN_HOME_SYSTEM,
	ORIGIN_HOME_DATABASE,
	ORIGIN_REASON,
	ORIGIN_COLUMNS = ORIGIN_REASON
};

typedef struct AuditTree
{
	int64 size;
	int64 settled_id;
	int64 seen_id;
	TimestampTz sealed_at;
	int64 home_system;
	Oid home_database;
	int64 timeline;
	int64 earlier_id; /* no id up to this one was taken after the first round began */
	bool is_home;     /* the last round was made in this database */
	StoredRow *row;
} AuditTree;

typedef struct AuditOrigin
{
	int64 origin_id;
	const char *origin;
	int64 from_size;
	TimestampTz since;
	int64 home_system;
	Oid home_database;
	const char *reason; /* NULL: the sealer gave it */
} AuditOrigin;

extern AuditTree *audit_tree_load(void);
extern void audit_tree_save(AuditTree *tree);
extern AuditOrigin *audit_origin_list(int *count);
extern void audit_origin_insert(const AuditOrigin *origin);

#endif
