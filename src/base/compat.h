/*
 * compat.h
 *	  Differences between PostgreSQL majors, and nothing else.
 *
 * Every version check of the project stands here.  The code elsewhere is
 * written against the newest form of an interface; this file gives the older
 * servers that form.
 */
#ifndef WFO_BASE_COMPAT_H
#define WFO_BASE_COMPAT_H

#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_database.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "common/base64.h"
#include "executor/executor.h"
#include "nodes/parsenodes.h"
#include "storage/lock.h"
#include "storage/proc.h"
#include "utils/acl.h"
#include "utils/guc_tables.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/wait_event.h"
#if PG_VERSION_NUM >= 160000
#include "parser/parse_relation.h"
#endif
#if PG_VERSION_NUM >= 180000
#include "rewrite/rewriteHandler.h"
#endif

#if PG_VERSION_NUM < 150000
#error "workflow_orch needs PostgreSQL 15 or later"
#endif

/* The major version that this is built for. */
#define COMPAT_MAJOR (PG_VERSION_NUM / 10000)

/* Marks a function that does not return, before all else in its declaration. */
#if PG_VERSION_NUM < 180000
#define pg_noreturn pg_attribute_noreturn()
#endif

/* Have an index release what it keeps between insertions, which it does since 17. */
static inline void
compat_index_insert_cleanup(Relation index, IndexInfo *info)
{
#if PG_VERSION_NUM >= 170000
	index_insert_cleanup(index, info);
#else
	(void) index;
	(void) info;
#endif
}

/* Give an executor state its one relation, as ResultRelInfo code expects. */
static inline void
compat_init_range_table(EState *estate, Relation rel)
{
	RangeTblEntry *rte = makeNode(RangeTblEntry);

	rte->rtekind = RTE_RELATION;
	rte->relid = RelationGetRelid(rel);
	rte->relkind = rel->rd_rel->relkind;
	rte->rellockmode = RowExclusiveLock;
#if PG_VERSION_NUM >= 180000
	{
		List *perminfos = NIL;

		addRTEPermissionInfo(&perminfos, rte);
		ExecInitRangeTable(estate, list_make1(rte), perminfos, bms_make_singleton(1));
	}
#elif PG_VERSION_NUM >= 160000
	{
		List *perminfos = NIL;

		addRTEPermissionInfo(&perminfos, rte);
		ExecInitRangeTable(estate, list_make1(rte), perminfos);
	}
#else
	ExecInitRangeTable(estate, list_make1(rte));
#endif
}

/* Prepare the recheck of rows of one result relation that others have changed. */
static inline void
compat_init_eval_plan_qual(EPQState *epqstate, EState *estate)
{
#if PG_VERSION_NUM >= 160000
	EvalPlanQualInit(epqstate, estate, NULL, NIL, -1, NIL);
#else
	EvalPlanQualInit(epqstate, estate, NULL, NIL, -1);
#endif
}

/*
 * Whether indexes of a table learn of new versions of rows that need no entries: since
 * 16 those that summarize pages, which before kept such versions from being made.
 */
static inline bool
compat_summarizes_updates(Relation rel)
{
#if PG_VERSION_NUM >= 160000
	Bitmapset *columns = RelationGetIndexAttrBitmap(rel, INDEX_ATTR_BITMAP_SUMMARIZED);
	bool result = !bms_is_empty(columns);

	bms_free(columns);
	return result;
#else
	(void) rel;
	return false;
#endif
}

/* Insert the index entries of a row's new version; heap_only: of summarizing indexes alone. */
static inline void
compat_insert_update_entries(ResultRelInfo *result_rel, TupleTableSlot *slot, EState *estate,
							 bool heap_only)
{
#if PG_VERSION_NUM >= 160000
	(void) ExecInsertIndexTuples(result_rel, slot, estate, true, false, NULL, NIL, heap_only);
#else
	Assert(!heap_only);
	(void) heap_only;
	(void) ExecInsertIndexTuples(result_rel, slot, estate, true, false, NULL, NIL);
#endif
}

#if PG_VERSION_NUM < 160000
#define compat_database_aclcheck(database, role, mode) pg_database_aclcheck(database, role, mode)
#define compat_database_ownercheck(database, role) pg_database_ownercheck(database, role)
#else
#define compat_database_aclcheck(database, role, mode) \
	object_aclcheck(DatabaseRelationId, database, role, mode)
