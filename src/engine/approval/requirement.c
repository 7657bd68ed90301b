/*
 * requirement.c
 *	  What approvals a revision needs, by the rules and the policy.
 *
 * It owns how rules and policy become requirements.  They are worked out once,
 * when the revision is made, and stored with it: rules that are added or
 * removed later change nothing.  It also answers whether the registered actors
 * could meet them.  Which reviews fill them is vote.c's business.
 */
#include "postgres.h"

#include "base/cache.h"
#include "base/hash.h"
#include "base/json.h"
#include "engine/approval/administrators.h"
#include "engine/approval/requirement.h"
#include "engine/approval/standing.h"
#include "engine/identity/binding.h"
#include "engine/identity/protection.h"
#include "engine/state.h"
#include "engine/tool/definition.h"
#include "lib/stringinfo.h"
#include "model/built_in.h"
#include "model/capability.h"
#include "model/condition.h"
#include "model/person.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "utils/syscache.h"

/* Begin a member of an object that is an object or an array itself. */
static void
begin_member(JsonObject *object, const char *key, JsonbIteratorToken begin)
{
	JsonbValue name = {.type = jbvString};

	name.val.string.val = unconstify(char *, key);
	name.val.string.len = strlen(key);
	pushJsonbValue(&object->state, WJB_KEY, &name);
	pushJsonbValue(&object->state, begin, NULL);
}

/* Build the document that conditions are evaluated on. */
static Jsonb *
build_document(const RequirementSubject *subject, Jsonb *params)
{
	const Workflow *workflow = subject->workflow;
	JsonObject document;

	if (workflow == NULL && subject->workflow_id != 0)
		workflow = workflow_require(subject->workflow_id);
	json_object_begin(&document);
	json_add_text(&document, "tool", subject->tool);
	json_add_jsonb(&document, "params", params);
	json_add_text(&document, "reason", subject->reason);
	begin_member(&document, "actor", WJB_BEGIN_OBJECT);
	json_add_text(&document, "name", subject->proposer->name);
	json_add_text(&document, "role", subject->proposer->role);
	json_add_text(&document, "kind", enum_label(&actor_kind_type, subject->proposer->kind));
	pushJsonbValue(&document.state, WJB_END_OBJECT, NULL);
	if (workflow != NULL)
	{
		begin_member(&document, "workflow", WJB_BEGIN_OBJECT);
		json_add_text(&document, "title", workflow_title(workflow));
		json_add_jsonb(&document, "metadata", workflow_metadata(workflow));
		pushJsonbValue(&document.state, WJB_END_OBJECT, NULL);
	}
	return json_object_end(&document);
}

/* The order of requirements: by stage, then by role, with the slot for any role last. */
static bool
comes_before(const Rule *rule, const Requirement *requirement)
{
	if (rule->stage != requirement->stage)
		return rule->stage < requirement->stage;
	if (rule->role == NULL || requirement->role == NULL)
		return rule->role != NULL;
	return strcmp(rule->role, requirement->role) < 0;
}

/* Add a rule.  Rules for the same stage and role combine to the largest number. */
static void
add_rule(Need *need, const Rule *rule)
{
	Quorum *quorum = &need->quorum;
	int at = 0;

	for (; at < quorum->count; at++)
	{
		Requirement *requirement = &quorum->requirements[at];

		if (requirement->stage == rule->stage && quorum_same_role(requirement->role, rule->role))
		{
			requirement->approvals = Max(requirement->approvals, rule->approvals);
			need->rules[at] = lappend(need->rules[at], unconstify(Rule *, rule));
			return;
		}
		if (comes_before(rule, requirement))
			break;
	}
	memmove(&quorum->requirements[at + 1], &quorum->requirements[at],
			sizeof(Requirement) * (quorum->count - at));
	memmove(&need->rules[at + 1], &need->rules[at], sizeof(List *) * (quorum->count - at));
	quorum->requirements[at] = (Requirement){.stage = rule->stage,
											 .role = rule->role,
											 .approvals = rule->approvals};
	need->rules[at] = list_make1(unconstify(Rule *, rule));
	quorum->count++;
}

