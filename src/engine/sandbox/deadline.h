/*
 * deadline.h
 *	  Ends what runs too long.
 */
#ifndef WFO_ENGINE_DEADLINE_H
#define WFO_ENGINE_DEADLINE_H

#include "postgres.h"

#include "utils/timestamp.h"

extern bool deadline_start(int64 milliseconds, int64 grace, bool in_worker);
extern bool deadline_stop(void);
extern bool deadline_saw_cancel(void);
extern void deadline_forget_cancel(void);
extern bool deadline_was_ignored(void);
extern bool deadline_ends_process(void);

#endif
