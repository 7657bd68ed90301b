/*
 * built_in.h
 *	  Which tools are calls of the extension itself.
 */
#ifndef WFO_MODEL_BUILT_IN_H
#define WFO_MODEL_BUILT_IN_H

#include "postgres.h"

#include "utils/jsonb.h"

/*
 * Members of the params that are filled in when the call is proposed: the row
 * that it is about, as it stands, the search_path of the proposer's session, the
 * hash of the definition that a tool will have, and the OIDs of roles.
 */
#define BUILT_IN_OLD "old"
#define BUILT_IN_SEARCH_PATH "search_path"
#define BUILT_IN_DEFINITION "definition"
#define BUILT_IN_RUN_AS_OID "run_as_oid"
#define BUILT_IN_DB_ROLE_OID "db_role_oid"

extern const char *const built_in_members[];

extern bool built_in_is(const char *tool);
extern bool built_in_is_standing(const char *tool);
extern bool built_in_is_administrative(const char *tool);
extern const char *built_in_call(const char *tool);
extern bool built_in_has_member(const char *name);
extern Jsonb *built_in_arguments(Jsonb *params);
extern bool built_in_same_wording(const char *tool, Jsonb *a, Jsonb *b);

#endif