/* Add what one requirement is to an object. */
static void
put_requirement(JsonObject *object, const Need *need, int index)
{
	const Requirement *requirement = &need->quorum.requirements[index];
	ListCell *cell;

	json_add_int(object, "stage", requirement->stage);
	json_add_text(object, "role", requirement->role);
	json_add_int(object, "approvals", requirement->approvals);
	if (requirement->administers)
		json_add_bool(object, "administer", true);
	begin_member(object, "rules", WJB_BEGIN_ARRAY);
	foreach (cell, need->rules[index])
	{
		JsonbValue id = {.type = jbvNumeric};

		id.val.numeric = int64_to_numeric(((Rule *) lfirst(cell))->rule_id);
		pushJsonbValue(&object->state, WJB_ELEM, &id);
	}
	pushJsonbValue(&object->state, WJB_END_ARRAY, NULL);
}

/* Requirements as they are stored. */
static Jsonb *
need_json(const Need *need)
{
	JsonObject json = {0};

	pushJsonbValue(&json.state, WJB_BEGIN_ARRAY, NULL);
	for (int i = 0; i < need->quorum.count; i++)
	{
		pushJsonbValue(&json.state, WJB_BEGIN_OBJECT, NULL);
		put_requirement(&json, need, i);
		pushJsonbValue(&json.state, WJB_END_OBJECT, NULL);
	}
	return JsonbValueToJsonb(pushJsonbValue(&json.state, WJB_END_ARRAY, NULL));
}

/*
 * Whether a rule with 0 approvals holds for a tool as it is now: only with the
 * definition that the tool had when the rule was added.
 */
static bool
holds_for_definition(const Rule *rule, const char *tool)
{
	JsonbValue *sha256;

	if (rule->definitions == NULL)
		return true;
	sha256 = json_find(rule->definitions, tool);
	return sha256 != NULL && sha256->type == jbvString &&
		   definition_change(tool_require(tool), sha256_of_hex(pnstrdup(sha256->val.string.val,
																		sha256->val.string.len))) ==
			   NULL;
}

/* Whether a rule with 0 approvals may approve the subject, if its condition holds. */
static bool
may_let_through(const Rule *rule, const RequirementSubject *subject)
{
	bool by_agent = subject->proposer->kind == ACTOR_AGENT || subject->author->kind == ACTOR_AGENT;

	return subject->may_be_automatic && (rule->agents || !by_agent) &&
		   holds_for_definition(rule, subject->tool);
}

/*
 * Whether a rule covers the subject.
 *
 * A condition that cannot be judged counts as true for a rule that asks for
 * approvals, and as false for a rule with 0 approvals.  Without a workflow that
 * is so for each part of a condition that depends on the workflow.
 */
static bool
rule_matches(const Rule *rule, const RequirementSubject *subject, Jsonb *params, Jsonb **document)
{
	Truth truth;

	if (built_in_is(subject->tool) && rule->tool == NULL)
		return false;
	if (rule->approvals == 0 && !may_let_through(rule, subject))
		return false;
	if (rule->condition.path == NULL)
		return true;
	if (*document == NULL)
		*document = build_document(subject, params);
	truth = subject->workflow_id == 0 && rule->condition.at_large
				? TRUTH_UNKNOWN
				: condition_evaluate(&rule->condition, *document);
	return truth == TRUTH_TRUE || (truth == TRUTH_UNKNOWN && rule->approvals > 0);
}

/* Take a rule that covers the subject into account. */
static void
take_rule(Need *need, const Rule *rule)
{
	if (rule->approvals > 0)
		add_rule(need, rule);
	else if (need->automatic == NULL)
		need->automatic = rule;
}

/* Whether a call of a built-in tool grants a capability by which one alone could do anything. */
static bool
grants_restricted(const char *tool, Jsonb *params)
{
	JsonbValue *name = json_find(params, "capability");
	Capability capability;

	return strcmp(built_in_call(tool), "grant_capability") == 0 && name != NULL &&
		   name->type == jbvString &&
		   capability_parse(pnstrdup(name->val.string.val, name->val.string.len), &capability) &&
		   capability_info(capability)->restricted;
}

