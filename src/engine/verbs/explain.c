/*
 * explain.c
 *	  What a call would need, if it were proposed.
 *
 * It answers with the same checks, the same conversion of params and the same
 * requirements as propose.c, but writes nothing and takes no lock, so it also
 * works on a standby.  What rules mean is requirement.c's business.
 */
#include "postgres.h"

#include "base/json.h"
#include "engine/approval/candidate.h"
#include "engine/approval/requirement.h"
#include "engine/approval/standing.h"
#include "engine/identity/binding.h"
#include "engine/identity/caller.h"
#include "engine/state.h"
#include "engine/tool/definition.h"
#include "engine/verbs/call_params.h"
#include "engine/verbs/explain.h"
#include "engine/verbs/standing.h"

/* What the explanation is about. */
typedef struct Explained
{
	const Actor *actor;
	Person proposer; /* who the actor would be in the proposal */
	const char *tool;
	bool names_people;
	const Policy *policy;
	Revision revision;        /* as it would be proposed */
	const Standing *standing; /* that would approve it, or NULL */
} Explained;

/*
 * Refuse an actor that the caller could not propose as: 42501.  A caller that
 * reads everything and is bound to no actor may ask about any active one.
 */
static void
check_actor(const Caller *caller, const Actor *actor)
{
	if (caller_reads_all(caller) && caller_bound_actor(caller) == NULL)
		actor_check_active(actor);
	else
		caller_check_reads_as(caller, actor);
}

static Jsonb *
names_json(const List *names)
{
	JsonArray array;
	ListCell *cell;

	json_array_begin(&array);
	foreach (cell, names)
		json_array_add_text(&array, lfirst(cell));
	return json_array_end(&array);
}

static RosterSubject
roster_subject(const Explained *explained)
{
	return (RosterSubject){explained->tool, explained->revision.params, explained->actor->actor_id};
}

/* The requirements of the revision, each with who could meet it where the caller may know. */
static Jsonb *
requirements_json(const Explained *explained)
{
	Jsonb *stored = explained->revision.requirements;
	Quorum quorum = requirement_quorum(stored);
	RosterSubject subject = roster_subject(explained);
	JsonArray array;

	json_array_begin(&array);
	for (int i = 0; i < quorum.count; i++)
	{
		const Requirement *requirement = &quorum.requirements[i];
		JsonbValue *element = getIthJsonbValueFromContainer(&stored->root, i);
		JsonObject object;

		json_object_begin(&object);
		json_add_int(&object, "stage", requirement->stage);
		json_add_text(&object, "role", requirement->role);
		json_add_int(&object, "approvals", requirement->approvals);
		if (requirement->administers)
			json_add_bool(&object, "administer", true);
		json_add_value(&object, "rules",
					   getKeyJsonValueFromContainer(element->val.binary.data, "rules",
													strlen("rules"), NULL));
		if (explained->names_people)
			json_add_jsonb(&object, "people",
						   names_json(candidate_names(requirement, &subject, &explained->proposer,
													  explained->policy)));
		json_array_add(&array, json_object_end(&object));
	}
	return json_array_end(&array);
}

static Jsonb *
answer(const Explained *explained)
{
	const Revision *revision = &explained->revision;
	RosterSubject subject = roster_subject(explained);
	JsonObject json;

	json_object_begin(&json);
	json_add_bool(&json, "automatic", revision->rule_id != NULL || explained->standing != NULL);
	if (revision->rule_id != NULL)
		json_add_int(&json, "rule_id", *revision->rule_id);
	else
		json_add_jsonb(&json, "rule_id", NULL);
	if (explained->standing != NULL)
		json_add_int(&json, "standing_id", explained->standing->standing_id);
	else
		json_add_jsonb(&json, "standing_id", NULL);
	json_add_jsonb(&json, "requirements", requirements_json(explained));
	json_add_bool(&json, "approvable",
				  requirement_can_be_met(revision->requirements, &subject, explained->policy));
	return json_object_end(&json);
}

/* Explain what a call would need, as a JSON object.  Writes nothing and locks nothing. */
Jsonb *
explain(const ExplainRequest *request)
{
	Caller caller;
	Explained explained = {.tool = request->tool, .policy = policy_load()};
	const Workflow *workflow = NULL;
	const Tool *tool;

	caller_identify(&caller);
	explained.actor = caller_actor(&caller, request->actor_id, "actor_id");
	if (request->workflow_id != NULL)
		workflow = workflow_require(*request->workflow_id);
	tool = tool_require(request->tool);
	if (workflow != NULL)
		workflow_check_active(workflow);
	tool_check_enabled(tool);
	check_actor(&caller, explained.actor);

	if (caller_is_owner_of(&caller, explained.actor))
		caller_person(&caller, explained.actor, &explained.proposer);
	else
		explained.proposer = actor_person(explained.actor);
	explained.names_people = caller_reads_all(&caller);
	explained.revision.params =
		call_params_convert(&(CallSubject){.tool = tool,
										   .definition = definition_load(tool),
										   .policy = explained.policy,
										   .proposer = explained.actor},
							request->params);
	if (standing_holder_id(request->tool, explained.revision.params) != 0)
		standing_check_holder(&explained.proposer, explained.revision.params, 0);
	requirement_work_out(&explained.revision,
						 &(RequirementSubject){
							 .tool = request->tool,
							 .reason = request->reason,
							 .proposer = explained.actor,
							 .author = explained.actor,
							 .workflow_id = workflow != NULL ? workflow->workflow_id : 0,
							 .workflow = workflow,
							 .may_be_automatic = true,
						 },
						 explained.policy);
	if (explained.revision.rule_id == NULL)
		explained.standing = standing_for(&caller, explained.actor, request->tool,
										  &explained.revision);
	return answer(&explained);
}
