/*
 * home.h
 *	  Where a row was written: on which server, and in which of its databases.
 */
#ifndef WFO_STORE_HOME_H
#define WFO_STORE_HOME_H

#include "postgres.h"

#include "store/table.h"

extern void row_set_home(StoreRow *row, AttrNumber system, AttrNumber database);
extern bool column_is_home(const StoredRow *row, AttrNumber system, AttrNumber database);

#endif
