/*
 * leaf.c
 *	  The leaf that a row of the audit log becomes in the tree.
 *
 * Owns the canonical form of a row, its entry, which doc/evidence.md writes down
 * byte by byte.  Facts stand in the entry as they are.  What is personal stands
 * there as three hashes, each with a salt: who acted, what was said, and the rows
 * that the audit row tells of.  So the values and the salt of a group can be
 * dropped later, and the hash stays; without the salt nobody can guess what the
 * values were.
 */
#include "postgres.h"

#include "base/json.h"
#include "base/json_canonical.h"
#include "engine/audit/canonical.h"
#include "engine/audit/leaf.h"
#include "store/audit_log.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"

#define FORMAT 1

/*
 * The members of details that are facts: ids, labels, numbers and times that say
 * nothing of what a person is or wrote.  All others are personal.  In order.
 */
static const char *const facts[] = {
	"active",
	"actor_id",
	"administer",
	"agent",
	"agents",
	"anchor_id",
	"approvals",
	"attempt",
	"authority",
	"break_glass",
	"calls",
	"capability",
	"catalogs_changed",
	"comment_id",
	"count",
	"decision",
	"definition",
	"delegation_id",
	"direct",
	"dry_run",
	"dry_run_mode",
	"due_at",
	"duration_ms",
	"enabled",
	"ended_before",
	"ended_by",
	"ends_at",
	"execution_id",
	"failed",
	"follows",
	"freeze_id",
	"from_actor",
	"from_origin",
	"function",
	"group_size",
	"hold_id",
	"home_database",
	"home_system",
	"in_session",
	"kind",
	"leaves_sha256",
	"max_attempts",
	"max_rows",
	"on_behalf_of",
	"origin",
	"preview",
	"preview_id",
	"preview_rows",
	"priority",
	"proof_sha256",
	"proposals",
	"purge_id",
	"queued_at",
	"reason_code",
	"redacted_sha256",
	"request_id",
	"required_approvals",
	"rerun",
	"review_id",
	"revision",
	"role",
	"root",
	"rows_changed",
	"rule_id",
	"size",
	"sqlstate",
	"stage",
	"standing_id",
	"status",
	"succeeded",
	"success",
	"timeout",
	"to_actor",
	"tool",
};

/* Actions of whose details no person has written a word: all members are facts. */
static const char *const factual_actions[] = {"continue_audit_log", "refused", "refused_flood",
											  "set_policy"};

static int
compare_fact(const char *key, int length, const char *name)
{
	int order = strncmp(key, name, length);

	return order != 0 ? order : (name[length] == '\0' ? 0 : -1);
}

static bool
action_is_factual(const char *action)
{
	for (int i = 0; i < (int) lengthof(factual_actions); i++)
		if (strcmp(action, factual_actions[i]) == 0)
			return true;
	return false;
}

/*
 * Whether a member is a fact, whatever the action.  "from" is one as a status, and
 * not as an object of former values, whose members are judged one by one.
 */
static bool
member_is_fact(const char *key, int length, bool is_text)
{
	int low = 0;
	int high = lengthof(facts) - 1;

	if (length == 4 && memcmp(key, "from", 4) == 0)
		return is_text;
	while (low <= high)
	{
		int middle = (low + high) / 2;
		int order = compare_fact(key, length, facts[middle]);

		if (order == 0)
			return true;
		if (order < 0)
			high = middle - 1;
		else
			low = middle + 1;
	}
	return false;
}

/* Whether a member of the details of a row with this action is a fact. */
bool
leaf_member_is_fact(const char *action, const char *key, int length, bool is_text)
{
	return action_is_factual(action) || member_is_fact(key, length, is_text);
}

/* Prepare to make leaves, in the current memory context. */
void
leaf_maker_begin(LeafMaker *maker)
{
	maker->sha256 = sha256_create();
	leaf_rows_begin(&maker->reader);
	maker->row_memory = AllocSetContextCreate(CurrentMemoryContext, "leaf of the tree",
											  ALLOCSET_DEFAULT_SIZES);
	for (int i = 0; i < LEAF_GROUPS; i++)
		initStringInfo(&maker->groups[i]);
	initStringInfo(&maker->facts);
	initStringInfo(&maker->entry);
}

void
leaf_maker_end(LeafMaker *maker)
{
	leaf_rows_end(&maker->reader);
	sha256_free(maker->sha256);
	MemoryContextDelete(maker->row_memory);
}

