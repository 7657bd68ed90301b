/*
 * identity.c
 *	  What the redaction of an actor makes of rows that say who the actor is.
 *
 * In the rows of the actor, all that the table's descriptor names as identifying
 * changes.  In those of others, the persons of the actor do, since these are
 * compared wherever they stand, and the roles that are the actor's alone.
 *
 * Owns what the values become, and the names in details of the audit log.  Which
 * rows there are is not its business.
 */
#include "postgres.h"

#include "base/grow.h"
#include "base/json.h"
#include "engine/audit/identity.h"
#include "nodes/value.h"
#include "store/audit_log.h"

/* What a token begins with; 32 hexadecimal digits follow. */
#define TOKEN_PREFIX "redacted "
#define TOKEN_BYTES 16

/* The name of an actor who has been redacted. */
char *
actor_redacted_name(int64 actor_id)
{
	return psprintf("redacted " INT64_FORMAT, actor_id);
}

/* Whether a person is a token that has taken a person's place. */
bool
person_is_token(const char *person)
{
	return strncmp(person, TOKEN_PREFIX, strlen(TOKEN_PREFIX)) == 0 &&
		   strlen(person) == strlen(TOKEN_PREFIX) + (Size) 2 * TOKEN_BYTES &&
		   strspn(person + strlen(TOKEN_PREFIX), "0123456789abcdef") == (Size) 2 * TOKEN_BYTES;
}

static char *
draw_token(void)
{
	uint8 bytes[TOKEN_BYTES];
	StringInfoData token;

	if (!pg_strong_random(bytes, sizeof(bytes)))
		elog(ERROR, "could not generate a random token");
	initStringInfo(&token);
	appendStringInfoString(&token, TOKEN_PREFIX);
	for (int i = 0; i < TOKEN_BYTES; i++)
		appendStringInfo(&token, "%02x", bytes[i]);
	return token.data;
}

/* The token of one of the actor's persons, or NULL. */
static const char *
token_of(const Identity *identity, const char *person)
{
	for (int i = 0; i < identity->npersons; i++)
		if (strcmp(identity->persons[i].person, person) == 0)
			return identity->persons[i].token;
	return NULL;
}

/* Add a person of the actor, who gets this token, or if that is NULL a new one. */
void
identity_add_person(Identity *identity, const char *person, const char *token)
{
	if (token_of(identity, person) != NULL)
		return;
	GROW_ARRAY(identity->persons, identity->npersons, identity->persons_size);
	identity->persons[identity->npersons++] = (IdentityPerson){.person = pstrdup(person),
															   .token = token != NULL
																			? pstrdup(token)
																			: draw_token()};
}

static bool
is_role_of(const Identity *identity, const char *role)
{
	ListCell *cell;

	foreach (cell, identity->roles)
		if (strcmp(strVal(lfirst(cell)), role) == 0)
			return true;
	return false;
}

/* Whether a row is the actor's, or names a role that is the actor's alone. */
static bool
is_row_of(const Identity *identity, const StoreTableInfo *info, const StoredRow *row)
{
	int64 *actor_id = column_int64_or_null(row, info->actor_id);

	if (actor_id != NULL && *actor_id == identity->actor_id)
		return true;
	for (const StoreIdentifying *column = info->identifying; column->column != 0; column++)
		if (column->kind == IDENTITY_ROLE && !column_is_null(row, column->column) &&
			is_role_of(identity, column_text(row, column->column)))
			return true;
	return false;
}

/*
 * Return what a column that is not null becomes, NULL: null; or set changes to
 * false.  own: the row is the actor's or names one of the actor's roles.
 */
