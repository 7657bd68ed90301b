/*
 * redact_identity.c
 *	  Redacts who an actor is.
 *
 * An actor is named in rows of many tables, and few of these have an index for it,
 * so each is read as a whole: this is done once for an actor.  Owns which rows this
 * reaches.  What becomes of them is the business of identity.c.
 */
#include "postgres.h"

#include "base/id_set.h"
#include "engine/audit/leaf.h"
#include "engine/audit/redact_identity.h"
#include "miscadmin.h"
#include "nodes/value.h"
#include "store/audit_log.h"
#include "utils/memutils.h"

/* A scan whose rows are visited in memory that is reset before the next one. */
typedef struct RowScan
{
	StoreScan scan;
	MemoryContext memory;
	MemoryContext outer;
} RowScan;

static void
row_scan_begin(RowScan *scan, StoreTable table, const char *index, int nkeys, ScanKey keys)
{
	scan->outer = CurrentMemoryContext;
	scan->memory = AllocSetContextCreate(CurrentMemoryContext, "row that may name an actor",
										 ALLOCSET_DEFAULT_SIZES);
	store_scan_begin(&scan->scan, table, index, nkeys, keys);
}

static const StoredRow *
row_scan_next(RowScan *scan)
{
	CHECK_FOR_INTERRUPTS();
	MemoryContextSwitchTo(scan->memory);
	MemoryContextReset(scan->memory);
	return store_scan_next(&scan->scan);
}

static void
row_scan_end(RowScan *scan)
{
	MemoryContextSwitchTo(scan->outer);
	store_scan_end(&scan->scan);
	MemoryContextDelete(scan->memory);
}

/* Called with each row of a table. */
typedef void (*RowVisit)(void *arg, StoreTable table, StoreScan *scan, const StoredRow *row);

static void
each_row(StoreTable table, RowVisit visit, void *arg)
{
	RowScan scan;
	const StoredRow *row;

	row_scan_begin(&scan, table, NULL, 0, NULL);
	while ((row = row_scan_next(&scan)) != NULL)
		visit(arg, table, &scan.scan, row);
	row_scan_end(&scan);
}

/* Visit the rows of all tables that say who somebody is, but the audit log. */
static void
each_identifying_row(RowVisit visit, void *arg)
{
	for (int table = 0; table < STORE_TABLE_COUNT; table++)
		if (table != STORE_AUDIT_LOG && store_table_info(table)->identifying != NULL)
			each_row((StoreTable) table, visit, arg);
}

static bool
has_role(const Actor *actor, const char *role)
{
	ListCell *cell;

	if (actor->db_role != NULL && strcmp(actor->db_role, role) == 0)
		return true;
	foreach (cell, actor->former_db_roles)
		if (strcmp(lfirst(cell), role) == 0)
			return true;
	return false;
}

/* Note a role of the actor, unless it is, or was, that of another one, too. */
static void
note_role_of_actor(Identity *identity, const char *role)
{
	ActorScan scan;
	const Actor *other;
	bool shared = false;

	actor_scan_begin(&scan, NULL);
	while (!shared && (other = actor_scan_next(&scan)) != NULL)
		shared = other->actor_id != identity->actor_id && has_role(other, role);
	actor_scan_end(&scan);
	if (!shared)
		identity->roles = list_append_unique(identity->roles, makeString(pstrdup(role)));
}

/* The search for the persons that an actor has had. */
typedef struct PersonSearch
{
	Identity *identity;
	MemoryContext memory; /* of the identity */
	const char *token;    /* that the actor has already, or NULL */
} PersonSearch;

/* Whether a person is that of an actor now, of another one than this. */
static bool
is_person_of_other(const char *person, int64 actor_id)
{
	ActorScan scan;
	const Actor *actor;
	bool found = false;

	actor_scan_begin(&scan, NULL);
	while (!found && (actor = actor_scan_next(&scan)) != NULL)
		found = actor->actor_id != actor_id && actor->person != NULL &&
				strcmp(actor->person, person) == 0;
	actor_scan_end(&scan);
	return found;
}

