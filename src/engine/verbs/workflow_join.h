/*
 * workflow_join.h
 *	  Workflows that the transaction has proposed something in.
 */
#ifndef WFO_ENGINE_WORKFLOW_JOIN_H
#define WFO_ENGINE_WORKFLOW_JOIN_H

#include "postgres.h"

extern void workflow_join_define(void);
extern void workflow_join(int64 workflow_id);
extern void workflow_check_at_commit(int64 workflow_id);
extern void workflow_exclude(int64 workflow_id);

#endif
