/*
 * caller.h
 *	  Who is calling, and for whom.
 */
#ifndef WFO_ENGINE_CALLER_H
#define WFO_ENGINE_CALLER_H

#include "postgres.h"

#include "model/capability.h"
#include "model/person.h"
#include "store/actor.h"

typedef struct Caller
{
	Oid role; /* the role taken on; in a tool, the tool's */
	const char *role_name;
	Oid login; /* session_user */
	const char *login_name;
	bool gateway;      /* may act for any actor */
	bool names_actors; /* a gateway that must name the actor, since it acts for many */
} Caller;

extern void caller_identify(Caller *caller);
extern bool caller_has(const Caller *caller, Capability capability);
extern bool caller_reads_all(const Caller *caller);
extern int64 *caller_bound_actor(const Caller *caller);
extern char *caller_advice(const Caller *caller);
extern const Actor *actor_require(int64 actor_id);
extern void actor_check_active(const Actor *actor);
extern const Actor *caller_actor(const Caller *caller, const int64 *given, const char *argument);
extern const Actor *caller_actor_or_nobody(const Caller *caller, const int64 *given);
extern const Actor *caller_actor_or_null(const Caller *caller, const int64 *given);
extern void caller_check_reads_as(const Caller *caller, const Actor *actor);
extern bool caller_may_act(const Caller *caller, const Actor *actor);
extern const Actor *caller_read_again(Caller *caller, const Actor *actor);
extern void caller_check_acts_as(const Caller *caller, const Actor *actor);
extern bool caller_is_owner_of(const Caller *caller, const Actor *actor);
extern void caller_person(const Caller *caller, const Actor *actor, Person *person);

#endif
