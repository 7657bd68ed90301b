/*
 * protection.h
 *	  Whether what a review means may be changed without a review.
 */
#ifndef WFO_ENGINE_PROTECTION_H
#define WFO_ENGINE_PROTECTION_H

#include "postgres.h"

#include "engine/identity/caller.h"
#include "store/actor.h"

extern void protection_share(void);
extern bool protection_lets_confirm(const Caller *caller);
extern void protection_check(const Caller *caller, const char *call);
extern bool actor_administers(const Actor *actor);
extern bool protection_is_own_session(const Caller *caller, const Actor *actor);
extern void protection_check_person(const Caller *caller, const Actor *actor);

#endif
