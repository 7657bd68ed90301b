/*
 * candidate.h
 *	  Who could give an approval that a call needs.
 */
#ifndef WFO_ENGINE_CANDIDATE_H
#define WFO_ENGINE_CANDIDATE_H

#include "postgres.h"

#include "engine/approval/requirement.h"
#include "model/person.h"
#include "model/quorum.h"
#include "nodes/pg_list.h"
#include "store/policy.h"

/* The most candidates that are named. */
#define CANDIDATES_NAMED 100

extern List *candidate_names(const Requirement *requirement, const RosterSubject *subject,
							 const Person *proposer, const Policy *policy);

#endif
