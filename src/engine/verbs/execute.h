/*
 * execute.h
 *	  Executes an approved call in the caller's session.
 */
#ifndef WFO_ENGINE_EXECUTE_H
#define WFO_ENGINE_EXECUTE_H

#include "postgres.h"

#include "utils/jsonb.h"

extern int64 execute(int64 proposal_id, const int64 *actor_id, Jsonb **result);
extern int64 execute_of_batch(int64 proposal_id, const int64 *actor_id, Jsonb **result);

#endif
