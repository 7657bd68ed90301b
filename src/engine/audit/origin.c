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
#include "base/errors.h"
#include "base/json.h"
#include "base/settings.h"
#include "engine/audit/authority.h"
#include "engine/audit/origin.h"
#include "engine/audit/tree.h"
#include "engine/identity/caller.h"
#include "miscadmin.h"
#include "model/checkpoint.h"
#include "store/audit_log.h"
#include "store/lock.h"
#include "utils/timestamp.h"

/* Later names of the tree have so many characters more. */
#define CHOSEN_ORIGIN_MAX 200

/* Check the setting workflow_orch.audit_origin. */
bool
origin_check(char **origin, pg_attribute_unused() void **extra,
			 pg_attribute_unused() GucSource source)
{
	if (**origin == '\0' || (strlen(*origin) <= CHOSEN_ORIGIN_MAX &&
							 checkpoint_origin_is_valid(*origin) && strstr(*origin, "://") == NULL))
		return true;
	GUC_check_errdetail("An origin is a URL without its scheme, of up to %d printable ASCII "
						"characters, without spaces and plus signs.",
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

/* The name for the tree if it takes another one now. */
static const char *
next_name(void)
{
	int count;

	(void) audit_origin_list(&count);
	return new_name(count + 1);
}

/* Whether the tree has, or had, this name. */
bool
origin_is_known(const char *name)
{
	int count;
	const AuditOrigin *origins = audit_origin_list(&count);

	for (int i = 0; i < count; i++)
		if (strcmp(origins[i].origin, name) == 0)
			return true;
	return count == 0 && strcmp(origin_in_force(), name) == 0;
}

/* Return the size at which the tree last left a name, or -1 if it is in force. */
int64
origin_limit(const char *name)
{
	int count;
	const AuditOrigin *origins = audit_origin_list(&count);

	for (int i = count - 1; i >= 0; i--)
		if (strcmp(origins[i].origin, name) == 0)
			return i < count - 1 ? origins[i + 1].from_size : -1;
	return -1;
}

/* Read a checkpoint, or refuse the text with 22023 if it is none, or of another tree. */
void
origin_read_checkpoint(const char *text, Checkpoint *checkpoint)
{
	const char *problem;

	if (!checkpoint_read(text, checkpoint, &problem))
		report_invalid("wfo_bad_checkpoint", errmsg("the text is not a checkpoint"),
					   errdetail("%s", problem));
	if (!origin_is_known(checkpoint->origin))
		report_invalid("wfo_unknown_origin",
					   errmsg("the audit log never had the origin \"%s\"", checkpoint->origin),
					   errhint("The table audit_origin lists its origins."));
}

/* A change of the tree's name, or of its place. */
typedef struct OriginChange
{
	const char *action;
	const char *from;
	const char *to;
	const char *reason; /* NULL: the sealer changes it */
} OriginChange;

/* Give the tree a name from its present size on. */
static void
take_name(const char *name, int64 from_size, const char *reason)
{
	int count;
	AuditOrigin origin = {.origin = name, .from_size = from_size, .reason = reason};

	(void) audit_origin_list(&count);
	origin.origin_id = count + 1;
	origin.since = GetCurrentTimestamp();
	tree_note_change();
	audit_origin_insert(&origin);
}

/* Add where the tree was at home, and where it is. */
static void
add_homes(JsonObject *details, const AuditTree *tree)
{
	json_add_text(details, "from_system", psprintf(UINT64_FORMAT, (uint64) tree->home_system));
	json_add_text(details, "system", psprintf(UINT64_FORMAT, GetSystemIdentifier()));
	json_add_int(details, "from_database", tree->home_database);
	json_add_int(details, "database", MyDatabaseId);
	json_add_int(details, "from_timeline", tree->timeline);
	json_add_int(details, "timeline", GetWALInsertionTimeLine());
}

/* Write the audit row of a change: what the tree was under its former name. */
static void
record_change(const AuditTree *tree, const OriginChange *change)
{
	AuditEntry entry = {.action = change->action};
	MerkleHash root = tree_root(tree->size);
	JsonObject details;
	Caller caller;

	json_object_begin(&details);
	json_add_text(&details, "from_origin", change->from);
	json_add_text(&details, "origin", change->to);
	json_add_int(&details, "size", tree->size);
	json_add_text(&details, "root", base64_text(root.bytes, SHA256_LENGTH));
	if (change->reason != NULL)
		json_add_text(&details, "reason", change->reason);
	else
		add_homes(&details, tree);
	caller_identify(&caller);
	if (change->reason != NULL)
		entry.actor_id = caller_bound_actor(&caller);
	authority_add(&entry, &details);
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
	OriginChange change = {.action = "continue_audit_log"};

	if (tree == NULL)
	{
		tree = palloc0(sizeof(AuditTree));
		tree->timeline = timeline;
		tree->earlier_id = store_last_id(STORE_AUDIT_LOG);
		take_name(new_name(1), 0, NULL);
		return tree;
	}
	if (tree->is_home && tree->timeline == timeline)
		return tree;
	change.from = change.to = origin_in_force();
	if (!tree->is_home)
	{
		change.to = next_name();
		take_name(change.to, tree->size, NULL);
	}
	record_change(tree, &change);
	tree->timeline = timeline;
	return tree;
}

/*
 * Return the tree for a change of its name, as one that is at home here.  Waits
 * for a round, and keeps others from beginning.
 */
static AuditTree *
lock_tree(void)
{
	AuditTree *tree;

	store_lock_id(LOCK_SEAL, 0, LOCK_EXCLUSIVE);
	tree = origin_follow(audit_tree_load());
	if (tree->row == NULL || !tree->is_home)
	{
		tree->sealed_at = GetCurrentTimestamp();
		audit_tree_save(tree);
	}
	return tree;
}

/*
 * Take the former origin back, where the sealer gave the tree another one after a
 * move.  Returns the origin.
 */
const char *
origin_adopt(const char *reason)
{
	AuditTree *tree = lock_tree();
	int count;
	AuditOrigin *origins = audit_origin_list(&count);
	OriginChange change = {.action = "adopt_origin", .reason = reason};

	if (count < 2 || origins[count - 1].reason != NULL)
		report_wrong_state("wfo_not_moved", errmsg("the audit log has not moved"),
						   errdetail("Its origin is \"%s\".", origins[count - 1].origin),
						   errhint("An origin can be taken back after a restore or a clone, before "
								   "another one is given."));
	change.from = origins[count - 1].origin;
	change.to = origins[count - 2].origin;
	take_name(change.to, tree->size, reason);
	record_change(tree, &change);
	return change.to;
}

/* Give the tree another origin, and return it. */
const char *
origin_renew(const char *reason)
{
	AuditTree *tree = lock_tree();
	OriginChange change = {.action = "new_origin", .reason = reason};

	change.from = origin_in_force();
	change.to = next_name();
	take_name(change.to, tree->size, reason);
	record_change(tree, &change);
	return change.to;
}