#define compat_database_ownercheck(database, role) \
	object_ownercheck(DatabaseRelationId, database, role)
#endif

#if PG_VERSION_NUM < 160000
#define compat_extension_ownercheck(extension, role) pg_extension_ownercheck(extension, role)
#else
#define compat_extension_ownercheck(extension, role) \
	object_ownercheck(ExtensionRelationId, extension, role)
#endif

#if PG_VERSION_NUM < 160000
#define compat_proc_aclcheck(proc, role, mode) pg_proc_aclcheck(proc, role, mode)
#define compat_proc_ownercheck(proc, role) pg_proc_ownercheck(proc, role)
#else
#define compat_proc_aclcheck(proc, role, mode) \
	object_aclcheck(ProcedureRelationId, proc, role, mode)
#define compat_proc_ownercheck(proc, role) object_ownercheck(ProcedureRelationId, proc, role)
#endif

#if PG_VERSION_NUM < 160000
#define compat_schema_aclcheck(schema, role, mode) pg_namespace_aclcheck(schema, role, mode)
#else
#define compat_schema_aclcheck(schema, role, mode) \
	object_aclcheck(NamespaceRelationId, schema, role, mode)
#endif

/*
 * The subtransactions in which a table got its present file and the first of its new
 * files in this transaction; InvalidSubTransactionId: it got none.
 */
#if PG_VERSION_NUM >= 160000
#define compat_new_file_subid(rel) ((rel)->rd_newRelfilelocatorSubid)
#define compat_first_file_subid(rel) ((rel)->rd_firstRelfilelocatorSubid)
#else
#define compat_new_file_subid(rel) ((rel)->rd_newRelfilenodeSubid)
#define compat_first_file_subid(rel) ((rel)->rd_firstRelfilenodeSubid)
#endif

/*
 * The expression of a column that is computed when it is read, as it can be since 18, or
 * NULL if the column is stored.
 */
static inline Expr *
compat_virtual_column(Relation rel, int column)
{
#if PG_VERSION_NUM >= 180000
	if (TupleDescAttr(RelationGetDescr(rel), column)->attgenerated == ATTRIBUTE_GENERATED_VIRTUAL)
		return (Expr *) build_generation_expression(rel, column + 1);
#else
	(void) rel;
	(void) column;
#endif
	return NULL;
}

/*
 * Whether a role may SET ROLE to another one.  Before 16 every member may.  Since
 * 16 membership can be granted without that right, and the creator of a role is
 * such a member.  A superuser always may, but with nosuper set a superuser is
 * treated like any other role.
 */
static inline bool
compat_can_set_role(Oid member, Oid role)
{
#if PG_VERSION_NUM >= 160000
	return member_can_set_role(member, role);
#else
	return is_member_of_role(member, role);
#endif
}

static inline bool
compat_can_set_role_nosuper(Oid member, Oid role)
{
	return is_member_of_role_nosuper(member, role) && compat_can_set_role(member, role);
}

/* The same question as a privilege that pg_has_role() knows. */
#if PG_VERSION_NUM >= 160000
#define COMPAT_SET_ROLE_PRIVILEGE "SET"
#else
#define COMPAT_SET_ROLE_PRIVILEGE "MEMBER"
#endif

/* A hook on the check of a query's privileges; the extension uses only the range table. */
#if PG_VERSION_NUM >= 160000
#define COMPAT_CHECK_PERMS(name) name(List *range_table, List *infos, bool report)
#define COMPAT_CHECK_PERMS_CALL(hook) hook(range_table, infos, report)
#else
#define COMPAT_CHECK_PERMS(name) name(List *range_table, bool report)
#define COMPAT_CHECK_PERMS_CALL(hook) hook(range_table, report)
#endif

/* The table that a statistics entry of the backend is about. */
#if PG_VERSION_NUM >= 160000
#define compat_stats_relid(entry) ((entry)->id)
#else
#define compat_stats_relid(entry) ((entry)->t_id)
#endif

/* Whether this transaction holds a lock in exactly this mode. */
static inline bool
compat_lock_held(const LOCKTAG *tag, LOCKMODE mode)
{
#if PG_VERSION_NUM >= 170000
	return LockHeldByMe(tag, mode, false);
#else
	return LockHeldByMe(tag, mode);
#endif
}

