/*
 * leaf_rows.h
 *	  The rows that a row of the audit log tells of.
 */
#ifndef WFO_ENGINE_LEAF_ROWS_H
#define WFO_ENGINE_LEAF_ROWS_H

#include "postgres.h"

#include "lib/stringinfo.h"
#include "store/table.h"
#include "utils/jsonb.h"

/* The most rows that one row of the audit log tells of. */
#define LEAF_ROWS_MAX 2

/* What a row of the audit log says, as far as rows follow from it. */
typedef struct LeafSubject
{
	const char *action;
	const int64 *workflow_id; /* NULL where there is none, as below */
	const int64 *proposal_id;
	const int64 *execution_id;
	Jsonb *details;
} LeafSubject;

/* A row that it tells of. */
typedef struct LeafRow
{
	StoreTable table;
	int64 keys[STORE_LOOKUP_KEYS];
	int nkeys;
	bool ended;   /* all of the row, which has ended; else the columns that never change */
	bool missing; /* set by leaf_rows_add(): there is no such row */
} LeafRow;

/* Finds rows, as they were committed when the first row of their table was asked for. */
typedef struct LeafRowReader
{
	MemoryContext memory;
	StoreLookup lookups[STORE_TABLE_COUNT];
	bool open[STORE_TABLE_COUNT];
} LeafRowReader;

extern int leaf_rows_of(const LeafSubject *subject, LeafRow *rows);
extern const char *leaf_row_name(const LeafRow *row);
extern bool leaf_row_is_personal(const LeafRow *row);
extern void leaf_rows_begin(LeafRowReader *reader);
extern void leaf_rows_add(LeafRowReader *reader, LeafRow *row, StringInfo bytes);
extern StoredRow *leaf_row_load(const LeafRow *row);
extern void leaf_rows_end(LeafRowReader *reader);

#endif
