/*
 * result_row.h
 *	  Results with more than one column.
 */
#ifndef WFO_API_RESULT_ROW_H
#define WFO_API_RESULT_ROW_H

#include "postgres.h"

#include "fmgr.h"

extern Datum result_row(FunctionCallInfo fcinfo, Datum *values, bool *nulls);

#endif
