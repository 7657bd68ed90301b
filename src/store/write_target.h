/*
 * write_target.h
 *	  A table that is open for writes, for the rows of table_write.c.
 */
#ifndef WFO_STORE_WRITE_TARGET_H
#define WFO_STORE_WRITE_TARGET_H

#include "postgres.h"

#include "executor/executor.h"
#include "store/table.h"

typedef struct WriteTarget
{
	Relation rel;
	EState *estate;
	ResultRelInfo *result_rel; /* its indexes are open if it has any: write_target_open_indexes() */
	TupleTableSlot *latest;    /* for the latest version of the row */
	TupleTableSlot *slot;      /* for the row to be written */
	bool kept;                 /* stays open after the write */
	bool busy;                 /* while it is kept: a write is under way, or has failed */
} WriteTarget;

extern WriteTarget *write_target_take(StoreTable table);
extern void write_target_open_indexes(WriteTarget *target);
extern void write_target_release(WriteTarget *target);

#endif
