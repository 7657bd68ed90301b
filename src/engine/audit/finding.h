/*
 * finding.h
 *	  What verify_audit_log() finds.
 */
#ifndef WFO_ENGINE_FINDING_H
#define WFO_ENGINE_FINDING_H

#include "postgres.h"

#include "base/subtransaction.h"
#include "store/table.h"
#include "utils/tuplestore.h"

/* The rows that verify_audit_log() returns; they go to disk where they are many. */
typedef struct Findings
{
	Tuplestorestate *rows;
	TupleDesc desc;
} Findings;

extern void finding_add(const Findings *findings, const int64 *proposal_id,
						const int64 *execution_id, const int64 *audit_id, const char *text);
extern void finding_add_of_row(const Findings *findings, const StoredRow *row, const char *text);
extern void finding_add_of_tree(const Findings *findings, const char *text);
extern bool finding_is_of_row(const ErrorData *error);
extern void finding_try(const Findings *findings, const char *what, SubtransactionFunction compare,
						void *arg);

#endif
