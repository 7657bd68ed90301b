/*
 * actor.h
 *	  Registers and changes actors.
 */
#ifndef WFO_ENGINE_ACTOR_H
#define WFO_ENGINE_ACTOR_H

#include "postgres.h"

extern int64 actor_register(const char *name, const char *role, Oid db_role, const char *kind,
							const char *person);

/* What is changed of an actor; NULL leaves as it is. */
typedef struct ActorChange
{
	char *name;
	char *role;
	Oid *db_role; /* InvalidOid: none */
	bool *active;
	char *person; /* empty: none */
} ActorChange;

extern void actor_reserve_name(const char *name, int64 actor_id);
extern void actor_update(int64 actor_id, const ActorChange *change);

#endif
