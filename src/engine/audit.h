/*
 * audit.h
 *	  Reads the audit log.
 */
#ifndef WFO_ENGINE_AUDIT_H
#define WFO_ENGINE_AUDIT_H

#include "postgres.h"

#include "store/audit_log.h"
#include "utils/tuplestore.h"

extern void audit_verify(const int64 *workflow_id, Tuplestorestate *rows, TupleDesc desc);
extern void audit_read(int64 workflow_id, Tuplestorestate *rows, TupleDesc desc);

#endif