/*
 * Set the handler of a signal and return the previous one.  The server does not
 * report it since 18.
 */
static inline pqsigfunc
compat_pqsignal(int signo, pqsigfunc handler)
{
#if PG_VERSION_NUM >= 180000
	static pqsigfunc last = SIG_DFL;
	pqsigfunc previous = last;

	pqsignal(signo, handler);
	last = handler;
	return previous;
#else
	return pqsignal(signo, handler);
#endif
}

/* The running transaction, as the backend numbers its own. */
static inline LocalTransactionId
compat_my_lxid(void)
{
#if PG_VERSION_NUM >= 170000
	return MyProc->vxid.lxid;
#else
	return MyProc->lxid;
#endif
}

/*
 * Flags with which a background worker connects as a role that may lack the
 * LOGIN attribute; before 17 there are none.
 */
#if PG_VERSION_NUM >= 170000
#define COMPAT_WORKER_FLAGS BGWORKER_BYPASS_ROLELOGINCHECK
#else
#define COMPAT_WORKER_FLAGS 0
#endif

static inline bool
compat_worker_can_log_in(Oid role)
{
#if PG_VERSION_NUM >= 170000
	return OidIsValid(role);
#else
	HeapTuple tuple = SearchSysCache1(AUTHOID, ObjectIdGetDatum(role));
	bool result = HeapTupleIsValid(tuple) && ((Form_pg_authid) GETSTRUCT(tuple))->rolcanlogin;

	if (HeapTupleIsValid(tuple))
		ReleaseSysCache(tuple);
	return result;
#endif
}

/* The wait event that pg_stat_activity shows: before 17 just "Extension". */
static inline uint32
compat_wait_event(const char *name)
{
#if PG_VERSION_NUM >= 170000
	return WaitEventExtensionNew(name);
#else
	(void) name;
	return PG_WAIT_EXTENSION;
#endif
}

/* The server's settings, as an array of *count pointers. */
static inline struct config_generic **
compat_guc_variables(int *count)
{
#if PG_VERSION_NUM >= 160000
	return get_guc_variables(count);
#else
	*count = GetNumConfigOptions();
	return get_guc_variables();
#endif
}

/* The relations that a statement needs a privilege to write for. */
static inline List *
compat_written_relations(const PlannedStmt *stmt)
{
	const AclMode writes = ACL_INSERT | ACL_UPDATE | ACL_DELETE;
	List *relations = NIL;
	ListCell *cell;

#if PG_VERSION_NUM >= 160000
	foreach (cell, stmt->permInfos)
	{
		const RTEPermissionInfo *info = lfirst_node(RTEPermissionInfo, cell);

		if (info->requiredPerms & writes)
			relations = lappend_oid(relations, info->relid);
	}
#else
	foreach (cell, stmt->rtable)
	{
		const RangeTblEntry *entry = lfirst_node(RangeTblEntry, cell);

		if (entry->rtekind == RTE_RELATION && (entry->requiredPerms & writes))
			relations = lappend_oid(relations, entry->relid);
	}
#endif
	return relations;
}

/* Base64 into a buffer; returns the length, or -1. Since 18 the bytes are unsigned. */
static inline int
compat_b64_encode(const uint8 *bytes, int length, char *text, int size)
{
#if PG_VERSION_NUM >= 180000
	return pg_b64_encode(bytes, length, text, size);
#else
	return pg_b64_encode((const char *) bytes, length, text, size);
#endif
}

static inline int
compat_b64_decode(const char *text, int length, uint8 *bytes, int size)
{
#if PG_VERSION_NUM >= 180000
	return pg_b64_decode(text, length, bytes, size);
#else
	return pg_b64_decode(text, length, (char *) bytes, size);
#endif
}

/* Begin a scan of an index with keys to be given; since 18 it can count its searches. */
static inline IndexScanDesc
compat_index_beginscan(Relation heap, Relation index, Snapshot snapshot, int nkeys)
{
#if PG_VERSION_NUM >= 180000
	return index_beginscan(heap, index, snapshot, NULL, nkeys, 0);
#else
	return index_beginscan(heap, index, snapshot, nkeys, 0);
#endif
}

#endif
