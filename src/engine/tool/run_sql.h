/*
 * run_sql.h
 *	  The built-in tool that runs a SQL statement.
 */
#ifndef WFO_ENGINE_RUN_SQL_H
#define WFO_ENGINE_RUN_SQL_H

#include "postgres.h"

#include "utils/jsonb.h"

extern bool run_sql_is(Oid function);
extern void run_sql_begin(Oid function);
extern Jsonb *run_sql(const char *text);

#endif
