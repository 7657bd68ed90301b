/*
 * quorum.h
 *	  Decides whether approvals suffice, and where one more would count.
 */
#ifndef WFO_MODEL_QUORUM_H
#define WFO_MODEL_QUORUM_H

#include "postgres.h"

/* The most approvals that one requirement may ask for. */
#define APPROVALS_MAX 100

/* A number of slots of a stage for one role. */
typedef struct Requirement
{
	int64 stage;
	const char *role; /* NULL: anybody that may review */
	int64 approvals;
	bool administers; /* only by people who hold administer besides review */
} Requirement;

/* What a revision needs, by stage. */
typedef struct Quorum
{
	int count;
	Requirement *requirements;
} Quorum;

/* One person's approval. */
typedef struct Approval
{
	const char *role;
	int64 stage;      /* the only one it counts in; 0: any that it fits */
	bool administers; /* by somebody who holds administer */
} Approval;

extern int64 quorum_size(const Quorum *quorum);
extern bool quorum_same_role(const char *a, const char *b);
extern bool quorum_covers(const Quorum *given, const Quorum *needed);
extern bool quorum_wants(const Quorum *quorum, const Approval *approval);
extern int64 quorum_open_stage(const Quorum *quorum, const Approval *approvals, int count);
extern int64 *quorum_missing(const Quorum *quorum, const Approval *approvals, int count);
extern int64 quorum_place(const Quorum *quorum, const Approval *approvals, int count,
						  const Approval *next);

#endif