static void
note_person(PersonSearch *search, const char *person)
{
	MemoryContext old;

	if (person_is_token(person) || is_person_of_other(person, search->identity->actor_id))
		return;
	old = MemoryContextSwitchTo(search->memory);
	identity_add_person(search->identity, person, search->token);
	MemoryContextSwitchTo(old);
}

static void
note_persons(void *arg, StoreTable table, pg_attribute_unused() StoreScan *scan,
			 const StoredRow *row)
{
	PersonSearch *search = arg;
	const StoreTableInfo *info = store_table_info(table);
	int64 *actor_id = column_int64_or_null(row, info->actor_id);

	if (actor_id == NULL || *actor_id != search->identity->actor_id)
		return;
	for (const StoreIdentifying *column = info->identifying; column->column != 0; column++)
		if (column->kind == IDENTITY_PERSON && !column_is_null(row, column->column))
			note_person(search, column_text(row, column->column));
}

static void
note_name(void *arg, const char *key, const char *name)
{
	PersonSearch *search = arg;
	MemoryContext old;

	if (strcmp(key, "person") == 0)
		note_person(search, name);
	if (strcmp(key, "db_role") != 0)
		return;
	old = MemoryContextSwitchTo(search->memory);
	note_role_of_actor(search->identity, name);
	MemoryContextSwitchTo(old);
}

/* Note what the audit log says that the actor was; its rows about actors belong to no workflow. */
static void
note_former_names(PersonSearch *search)
{
	RowScan scan;
	ScanKeyData key;
	const StoredRow *row;

	store_key_null(&key, AUDIT_WORKFLOW_ID);
	row_scan_begin(&scan, STORE_AUDIT_LOG, "audit_log_workflow_idx", 1, &key);
	while ((row = row_scan_next(&scan)) != NULL)
		identity_each_name(search->identity, row, note_name, search);
	row_scan_end(&scan);
}

/*
 * Find out what says who an actor is: roles that are the actor's alone, the actor's
 * person, who may have other actors as well, and persons that the actor had before
 * and that are nobody else's now.  Reads all tables, and of the audit log what
 * belongs to no workflow.
 */
void
identity_begin(Identity *identity, const Actor *actor)
{
	PersonSearch search = {.identity = identity, .memory = CurrentMemoryContext};
	ListCell *cell;

	memset(identity, 0, sizeof(Identity));
	identity->actor_id = actor->actor_id;
	identity->name = actor_redacted_name(actor->actor_id);
	if (actor->db_role != NULL)
		note_role_of_actor(identity, actor->db_role);
	foreach (cell, actor->former_db_roles)
		note_role_of_actor(identity, lfirst(cell));
	if (actor->person != NULL && person_is_token(actor->person))
		search.token = actor->person;
	else if (actor->person != NULL)
		identity_add_person(identity, actor->person, NULL);
	each_identifying_row(note_persons, &search);
	note_former_names(&search);
}

/* The search for rows that are to be changed, and for their proposals. */
typedef struct ChangeSearch
{
	Identity *identity;
	IdSet *proposals;
	MemoryContext memory; /* of the sets */
} ChangeSearch;

static void
note_change(void *arg, StoreTable table, pg_attribute_unused() StoreScan *scan,
			const StoredRow *row)
{
	ChangeSearch *search = arg;
	Identity *identity = search->identity;
	AttrNumber column = store_table_info(table)->proposal_id;
	MemoryContext old;

	if (!row_identifies(identity, table, row))
		return;
	old = MemoryContextSwitchTo(search->memory);
	if (identity->rows[table] == NULL)
		identity->rows[table] = id_set_create("rows that name an actor");
	id_set_add(identity->rows[table], column_int64(row, 1));
	if (column != 0)
		id_set_add(search->proposals, column_int64(row, column));
	MemoryContextSwitchTo(old);
}

/*
 * Find the rows of all tables but the audit log that are to be changed, and visit each
 * proposal that has one.
 */
void
identity_each_proposal(Identity *identity, IdentityVisit visit, void *arg)
{
	ChangeSearch search = {identity, id_set_create("proposals that name an actor"),
						   CurrentMemoryContext};

	memset(identity->rows, 0, sizeof(identity->rows));
	each_identifying_row(note_change, &search);
	id_set_each(search.proposals, visit, arg);
}

