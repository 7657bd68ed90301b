/*
 * redact_identity.h
 *	  Redacts who an actor is.
 */
#ifndef WFO_ENGINE_REDACT_IDENTITY_H
#define WFO_ENGINE_REDACT_IDENTITY_H

#include "postgres.h"

#include "engine/audit/identity.h"
#include "engine/audit/redact.h"
#include "store/actor.h"

/* Called for the proposal of each row that is to be changed, once. */
typedef void (*IdentityVisit)(void *arg, int64 proposal_id);

extern void identity_begin(Identity *identity, const Actor *actor);
extern void identity_each_proposal(Identity *identity, IdentityVisit visit, void *arg);
extern void identity_collect(Identity *identity, RedactedLeaves *leaves);
extern Redactor identity_redactor(Identity *identity);
extern void identity_redact_tables(const Identity *identity);

#endif