/*
 * Add what every call of a built-in tool needs, whatever the rules say: in its
 * last stage, people who hold administer besides review.
 */
static void
add_administrators(Need *need, const char *tool, Jsonb *params, const Policy *policy)
{
	Quorum *quorum = &need->quorum;
	int64 stage = quorum->count > 0 ? quorum->requirements[quorum->count - 1].stage : 1;
	int64 least = grants_restricted(tool, params) ? 2 : 1;

	need->rules[quorum->count] = NIL;
	quorum->requirements[quorum->count++] =
		(Requirement){.stage = stage,
					  .approvals = Max(least, policy->default_approvals),
					  .administers = true};
}

/*
 * Find out what a standing approval needs: all that any call of its tool could
 * need, and no less than the policy's number.
 */
static void
find_for_standing(Need *need, const RequirementSubject *subject, Jsonb *params,
				  const Policy *policy)
{
	JsonbValue *name = json_find(params, "tool");
	const RuleList *rules = rule_list(name != NULL && name->type == jbvString
										  ? pnstrdup(name->val.string.val, name->val.string.len)
										  : "");
	const RuleList *own = rule_list(subject->tool);
	Rule by_policy = {.stage = 1, .approvals = policy->default_approvals};

	need->quorum.requirements = palloc(sizeof(Requirement) * (rules->count + own->count + 1));
	need->rules = palloc(sizeof(List *) * (rules->count + own->count + 1));
	add_rule(need, &by_policy);
	need->rules[0] = NIL;
	for (int i = 0; i < rules->count; i++)
		if (rules->rules[i].approvals > 0)
			add_rule(need, &rules->rules[i]);
	for (int i = 0; i < own->count; i++)
		if (own->rules[i].tool != NULL)
			add_rule(need, &own->rules[i]);
}

/*
 * Find out what a call with these params needs, by the rules in force, by one
 * more if that is given, and by the policy.  The result is in the current memory
 * context; its rules are valid until the end of the transaction.
 */
void
requirement_find(Need *need, const RequirementSubject *subject, Jsonb *params, const Policy *policy,
				 const Rule *more)
{
	const RuleList *rules = rule_list(subject->tool);
	Rule by_policy = {.stage = 1, .approvals = policy->default_approvals};
	Jsonb *document = NULL;

	need->automatic = NULL;
	need->quorum.count = 0;
	if (built_in_is_standing(subject->tool))
	{
		find_for_standing(need, subject, params, policy);
		return;
	}
	need->quorum.requirements = palloc(sizeof(Requirement) * (rules->count + 2));
	need->rules = palloc(sizeof(List *) * (rules->count + 2));
	for (int i = 0; i < rules->count; i++)
		if (rule_matches(&rules->rules[i], subject, params, &document))
			take_rule(need, &rules->rules[i]);
	if (more != NULL && rule_matches(more, subject, params, &document))
		take_rule(need, more);

	if (built_in_is(subject->tool))
		add_administrators(need, subject->tool, params, policy);
	if (need->quorum.count > 0)
		need->automatic = NULL;
	else if (need->automatic == NULL)
	{
		add_rule(need, &by_policy);
		need->rules[0] = NIL;
	}
}

/*
 * Work out what a revision needs and set it there: the requirements, their
 * number, and the rule that approves the revision, if there is one.
 */
void
requirement_work_out(Revision *revision, const RequirementSubject *subject, const Policy *policy)
{
	Need need;

	requirement_find(&need, subject, revision->params, policy, NULL);
	revision->rule_id = need.automatic != NULL ? &need.automatic->rule_id : NULL;
	revision->required_approvals = quorum_size(&need.quorum);
	revision->requirements = need_json(&need);
}

static bool
has_later_stage(const Quorum *quorum)
{
	return quorum->count > 0 && quorum->requirements[quorum->count - 1].stage > 1;
}

/*
 * "1 by role "DBA", 2 by anybody" of a stage, for a message.  Of all stages (0)
 * "stage 1: 1 by role "DBA"; stage 2: 1 by anybody", or without the number if
 * there is only stage 1.
 */
