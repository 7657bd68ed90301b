/*
 * statement.h
 *	  Judges the text of a SQL statement by parsing it.
 */
#ifndef WFO_ENGINE_STATEMENT_H
#define WFO_ENGINE_STATEMENT_H

#include "postgres.h"

#include "nodes/parsenodes.h"

extern RawStmt *statement_parse(const char *text);

#endif