/*
 * Whether a row that an audit row tells of is to be changed.  The log tells of many
 * rows, so only those are read that identity_each_proposal() has found.
 */
static bool
tells_of_identity(const Identity *identity, const StoredRow *log_row)
{
	LeafRow told[LEAF_ROWS_MAX];
	int count = leaf_told_rows(log_row, told);

	for (int i = 0; i < count; i++)
	{
		IdSet *changed = identity->rows[told[i].table];
		const StoredRow *row = changed != NULL && id_set_has(changed, told[i].keys[0])
								   ? leaf_row_load(&told[i])
								   : NULL;

		if (row != NULL && row_identifies(identity, told[i].table, row))
			return true;
	}
	return false;
}

static void
choose_identity(void *arg, RedactedLeaf *leaf, const StoredRow *log_row)
{
	const Identity *identity = arg;

	leaf->takes[GROUP_WHO] = row_identifies(identity, STORE_AUDIT_LOG, log_row);
	leaf->takes[GROUP_WHAT] = log_row_names(identity, log_row);
	leaf->takes[GROUP_ROWS] = tells_of_identity(identity, log_row);
}

static void
redact_identity(void *arg, const RedactedLeaf *leaf, StoredRow *log_row)
{
	const Identity *identity = arg;
	LeafRow told[LEAF_ROWS_MAX];
	int count = leaf->takes[GROUP_ROWS] ? leaf_told_rows(log_row, told) : 0;

	for (int i = 0; i < count; i++)
	{
		StoredRow *row = store_table_info(told[i].table)->identifying != NULL
							 ? leaf_row_load(&told[i])
							 : NULL;

		if (row != NULL)
			identity_redact_row(identity, told[i].table, row);
	}
	identity_redact_log_row(identity, log_row, leaf->takes[GROUP_WHO], leaf->takes[GROUP_WHAT]);
}

Redactor
identity_redactor(Identity *identity)
{
	return (Redactor){.choose = choose_identity, .redact = redact_identity, .arg = identity};
}

/* The search for rows of the audit log. */
typedef struct LeafSearch
{
	Identity *identity;
	RedactedLeaves *leaves;
	MemoryContext memory; /* of the leaves */
} LeafSearch;

static void
collect_row(void *arg, pg_attribute_unused() StoreTable table,
			pg_attribute_unused() StoreScan *scan, const StoredRow *row)
{
	LeafSearch *search = arg;
	RedactedLeaf leaf = {0};
	MemoryContext old;

	choose_identity(search->identity, &leaf, row);
	if (!leaf.takes[GROUP_WHO] && !leaf.takes[GROUP_WHAT] && !leaf.takes[GROUP_ROWS])
		return;
	old = MemoryContextSwitchTo(search->memory);
	redacted_leaves_add(search->leaves, row, REDACT_ROW);
	MemoryContextSwitchTo(old);
	memcpy(search->leaves->leaves[search->leaves->count - 1].takes, leaf.takes, sizeof(leaf.takes));
}

/*
 * Find the rows of the audit log that are to be changed, that tell of rows that are,
 * or that have the same statement as those whose details name the actor.  Follows
 * identity_each_proposal(), and sees what that has seen.
 */
void
identity_collect(Identity *identity, RedactedLeaves *leaves)
{
	LeafSearch search = {identity, leaves, CurrentMemoryContext};

	memset(leaves, 0, sizeof(RedactedLeaves));
	each_row(STORE_AUDIT_LOG, collect_row, &search);
	redacted_leaves_add_statements(leaves);
}

static void
redact_table_row(void *arg, StoreTable table, StoreScan *scan, const StoredRow *row)
{
	if (row_identifies(arg, table, row))
		identity_redact_row(arg, table, store_scan_copy(scan));
}

/* Redact the rows that no audit row tells of, such as those of actors. */
void
identity_redact_tables(const Identity *identity)
{
	each_identifying_row(redact_table_row, (void *) identity);
}
