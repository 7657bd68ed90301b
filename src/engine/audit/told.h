/*
 * told.h
 *	  Which rows the audit log tells of.
 */
#ifndef WFO_ENGINE_TOLD_H
#define WFO_ENGINE_TOLD_H

#include "postgres.h"

#include "base/id_set.h"
#include "engine/audit/finding.h"
#include "engine/audit/leaf_rows.h"

/* The ids of the rows that the log tells of, and of those whose end it tells of, by table. */
typedef struct ToldRows
{
	IdSet *ids[STORE_TABLE_COUNT];
	IdSet *ended[STORE_TABLE_COUNT]; /* NULL: rows do not end, or verify.c looks at their end */
} ToldRows;

extern void told_begin(ToldRows *told);
extern void told_add(ToldRows *told, const LeafRow *rows, int count);
extern void told_compare(ToldRows *told, const Findings *findings);

#endif