char *
requirement_describe(const Quorum *quorum, int64 stage)
{
	bool name_stages = stage == 0 && has_later_stage(quorum);
	int64 named = 0;
	StringInfoData text;

	initStringInfo(&text);
	for (int i = 0; i < quorum->count; i++)
	{
		const Requirement *requirement = &quorum->requirements[i];

		if (stage != 0 && requirement->stage != stage)
			continue;
		if (name_stages && requirement->stage != named)
		{
			appendStringInfo(&text, "%sstage " INT64_FORMAT ": ", text.len > 0 ? "; " : "",
							 requirement->stage);
			named = requirement->stage;
		}
		else if (text.len > 0)
			appendStringInfoString(&text, ", ");
		appendStringInfo(&text, INT64_FORMAT " by ", requirement->approvals);
		if (requirement->role != NULL)
			appendStringInfo(&text, "role \"%s\"", requirement->role);
		else if (requirement->administers)
			appendStringInfoString(&text, "reviewers who hold administer");
		else
			appendStringInfoString(&text, "anybody");
	}
	return text.data;
}

/*
 * Whether the actor is one that may review calls of the tool (NULL: of one that is
 * not built in), and that some session could act as.
 */
bool
actor_could_review(const Actor *actor, const char *tool, bool agents_may_review)
{
	if (tool != NULL && built_in_is_administrative(tool))
		return actor_could_review_in_person(actor);
	return actor->active && (actor->kind == ACTOR_HUMAN || agents_may_review) &&
		   actor_can_be_acted_for(actor);
}

/* Number of actors to look at before assuming that there are enough people. */
#define ROSTER_MAX 1000

static Cache *rosters = NULL;

/* A question about the actors, whose answer is kept until one of them, or a role, changes. */
typedef struct RosterQuestion
{
	int64 proposer_id; /* 0: nobody */
	int64 holder_id;   /* of the standing approval that is proposed; 0: nobody */
	bool agents_may_review;
	bool in_person; /* the tool is one whose calls people review in sessions of their own */
	int32 requirements[FLEXIBLE_ARRAY_MEMBER]; /* a Jsonb, which is aligned so */
} RosterQuestion;

typedef struct RosterAnswer
{
	bool missing;
	const char *role; /* NULL: of anybody */
	int64 needed;
	int64 there;
} RosterAnswer;

/* Put the people who may not approve, whoever else may, into an array; returns how many. */
static int
list_barred(const RosterQuestion *question, Person *people)
{
	int64 ids[] = {question->proposer_id, question->holder_id};
	int count = 0;

	for (int i = 0; i < (int) lengthof(ids); i++)
	{
		const Actor *actor = ids[i] != 0 ? actor_load(ids[i]) : NULL;

		if (actor != NULL)
			people[count++] = actor_person(actor);
	}
	return count;
}

/*
 * Count the people besides the proposer, and the holder of a standing approval, who
 * could fill a requirement (NULL: any), up to what is needed.
 */
static int64
count_people(const RosterQuestion *question, const Requirement *requirement, int64 needed)
{
	Person *people = palloc(sizeof(Person) * (ROSTER_MAX + 2));
	int npeople = list_barred(question, people);
	int barred = person_count(people, npeople);
	int64 there = 0;
	ActorScan scan;
	const Actor *actor;

	actor_scan_begin(&scan, requirement != NULL ? requirement->role : NULL);
	for (int seen = 0; there < needed && (actor = actor_scan_next(&scan)) != NULL; seen++)
	{
		if (seen == ROSTER_MAX)
		{
			there = needed;
			break;
		}
		if (!(question->in_person ? actor_could_review_in_person(actor)
								  : actor_could_review(actor, NULL, question->agents_may_review)) ||
			(requirement != NULL && requirement->administers && !actor_administers(actor)))
			continue;
		people[npeople++] = actor_person(actor);
		if (npeople - barred >= needed)
			there = person_count(people, npeople) - barred;
	}
	actor_scan_end(&scan);
	return Max(there, person_count(people, npeople) - barred);
}

