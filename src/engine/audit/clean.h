/*
 * clean.h
 *	  Takes redacted values out of the files of the tables.
 */
#ifndef WFO_ENGINE_CLEAN_H
#define WFO_ENGINE_CLEAN_H

#include "postgres.h"

#include "nodes/pg_list.h"

extern void clean_define(void (*redacted)(void));
extern bool clean_is_automatic(void);
extern void clean_want(void);
extern bool clean_is_due(void);
extern List *clean_list_tables(void);
extern bool clean_may_begin(TransactionId horizon);
extern void clean_vacuum(Oid table);
extern int64 clean_wipe(Oid table, TransactionId horizon);
extern void clean_finish(TransactionId horizon);

#endif
