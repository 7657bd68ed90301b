/*
 * rule_test.c
 *	  What a rule would have changed, had it been in force.
 *
 * It owns the comparison of what a proposal needs by the rules in force with what
 * it would need by one rule more.  It only reads, and a proposal whose actor or
 * tool is gone is no error.  What rules mean is requirement.c's business, and what
 * a rule may be is rule.c's.
 */
#include "postgres.h"

#include "engine/approval/requirement.h"
#include "engine/verbs/rule_test.h"
#include "store/actor.h"
#include "store/policy.h"
#include "store/proposal.h"
#include "store/workflow.h"

static const char *
describe_need(const Need *need)
{
	return need->automatic != NULL ? "nothing" : requirement_describe(&need->quorum, 0);
}

/*
 * Compare what the current revision of a proposal needs with what it would need
 * with the rule.  Returns false if that is the same, if there is no such proposal
 * or if its actors are unknown.
 */
bool
rule_find_effect(const Rule *rule, int64 proposal_id, RuleEffect *effect)
{
	const Proposal *proposal = proposal_load(proposal_id);
	const Policy *policy = policy_load();
	RequirementSubject subject;
	Need without;
	Need with;

	if (proposal == NULL || (rule->tool != NULL && strcmp(rule->tool, proposal->tool) != 0))
		return false;
	subject = (RequirementSubject){
		.tool = proposal->tool,
		.reason = proposal->reason,
		.proposer = actor_load(proposal->actor_id),
		.author = actor_load(proposal->revised_by),
		.workflow_id = workflow_load(proposal->workflow_id) != NULL ? proposal->workflow_id : 0,
		.may_be_automatic = proposal->revised_by == proposal->actor_id ||
							!policy->edit_needs_approval,
	};
	if (subject.proposer == NULL || subject.author == NULL)
		return false;
	requirement_find(&without, &subject, proposal->params, policy, NULL);
	requirement_find(&with, &subject, proposal->params, policy, rule);
	effect->needed = describe_need(&without);
	effect->would_need = describe_need(&with);
	return strcmp(effect->needed, effect->would_need) != 0;
}
