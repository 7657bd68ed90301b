/*
 * purge_rows.h
 *	  Deletes the rows of purged workflows.
 */
#ifndef WFO_STORE_PURGE_ROWS_H
#define WFO_STORE_PURGE_ROWS_H

#include "postgres.h"

extern void purge_rows_of_proposal(int64 proposal_id);
extern void purge_rows_of_workflow(int64 workflow_id);

#endif
