/*
 * new_revision.h
 *	  What every later revision of a proposal has in common.
 */
#ifndef WFO_ENGINE_NEW_REVISION_H
#define WFO_ENGINE_NEW_REVISION_H

#include "postgres.h"

#include "engine/tool/definition.h"
#include "store/actor.h"
#include "store/policy.h"
#include "store/proposal.h"
#include "store/revision.h"
#include "store/table.h"

/* How many revisions a proposal may have, of those that somebody writes. */
#define REVISIONS_MAX 100

/* What a revision is made of; its params, reason and the author's marks are in it. */
typedef struct RevisionSource
{
	const Proposal *proposal;
	const Tool *tool;
	const Definition *definition;
	const Policy *policy;
	const Actor *author;
	bool may_be_automatic; /* whether rules with 0 approvals count */
} RevisionSource;

extern void new_revision_check_limit(const Proposal *proposal);
extern void new_revision_work_out(Revision *revision, const RevisionSource *source);
extern void new_revision_keep(const Revision *revision, const RevisionSource *source);
extern void new_revision_set(StoreRow *row, const Revision *revision, const Policy *policy,
							 int64 approvals, int64 open_stage);
extern void new_revision_done(Proposal *proposal, const Revision *revision);

#endif
