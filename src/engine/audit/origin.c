/*
 * origin.c
 *	  The name of the tree, and where it is at home.
 *
 * A checkpoint begins with the tree's origin.  Two trees with the same origin
 * must not differ, so a tree that finds itself in another place (a restore, a
 * clone, after pg_upgrade) goes on under a new origin.  Its leaves stay, and an
 * audit row tells of the move.  After a promotion the place is the same, and the
 * row has the new timeline.
 *
 * Owns the names and that row.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "base/base64.h"
#include "base/json.h"
#include "base/settings.h"
#include "engine/audit/origin.h"
#include "engine/audit/tree.h"
#include "engine/identity/caller.h"
#include "miscadmin.h"
#include "model/checkpoint.h"
#include "store/audit_log.h"
#include "utils/timestamp.h"

/* Later names of the tree have so many characters more. */
#define CHOSEN_ORIGIN_MAX 200

/* Check the setting workflow_orch.audit_origin. */
bool
origin_check(char **origin, pg_attribute_unused() void **extra,
			 pg_attribute_unused() GucSource source)
{
	if (**origin == '\0' ||
		(strlen(*origin) <= CHOSEN_ORIGIN_MAX && checkpoint_origin_is_valid(*origin)))
		return true;
	GUC_check_errdetail("An origin has up to %d printable ASCII characters, without spaces and "
						"plus signs.",
						CHOSEN_ORIGIN_MAX);
	return false;
}

/*
 * The name for a tree in this place.  The first may be chosen with a setting;
 * later ones say where they are, so that no two copies take the same.
 */
static const char *
new_name(int64 origin_id)
{
	const char *chosen = setting_audit_origin;
	bool has_chosen = chosen != NULL && chosen[0] != '\0';

	if (has_chosen && origin_id == 1)
		return chosen;
	return psprintf("%s/" UINT64_FORMAT "/%u/" INT64_FORMAT, has_chosen ? chosen : "workflow_orch",
					GetSystemIdentifier(), MyDatabaseId, origin_id);
}

/* Return the origin of the tree's checkpoints. */
const char *
origin_in_force(void)
{
	int count;
	AuditOrigin *origins = audit_origin_list(&count);

	return count > 0 ? origins[count - 1].origin : new_name(1);
}

static void
take_name(const char *name, int64 from_size, const char *reason)
{
	int count;
	AuditOrigin origin = {.origin = name, .from_size = from_size, .reason = reason};

	(void) audit_origin_list(&count);
	origin.origin_id = count + 1;
	origin.since = GetCurrentTimestamp();
	audit_origin_insert(&origin);
}

/* Write the audit row of a move. */
static void
record_move(const AuditTree *tree, const char *old_name, const char *name, int64 timeline)
{
	AuditEntry entry = {.action = "continue_audit_log"};
	MerkleHash root = tree_root(tree->size);
	JsonObject details;
	Caller caller;

	json_object_begin(&details);
	json_add_text(&details, "from_origin", old_name);
	json_add_text(&details, "origin", name);
	json_add_int(&details, "size", tree->size);
	json_add_text(&details, "root", base64_text(root.bytes, SHA256_LENGTH));
	json_add_text(&details, "from_system", psprintf(UINT64_FORMAT, (uint64) tree->home_system));
	json_add_text(&details, "system", psprintf(UINT64_FORMAT, GetSystemIdentifier()));
	json_add_int(&details, "from_database", tree->home_database);
	json_add_int(&details, "database", MyDatabaseId);
	json_add_int(&details, "from_timeline", tree->timeline);
	json_add_int(&details, "timeline", timeline);
	caller_identify(&caller);
	entry.login = caller.login;
	entry.db_role = caller.role;
	entry.details = json_object_end(&details);
	audit_insert(&entry);
}

/*
 * Return the tree as one that is at home here, or an empty tree if there was none;
 * the caller writes it.  It holds LOCK_SEAL.
 */
AuditTree *
origin_follow(AuditTree *tree)
{
	int64 timeline = GetWALInsertionTimeLine();
	const char *old_name;
	const char *name;

	if (tree == NULL)
	{
		tree = palloc0(sizeof(AuditTree));
		tree->timeline = timeline;
		take_name(new_name(1), 0, NULL);
		return tree;
	}
	if (tree->is_home && tree->timeline == timeline)
		return tree;
	old_name = name = origin_in_force();
	if (!tree->is_home)
	{
		int count;

		(void) audit_origin_list(&count);
		name = new_name(count + 1);
		take_name(name, tree->size, NULL);
	}
	record_move(tree, old_name, name, timeline);
	tree->timeline = timeline;
	return tree;
}
