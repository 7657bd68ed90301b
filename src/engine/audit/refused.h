/*
 * refused.h
 *	  The audit rows of refused attempts.
 */
#ifndef WFO_ENGINE_REFUSED_H
#define WFO_ENGINE_REFUSED_H

#include "postgres.h"

#include "base/refusal.h"
#include "datatype/timestamp.h"

#define REFUSED_REASON_MAX 48
#define REFUSED_ADDRESS_MAX 64

/* The session that made the attempt, as it was then. */
typedef struct RefusedSession
{
	char login[NAMEDATALEN];
	char db_role[NAMEDATALEN];
	char authenticated_login[NAMEDATALEN]; /* empty: there was none */
	char application_name[NAMEDATALEN];
	char client_addr[REFUSED_ADDRESS_MAX]; /* empty: a local connection */
	int backend_pid;
} RefusedSession;

/* A refused attempt, or several of a kind. */
typedef struct RefusedAttempt
{
	RefusedSession session;
	char call[NAMEDATALEN];  /* empty: outside of a call */
	char table[NAMEDATALEN]; /* of a statement; empty: it was a call */
	int sqlstate;            /* 0: attempts of several kinds */
	char reason[REFUSED_REASON_MAX];
	bool has_id[REFUSAL_IDS];
	int64 ids[REFUSAL_IDS];
	int64 count; /* how many attempts; 0: one, at first_at */
	TimestampTz first_at;
	TimestampTz last_at;
} RefusedAttempt;

extern void refused_fill(RefusedAttempt *attempt, int sqlstate, const char *reason);
extern void refused_write(const RefusedAttempt *attempt);

#endif
