/*
 * audit.h
 *	  Reads the audit log.
 */
#ifndef WFO_ENGINE_AUDIT_H
#define WFO_ENGINE_AUDIT_H

#include "postgres.h"

#include "store/audit_log.h"
#include "utils/tuplestore.h"

/* How many rows are read at once. */
#define AUDIT_PAGE 64

/* A reader of the log of one workflow: see audit_reader_begin(). */
typedef struct AuditReader
{
	int64 *workflow_id; /* NULL: the rows that belong to no workflow */
	int64 last_id;      /* of the row that was given last */
	MemoryContext page; /* has the rows */
	StoredRow *rows[AUDIT_PAGE];
	int count;
	int next;
} AuditReader;

extern void audit_define(void (*inserted)(void));
extern void audit_verify(const int64 *workflow_id, const char *checkpoint, Tuplestorestate *rows,
						 TupleDesc desc);
extern void audit_check_report(int64 workflow_id);
extern AuditReader *audit_reader_begin(const int64 *workflow_id);
extern bool audit_reader_next(AuditReader *reader, Datum *values, bool *nulls);

#endif