static const char *
redacted_value(const Identity *identity, const StoredRow *row, const StoreIdentifying *column,
			   bool is_of_actor, bool own, bool *changes)
{
	const char *becomes = NULL;
	const char *now;

	*changes = true;
	if (column->kind == IDENTITY_NULL)
	{
		*changes = own;
		return NULL;
	}
	now = column_text(row, column->column);
	switch (column->kind)
	{
		case IDENTITY_PERSON:
			becomes = token_of(identity, now);
			break;
		case IDENTITY_ROLE:
			becomes = is_of_actor || is_role_of(identity, now) ? identity->name : NULL;
			break;
		case IDENTITY_NAME:
			becomes = is_of_actor ? identity->name : NULL;
			break;
		default:
			becomes = own ? "" : NULL;
			break;
	}
	*changes = becomes != NULL && strcmp(becomes, now) != 0;
	return becomes;
}

/* Put what a row becomes into redacted; returns whether anything of it changes. */
static bool
redact_columns(const Identity *identity, StoreTable table, const StoredRow *row, StoreRow *redacted)
{
	const StoreTableInfo *info = store_table_info(table);
	int64 *actor_id = column_int64_or_null(row, info->actor_id);
	bool is_of_actor = actor_id != NULL && *actor_id == identity->actor_id;
	bool own = is_row_of(identity, info, row);
	bool any = false;

	for (const StoreIdentifying *column = info->identifying; column->column != 0; column++)
	{
		bool changes;
		const char *value;

		if (column_is_null(row, column->column))
			continue;
		value = redacted_value(identity, row, column, is_of_actor, own, &changes);
		any |= changes;
		if (changes)
			row_set_text(redacted, column->column, value);
	}
	return any;
}

/* Whether the redaction changes what a row, of any table, says of who somebody is. */
bool
row_identifies(const Identity *identity, StoreTable table, const StoredRow *row)
{
	StoreRow redacted;

	if (store_table_info(table)->identifying == NULL)
		return false;
	store_row_init(&redacted, table);
	return redact_columns(identity, table, row, &redacted);
}

/* Redact a row, a copy of which the caller has, of another table than the audit log. */
void
identity_redact_row(const Identity *identity, StoreTable table, StoredRow *row)
{
	StoreRow redacted;

	store_row_init(&redacted, table);
	if (redact_columns(identity, table, row, &redacted))
		store_redact(&redacted, row);
}

/* Details */

/* What an audit row is about, as far as its details have names. */
typedef enum LogSubject
{
	LOG_OTHER,
	LOG_THIS_ACTOR,
	LOG_OTHER_ACTOR,
	LOG_CAPABILITY
} LogSubject;

/* Of most rows the action says that their details have no names, and these are not read. */
static LogSubject
subject_of(const Identity *identity, const StoredRow *row)
{
	const char *action = column_some_text(row, AUDIT_ACTION);
	JsonbValue *actor_id;
	int64 id;

	if (strcmp(action, "grant_capability") == 0 || strcmp(action, "revoke_capability") == 0)
		return LOG_CAPABILITY;
	if (strcmp(action, "register_actor") != 0 && strcmp(action, "update_actor") != 0 &&
		strcmp(action, "follow_renamed_role") != 0)
		return LOG_OTHER;
	actor_id = json_find(column_some_varlena(row, AUDIT_DETAILS), "actor_id");
	if (actor_id == NULL || !json_value_int64(actor_id, &id))
		return LOG_OTHER;
	return id == identity->actor_id ? LOG_THIS_ACTOR : LOG_OTHER_ACTOR;
}

/* What a text in the details becomes, or NULL: it stays. */
static const char *
redacted_member(const Identity *identity, LogSubject subject, const char *key, const char *text)
{
	if (strcmp(key, "person") == 0 && subject != LOG_CAPABILITY)
		return token_of(identity, text);
	if (strcmp(key, "db_role") == 0 && (subject == LOG_THIS_ACTOR || is_role_of(identity, text)))
		return identity->name;
	return strcmp(key, "name") == 0 && subject == LOG_THIS_ACTOR ? identity->name : NULL;
}

