/*
 * binding.h
 *	  Which database role an actor or a tool is bound to.
 */
#ifndef WFO_ENGINE_BINDING_H
#define WFO_ENGINE_BINDING_H

#include "postgres.h"

#include "model/person.h"
#include "store/actor.h"
#include "store/tool.h"

extern const char *actor_role_name(const Actor *actor);
extern const char *tool_role_name(const Tool *tool);
extern List *tool_former_role_names(const Tool *tool);
extern Person actor_person(const Actor *actor);
extern bool actor_is_rebound(const Actor *actor, const char *db_role);
extern bool actor_was_known_as(const Actor *actor, const char *db_role);
extern bool actor_can_be_acted_for(const Actor *actor);
extern void actor_follow_role(const Actor *actor);
extern void tool_follow_role(const Tool *tool);

#endif
