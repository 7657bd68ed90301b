/*
 * delegation.h
 *	  The table delegation.
 */
#ifndef WFO_STORE_DELEGATION_H
#define WFO_STORE_DELEGATION_H

#include "postgres.h"

#include "store/table.h"

enum
{
	DELEGATION_DELEGATION_ID = 1,
	DELEGATION_FROM_ACTOR,
	DELEGATION_TO_ACTOR,
	DELEGATION_DELEGATED_AT,
	DELEGATION_DELEGATED_BY,
	DELEGATION_ENDS_AT,
	DELEGATION_ENDED_AT,
	DELEGATION_ENDED_BY,
	DELEGATION_COLUMNS = DELEGATION_ENDED_BY
};

typedef struct Delegation
{
	int64 delegation_id;
	int64 from_actor;
	int64 to_actor;
	TimestampTz ends_at;
	bool ended; /* before its time */
	StoredRow *row;
} Delegation;

typedef struct DelegationList
{
	int count;
	Delegation *delegations;
} DelegationList;

extern const DelegationList *delegation_list(void);
extern bool delegation_is_in_force(const Delegation *delegation);
extern Delegation *delegation_load(int64 delegation_id);
extern Delegation *delegation_lock(int64 delegation_id);
extern int64 delegation_insert(const Delegation *delegation, const int64 *delegated_by);
extern void delegation_end(const Delegation *delegation, const int64 *ended_by);

#endif
