/*
 * administrators.h
 *	  Whether there are enough people for calls of built-in tools.
 */
#ifndef WFO_ENGINE_ADMINISTRATORS_H
#define WFO_ENGINE_ADMINISTRATORS_H

#include "postgres.h"

#include "store/actor.h"
#include "store/policy.h"

extern int64 administrators_needed(const Policy *policy);
extern int64 administrators_count(int64 enough);
extern int64 administrators_reviewers(const char *role, int64 enough);
extern bool administrators_can_execute(void);
extern bool actor_could_review_in_person(const Actor *actor);

#endif
