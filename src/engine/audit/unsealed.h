/*
 * unsealed.h
 *	  Which rows of the audit log are to be sealed.
 */
#ifndef WFO_ENGINE_UNSEALED_H
#define WFO_ENGINE_UNSEALED_H

#include "postgres.h"

#include "store/audit_tree.h"
#include "store/table.h"
#include "utils/timestamp.h"

/* How a scan of unsealed rows is used: begin and end enclose the rows of one scan. */
typedef struct UnsealedVisitor
{
	void (*begin)(void *arg);
	void (*row)(void *arg, const StoredRow *row);
	void (*end)(void *arg);
	void *arg;
} UnsealedVisitor;

extern bool unsealed_visit(AuditTree *tree, int limit, const UnsealedVisitor *visitor);
extern bool unsealed_first(int64 *audit_id, TimestampTz *occurred_at);
extern void unsealed_keep(const AuditTree *tree);

#endif