/* Count the people with a role (NULL: any) who could approve what nobody of them proposed. */
int64
requirement_count_people(const char *role, int64 needed, const Policy *policy)
{
	RosterQuestion question = {.agents_may_review = policy->agents_may_review};
	Requirement requirement = {.role = role};

	return count_people(&question, &requirement, needed);
}

static void
answer_roster(const RosterQuestion *question, RosterAnswer *answer)
{
	Quorum quorum = requirement_quorum((Jsonb *) question->requirements);

	for (int i = 0; i <= quorum.count; i++)
	{
		/* Each requirement by itself, then all of them together. */
		bool all = i == quorum.count;
		const Requirement *requirement = all ? NULL : &quorum.requirements[i];
		int64 needed = all ? quorum_size(&quorum) : requirement->approvals;
		int64 there = count_people(question, requirement, needed);

		if (there < needed)
		{
			*answer = (RosterAnswer){.missing = true,
									 .role = all ? NULL : requirement->role,
									 .needed = needed,
									 .there = there};
			break;
		}
	}
}

/* The same, in memory of its own.  The working memory is freed. */
static RosterAnswer *
keep_answer(const RosterQuestion *question, MemoryContext memory)
{
	RosterAnswer *answer = MemoryContextAllocZero(memory, sizeof(RosterAnswer));
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "roster",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);

	answer_roster(question, answer);
	if (answer->role != NULL)
		answer->role = MemoryContextStrdup(memory, answer->role);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return answer;
}

/* Whether the actors registered now could give what a proposal needs. */
static const RosterAnswer *
ask_roster(const Jsonb *requirements, const RosterSubject *subject, const Policy *policy)
{
	Size length = offsetof(RosterQuestion, requirements) + VARSIZE(requirements);
	RosterQuestion *question = palloc0(length);
	RosterAnswer *answer;

	if (rosters == NULL)
	{
		static const int caches[] = {AUTHOID, AUTHMEMROLEMEM, AUTHMEMMEMROLE, PROCOID};

		/* The cache depends on all tables, and so on that of the actors. */
		rosters = cache_create("rosters");
		cache_depend_on_catalogs(rosters, caches, lengthof(caches));
	}
	question->proposer_id = subject->proposer_id;
	question->holder_id = standing_holder_id(subject->tool, subject->params);
	question->in_person = built_in_is_administrative(subject->tool);
	question->agents_may_review = policy->agents_may_review;
	memcpy(question->requirements, requirements, VARSIZE(requirements));
	answer = cache_get(rosters, question, length);
	if (answer == NULL)
	{
		MemoryContext memory = cache_begin_value();

		answer = keep_answer(question, memory);
		cache_put(rosters, question, length, answer, memory);
	}
	return answer;
}

bool
requirement_can_be_met(const Jsonb *requirements, const RosterSubject *subject,
					   const Policy *policy)
{
	return !ask_roster(requirements, subject, policy)->missing;
}

/*
 * Warn if too few of the registered actors, for whom somebody could act, could
 * give the approvals that a proposal needs.
 */
void
requirement_warn_if_nobody(const Revision *revision, const char *tool, int64 proposer_id,
						   const Policy *policy)
{
	RosterSubject subject = {tool, revision->params, proposer_id};
	const RosterAnswer *answer = ask_roster(revision->requirements, &subject, policy);
	int64 proposal_id = revision->proposal_id;

	if (!answer->missing)
		return;
	ereport(WARNING,
			(answer->role != NULL
				 ? errmsg("too few actors with role \"%s\" are registered to approve "
						  "proposal " INT64_FORMAT,
						  answer->role, proposal_id)
				 : errmsg("too few actors are registered to approve proposal " INT64_FORMAT,
						  proposal_id),
			 errdetail("People needed besides the proposer: " INT64_FORMAT
					   "; registered: " INT64_FORMAT ".",
					   answer->needed, answer->there),
			 errhint("Register an actor, or propose the call again when an actor has the role. "
					 "Actors do not count if they are inactive or if nobody can log in as their "
					 "database role.")));
}