static void
add_column(StringInfo bytes, const StoredRow *row, AttrNumber column, Oid type)
{
	canonical_add_datum(bytes, row->values[column - 1], row->nulls[column - 1], type);
}

static void
add_who(StringInfo bytes, const StoredRow *row)
{
	add_column(bytes, row, AUDIT_LOGIN, TEXTOID);
	add_column(bytes, row, AUDIT_AUTHENTICATED_LOGIN, TEXTOID);
	add_column(bytes, row, AUDIT_DB_ROLE, TEXTOID);
	add_column(bytes, row, AUDIT_APPLICATION_NAME, TEXTOID);
	add_column(bytes, row, AUDIT_CLIENT_ADDR, INETOID);
}

/* Add the type of a value and, unless the type says all, its text. */
static void
add_value(StringInfo bytes, JsonbValue *value)
{
	char *text;

	switch (value->type)
	{
		case jbvNull:
			appendStringInfoChar(bytes, 'z');
			break;
		case jbvBool:
			appendStringInfoChar(bytes, value->val.boolean ? 't' : 'f');
			break;
		case jbvString:
			appendStringInfoChar(bytes, 's');
			canonical_add_text(bytes, value->val.string.val, value->val.string.len);
			break;
		case jbvNumeric:
			appendStringInfoChar(bytes, 'n');
			text = DatumGetCString(DirectFunctionCall1(numeric_out,
													   NumericGetDatum(value->val.numeric)));
			canonical_add_text(bytes, text, strlen(text));
			break;
		default:
			appendStringInfoChar(bytes, 'j');
			text = json_canonical_text(JsonbValueToJsonb(value));
			canonical_add_text(bytes, text, strlen(text));
			break;
	}
}

/* Add the name of a member, which few have with a prefix. */
static void
add_member_name(StringInfo bytes, const char *prefix, const JsonbValue *key)
{
	const char *name = key->val.string.val;
	int length = key->val.string.len;

	if (prefix[0] != '\0')
	{
		name = psprintf("%s%.*s", prefix, length, name);
		length = (int) strlen(name);
	}
	canonical_add_text(bytes, name, length);
}

/* Whether the members of a member of details are members of their own: "from.kind" and so on. */
static const char *
prefix_of(const JsonbValue *key, const JsonbValue *value)
{
	if (value->type != jbvBinary || !JsonContainerIsObject(value->val.binary.data))
		return NULL;
	if (key->val.string.len == 4 && memcmp(key->val.string.val, "from", 4) == 0)
		return "from.";
	if (key->val.string.len == 2 && memcmp(key->val.string.val, "to", 2) == 0)
		return "to.";
	return NULL;
}

/*
 * Add the members of an object to the facts or to what was said, in jsonb's order.
 * factual: all are facts.  prefix is that of a nested object's members, or "".
 */
static void
add_members(LeafMaker *maker, bool factual, const char *prefix, JsonbContainer *object)
{
	JsonMembers members;
	const JsonbValue *key = &members.key;
	JsonbValue *value = &members.value;

	json_members_begin(&members, object);
	while (json_members_next(&members))
	{
		StringInfo bytes = &maker->groups[GROUP_WHAT];
		const char *nested = prefix[0] == '\0' ? prefix_of(key, value) : NULL;

		if (nested != NULL)
		{
			add_members(maker, factual, nested, value->val.binary.data);
			continue;
		}
		if (factual ||
			member_is_fact(key->val.string.val, key->val.string.len, value->type == jbvString))
			bytes = &maker->facts;
		add_member_name(bytes, prefix, key);
		add_value(bytes, value);
	}
}

/* The action of a row; somebody may have taken it away. */
static const char *
action_of(const StoredRow *row)
{
	const char *action = column_text(row, AUDIT_ACTION);

	return action != NULL ? action : "";
}

/* The extension writes an object; anything else is one member without a name. */
static void
add_details(LeafMaker *maker, const StoredRow *row)
{
	Jsonb *details = column_varlena(row, AUDIT_DETAILS);
	JsonbValue whole = {.type = jbvNull};

	if (details != NULL && JB_ROOT_IS_OBJECT(details))
	{
		add_members(maker, action_is_factual(action_of(row)), "", &details->root);
		return;
	}
	if (details != NULL)
	{
		whole.type = jbvBinary;
		whole.val.binary.data = &details->root;
		whole.val.binary.len = VARSIZE(details) - VARHDRSZ;
	}
	canonical_add_text(&maker->groups[GROUP_WHAT], "", 0);
	add_value(&maker->groups[GROUP_WHAT], &whole);
}

