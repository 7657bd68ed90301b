/*
 * statement_snapshot.h
 *	  Releases the snapshot of the client's statement while the statement waits.
 */
#ifndef WFO_BASE_STATEMENT_SNAPSHOT_H
#define WFO_BASE_STATEMENT_SNAPSHOT_H

#include "postgres.h"

extern bool statement_snapshot_release(void);
extern void statement_snapshot_renew(void);

#endif