static void
copy_member_without_name(const Identity *identity, LogSubject subject, JsonObject *to,
						 const char *key, JsonbValue *value, bool *changes)
{
	const char *becomes = NULL;
	char *text = NULL;

	if (value->type == jbvString)
	{
		text = pnstrdup(value->val.string.val, value->val.string.len);
		becomes = redacted_member(identity, subject, key, text);
	}
	if (subject == LOG_THIS_ACTOR &&
		(strcmp(key, "db_role_oid") == 0 || strcmp(key, "former_db_roles") == 0))
		*changes = true;
	else if (becomes != NULL && strcmp(becomes, text) != 0)
	{
		*changes = true;
		json_add_text(to, key, becomes);
	}
	else
		json_add_value(to, key, value);
}

/* A copy of details, or of the object "from" or "to" in them, without names. */
static Jsonb *
redact_details(const Identity *identity, LogSubject subject, JsonbContainer *object, bool *changes)
{
	JsonMembers members;
	JsonbValue *value = &members.value;
	JsonObject copy;

	json_object_begin(&copy);
	json_members_begin(&members, object);
	while (json_members_next(&members))
	{
		char *key = pnstrdup(members.key.val.string.val, members.key.val.string.len);

		if (value->type == jbvBinary && JsonContainerIsObject(value->val.binary.data) &&
			(strcmp(key, "from") == 0 || strcmp(key, "to") == 0))
			json_add_jsonb(&copy, key,
						   redact_details(identity, subject, value->val.binary.data, changes));
		else
			copy_member_without_name(identity, subject, &copy, key, value, changes);
	}
	return json_object_end(&copy);
}

static void
visit_names(JsonbContainer *object, IdentityName visit, void *arg)
{
	JsonMembers members;
	const JsonbValue *key = &members.key;
	const JsonbValue *value = &members.value;

	json_members_begin(&members, object);
	while (json_members_next(&members))
	{
		if (value->type == jbvBinary && JsonContainerIsObject(value->val.binary.data))
			visit_names(value->val.binary.data, visit, arg);
		else if (value->type == jbvString)
			visit(arg, pnstrdup(key->val.string.val, key->val.string.len),
				  pnstrdup(value->val.string.val, value->val.string.len));
	}
}

/* Visit the texts in the details of a row of the audit log, if they are about the actor. */
void
identity_each_name(const Identity *identity, const StoredRow *row, IdentityName visit, void *arg)
{
	if (subject_of(identity, row) == LOG_THIS_ACTOR)
		visit_names(&((Jsonb *) column_some_varlena(row, AUDIT_DETAILS))->root, visit, arg);
}

/* The details of a row of the audit log without names, or NULL: they stay. */
static Jsonb *
redacted_details(const Identity *identity, const StoredRow *row)
{
	LogSubject subject = subject_of(identity, row);
	bool changes = false;
	const Jsonb *details;
	Jsonb *copy;

	if (subject == LOG_OTHER)
		return NULL;
	details = column_some_varlena(row, AUDIT_DETAILS);
	copy = redact_details(identity, subject, (JsonbContainer *) &details->root, &changes);
	return changes ? copy : NULL;
}

/* Whether the details of a row of the audit log name the actor. */
bool
log_row_names(const Identity *identity, const StoredRow *row)
{
	return redacted_details(identity, row) != NULL;
}

/*
 * Redact a row of the audit log, a copy of which the caller has: who acted, and the
 * details and the statement.
 */
void
identity_redact_log_row(const Identity *identity, StoredRow *row, bool who, bool what)
{
	StoreRow redacted;
	Jsonb *details = what ? redacted_details(identity, row) : NULL;

	store_row_init(&redacted, STORE_AUDIT_LOG);
	if (who)
		(void) redact_columns(identity, STORE_AUDIT_LOG, row, &redacted);
	if (details != NULL)
		row_set_pointer(&redacted, AUDIT_DETAILS, details);
	if (what)
		row_set_null(&redacted, AUDIT_QUERY);
	if (who || what)
		store_redact(&redacted, row);
}
