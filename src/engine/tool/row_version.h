/*
 * row_version.h
 *	  The rows of a table that a subtransaction has changed, before and after.
 */
#ifndef WFO_ENGINE_ROW_VERSION_H
#define WFO_ENGINE_ROW_VERSION_H

#include "postgres.h"

#include "access/htup.h"
#include "base/subtransaction.h"
#include "utils/rel.h"

/* A changed row. */
typedef struct RowChange
{
	HeapTuple old; /* NULL: it is new */
	HeapTuple new; /* NULL: it is gone */
} RowChange;

typedef struct RowScan RowScan;

extern bool row_scan_is_possible(Relation rel, const SubtransactionMark *by);
extern RowScan *row_scan_begin(Relation rel, const SubtransactionMark *by);
extern bool row_scan_next(RowScan *scan, RowChange *change);
extern void row_scan_end(RowScan *scan);

#endif
