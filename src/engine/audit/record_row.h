/*
 * record_row.h
 *	  What the audit rows of the tables say: for record.c and its parts.
 */
#ifndef WFO_ENGINE_RECORD_ROW_H
#define WFO_ENGINE_RECORD_ROW_H

#include "postgres.h"

#include "base/json.h"
#include "store/audit_log.h"
#include "store/table.h"

extern void write_entry(AuditEntry *entry, JsonObject *details);
extern void add_column(JsonObject *object, const StoredRow *row, AttrNumber column);
extern void add_columns(JsonObject *object, const StoredRow *row, AttrNumber last);
extern void mark_recorded(int64 proposal_id);
extern void record_actor(const StoredRow *old, const StoredRow *new);
extern void record_tool(const StoredRow *old, const StoredRow *new);
extern void record_policy(const StoredRow *old, const StoredRow *new);
extern void record_freeze(const StoredRow *old, const StoredRow *new);
extern void record_delegation(const StoredRow *old, const StoredRow *new);
extern void record_rule(const StoredRow *old, const StoredRow *new);
extern void record_workflow(const StoredRow *old, const StoredRow *new);
extern void record_proposal(const StoredRow *old, const StoredRow *new);
extern void record_comment(const StoredRow *new);
extern void record_preview(const StoredRow *new);
extern void record_review(const StoredRow *new);
extern void record_revocation(const StoredRow *new);
extern void record_cancel_request(const StoredRow *new);
extern void record_execution(const StoredRow *new);
extern void record_break_glass(const StoredRow *old, const StoredRow *new);

#endif
