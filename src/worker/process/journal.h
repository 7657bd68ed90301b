/*
 * journal.h
 *	  What a crash of the server interrupts, in a file that outlives it.
 *
 * For workers and, after a crash, for the launcher.  Raises no error.
 */
#ifndef WFO_WORKER_JOURNAL_H
#define WFO_WORKER_JOURNAL_H

#include "postgres.h"

extern void journal_open(void);
extern void journal_enter(int slot, Oid database, int64 execution_id);
extern void journal_leave(int slot);
extern void journal_leave_from_signal(void);
extern void journal_note_complete(bool complete);
extern void journal_read_crashes(void);

#endif
