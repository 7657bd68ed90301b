/*
 * record_row.h
 *	  What the audit row of a change in each table says.
 *
 * Shared by record.c and the files that own what the rows say; nobody else
 * includes it.
 */
#ifndef WFO_ENGINE_RECORD_ROW_H
#define WFO_ENGINE_RECORD_ROW_H

#include "postgres.h"

#include "base/json.h"
#include "store/audit_log.h"
#include "store/table.h"

/*
 * Each of these sets the action and the actor of an entry and adds the details of
 * a changed row; old is NULL where the row is new.  The entry has the ids of the
 * workflow, proposal and execution already.  An action that is left NULL means
 * that another audit row tells of the change.
 */
extern void record_actor(const StoredRow *old, const StoredRow *new, AuditEntry *entry,
						 JsonObject *details);
extern void record_tool(const StoredRow *old, const StoredRow *new, AuditEntry *entry,
						JsonObject *details);
extern void record_policy(const StoredRow *old, const StoredRow *new, AuditEntry *entry,
						  JsonObject *details);
extern void record_freeze(const StoredRow *old, const StoredRow *new, AuditEntry *entry,
						  JsonObject *details);
extern void record_delegation(const StoredRow *old, const StoredRow *new, AuditEntry *entry,
							  JsonObject *details);
extern void record_rule(const StoredRow *old, const StoredRow *new, AuditEntry *entry,
						JsonObject *details);
extern void record_standing(const StoredRow *old, const StoredRow *new, AuditEntry *entry,
							JsonObject *details);
extern void record_hold(const StoredRow *old, const StoredRow *new, AuditEntry *entry,
						JsonObject *details);
extern void record_workflow(const StoredRow *old, const StoredRow *new, AuditEntry *entry,
							JsonObject *details);
extern void record_proposal(const StoredRow *old, const StoredRow *new, AuditEntry *entry,
							JsonObject *details);
extern void record_comment(const StoredRow *old, const StoredRow *new, AuditEntry *entry,
						   JsonObject *details);
extern void record_preview(const StoredRow *old, const StoredRow *new, AuditEntry *entry,
						   JsonObject *details);
extern void record_review(const StoredRow *old, const StoredRow *new, AuditEntry *entry,
						  JsonObject *details);
extern void record_revocation(const StoredRow *old, const StoredRow *new, AuditEntry *entry,
							  JsonObject *details);
extern void record_cancel_request(const StoredRow *old, const StoredRow *new, AuditEntry *entry,
								  JsonObject *details);
extern void record_execution(const StoredRow *old, const StoredRow *new, AuditEntry *entry,
							 JsonObject *details);
extern void record_break_glass(const StoredRow *old, const StoredRow *new, AuditEntry *entry,
							   JsonObject *details);

extern void record_add_column(JsonObject *object, const StoredRow *row, AttrNumber column);
extern void record_add_columns(JsonObject *object, const StoredRow *row, AttrNumber last);
extern void record_mark_recorded(int64 proposal_id);
extern void record_anchor(const StoredRow *old, const StoredRow *new, AuditEntry *entry,
						  JsonObject *details);

#endif
