/*
 * standing.h
 *	  Which standing approval covers a call.
 */
#ifndef WFO_ENGINE_STANDING_H
#define WFO_ENGINE_STANDING_H

#include "postgres.h"

#include "engine/approval/requirement.h"
#include "store/standing.h"

/* The call that is asked about. */
typedef struct StandingSubject
{
	const Actor *actor;
	const char *tool;
	Jsonb *params;
	Jsonb *requirements; /* what it needs by the rules in force */
} StandingSubject;

/* Return false to look for another one. */
typedef bool (*StandingChoice)(const Standing *standing, void *arg);

extern const Standing *standing_find(const StandingSubject *subject, StandingChoice choice,
									 void *arg);
extern bool standing_has_uses(const Standing *standing, void *arg);
extern int64 standing_holder_id(const char *tool, Jsonb *params);
extern bool standing_is_holder(const Person *person, Jsonb *params);
extern void standing_check_holder(const Person *person, Jsonb *params, int64 proposal_id);
extern void standing_check_lender(const int64 *on_behalf_of, Jsonb *params, int64 proposal_id);

#endif
