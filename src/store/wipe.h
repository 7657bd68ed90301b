/*
 * wipe.h
 *	  Takes deleted values out of the files of tables.
 */
#ifndef WFO_STORE_WIPE_H
#define WFO_STORE_WIPE_H

#include "postgres.h"

#include "access/transam.h"

extern void store_vacuum(Oid table);
extern int64 store_wipe(Oid table, TransactionId horizon);
extern bool store_is_past(TransactionId horizon);

#endif
