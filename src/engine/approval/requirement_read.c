/*
 * requirement_read.c
 *	  Reads requirements as they are stored.
 *
 * requirement.c wrote them, but somebody may have changed them past the triggers,
 * so nothing is taken for granted here.
 */
#include "postgres.h"

#include "base/errors.h"
#include "base/json.h"
#include "engine/approval/requirement.h"

/* A member of one of the requirements, or NULL. */
static JsonbValue *
requirement_member(const JsonbValue *object, const char *key)
{
	if (object->type != jbvBinary || !JsonContainerIsObject(object->val.binary.data))
		return NULL;
	return getKeyJsonValueFromContainer(object->val.binary.data, key, strlen(key), NULL);
}

static bool
read_number(const JsonbValue *object, const char *key, int64 *number)
{
	JsonbValue *member = requirement_member(object, key);

	return member != NULL && json_value_int64(member, number) && *number >= 1;
}

static bool
read_requirement(const JsonbValue *object, Requirement *requirement)
{
	JsonbValue *role = requirement_member(object, "role");

	if (role == NULL || (role->type != jbvString && role->type != jbvNull) ||
		!read_number(object, "stage", &requirement->stage) ||
		!read_number(object, "approvals", &requirement->approvals))
		return false;
	requirement->administers = requirement_member(object, "administer") != NULL;
	requirement->role = role->type == jbvString
							? pnstrdup(role->val.string.val, role->val.string.len)
							: NULL;
	return true;
}

/* Read requirements as they are stored.  Returns false if they are none. */
bool
requirement_read(Jsonb *requirements, Quorum *quorum)
{
	int size = JB_ROOT_COUNT(requirements);

	memset(quorum, 0, sizeof(Quorum));
	if (!JB_ROOT_IS_ARRAY(requirements) || JB_ROOT_IS_SCALAR(requirements))
		return false;
	quorum->requirements = palloc(sizeof(Requirement) * Max(size, 1));
	for (; quorum->count < size; quorum->count++)
		if (!read_requirement(getIthJsonbValueFromContainer(&requirements->root, quorum->count),
							  &quorum->requirements[quorum->count]))
			return false;
	return true;
}

/* Requirements as the extension has stored them; an error if somebody has changed them. */
Quorum
requirement_quorum(Jsonb *requirements)
{
	Quorum quorum;

	if (!requirement_read(requirements, &quorum))
		report_corrupted("wfo_row_malformed", errmsg("the stored requirements are malformed"),
						 errhint("Ask verify_audit_log() what was changed past the triggers."));
	return quorum;
}