/*
 * Put the rows that a row of the audit log tells of into an array of LEAF_ROWS_MAX;
 * return their number.
 */
int
leaf_told_rows(const StoredRow *row, LeafRow *rows)
{
	LeafSubject subject = {.action = action_of(row),
						   .workflow_id = column_int64_or_null(row, AUDIT_WORKFLOW_ID),
						   .proposal_id = column_int64_or_null(row, AUDIT_PROPOSAL_ID),
						   .execution_id = column_int64_or_null(row, AUDIT_EXECUTION_ID),
						   .details = column_varlena(row, AUDIT_DETAILS)};

	return leaf_rows_of(&subject, rows);
}

static void
add_rows(LeafMaker *maker, const StoredRow *row)
{
	maker->nrows = leaf_told_rows(row, maker->rows);
	for (int i = 0; i < maker->nrows; i++)
		leaf_rows_add(&maker->reader, &maker->rows[i], &maker->groups[GROUP_ROWS]);
}

/* Begin each group with its salt. */
static void
begin_groups(LeafMaker *maker, const LeafSalts *salts)
{
	for (int i = 0; i < LEAF_GROUPS; i++)
	{
		resetStringInfo(&maker->groups[i]);
		appendBinaryStringInfo(&maker->groups[i], (const char *) salts->group[i], SALT_LENGTH);
	}
	resetStringInfo(&maker->facts);
}

/* Return the hash of a group of the leaf that was made last, which its values have. */
MerkleHash
leaf_group_hash(LeafMaker *maker, LeafGroup group)
{
	MerkleHash hash = {{0}};

	if (group == GROUP_ROWS && maker->nrows == 0)
		return hash;
	sha256_begin(maker->sha256);
	sha256_add(maker->sha256, maker->groups[group].data, maker->groups[group].len);
	sha256_end(maker->sha256, hash.bytes);
	return hash;
}

static void
make_entry(LeafMaker *maker, const StoredRow *row, uint8 flags, const LeafKept *kept)
{
	StringInfo entry = &maker->entry;

	resetStringInfo(entry);
	appendStringInfoChar(entry, FORMAT);
	add_column(entry, row, AUDIT_AUDIT_ID, INT8OID);
	add_column(entry, row, AUDIT_OCCURRED_AT, TIMESTAMPTZOID);
	add_column(entry, row, AUDIT_ACTION, TEXTOID);
	add_column(entry, row, AUDIT_ACTOR_ID, INT8OID);
	add_column(entry, row, AUDIT_WORKFLOW_ID, INT8OID);
	add_column(entry, row, AUDIT_PROPOSAL_ID, INT8OID);
	add_column(entry, row, AUDIT_EXECUTION_ID, INT8OID);
	add_column(entry, row, AUDIT_TRANSACTION_ID, XID8OID);
	add_column(entry, row, AUDIT_BACKEND_PID, INT4OID);
	appendStringInfoChar(entry, (char) flags);
	canonical_add_bytes(entry, maker->facts.data, maker->facts.len);
	for (int group = 0; group < LEAF_GROUPS; group++)
	{
		MerkleHash hash = kept != NULL && kept->is_kept[group]
							  ? kept->hash[group]
							  : leaf_group_hash(maker, (LeafGroup) group);

		appendBinaryStringInfo(entry, (const char *) hash.bytes, SHA256_LENGTH);
	}
}

/*
 * Return the hash of a row's leaf.  kept has the hashes of groups whose values are
 * gone, or is NULL.  The entry, the groups and the rows stay in the maker until
 * the next leaf.
 */
MerkleHash
leaf_make(LeafMaker *maker, const StoredRow *row, uint8 flags, const LeafSalts *salts,
		  const LeafKept *kept)
{
	MemoryContext old = MemoryContextSwitchTo(maker->row_memory);
	MerkleHash hash;

	begin_groups(maker, salts);
	add_who(&maker->groups[GROUP_WHO], row);
	add_column(&maker->groups[GROUP_WHAT], row, AUDIT_QUERY, TEXTOID);
	add_details(maker, row);
	add_rows(maker, row);
	make_entry(maker, row, flags, kept);
	hash = merkle_leaf_hash(maker->sha256, maker->entry.data, maker->entry.len);
	MemoryContextSwitchTo(old);
	MemoryContextReset(maker->row_memory);
	return hash;
}
