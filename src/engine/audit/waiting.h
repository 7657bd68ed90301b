/*
 * waiting.h
 *	  Redactions that an older backup has undone.
 */
#ifndef WFO_ENGINE_WAITING_H
#define WFO_ENGINE_WAITING_H

#include "postgres.h"

#include "store/redaction.h"

extern RedactedObjectId *redactions_list_waiting(int *count);
extern bool redactions_fit(const RedactedObjectId *object);
extern void redactions_drop_waiting(const RedactedObjectId *object);

#endif
