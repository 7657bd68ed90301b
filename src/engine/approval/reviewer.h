/*
 * reviewer.h
 *	  Who may judge a proposal.
 */
#ifndef WFO_ENGINE_REVIEWER_H
#define WFO_ENGINE_REVIEWER_H

#include "postgres.h"

#include "model/person.h"
#include "store/actor.h"
#include "store/policy.h"
#include "store/proposal.h"

/* What somebody does with a proposal that they may not do with their own. */
typedef enum ReviewerAct
{
	ACT_REVIEW,
	ACT_PREVIEW
} ReviewerAct;

extern bool reviewer_is_of_kind(const Actor *reviewer, const Policy *policy);
extern void reviewer_check_kind(const Actor *reviewer, const Policy *policy);
extern bool reviewer_is_actor(const Person *reviewer, const Person *then);
extern bool reviewer_is_proposer(const Person *reviewer, const Proposal *proposal);
extern char *reviewer_describe_mark(const Person *reviewer, const Person *then);
extern char *reviewer_describe_way_out(const Person *reviewer, const Person *then);
extern void reviewer_report_own(const Person *reviewer, const Proposal *proposal, ReviewerAct act);

#endif
