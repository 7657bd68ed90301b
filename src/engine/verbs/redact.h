/*
 * redact.h
 *	  Redacts what people wrote in finished proposals, and who they were.
 */
#ifndef WFO_ENGINE_VERBS_REDACT_H
#define WFO_ENGINE_VERBS_REDACT_H

#include "postgres.h"

extern void actor_redact(int64 actor_id, const int64 *by_actor_id, const char *reason);
extern int64 redactions_reapply(void);
extern void proposal_redact(int64 proposal_id, const int64 *actor_id, const char *reason);

#endif
