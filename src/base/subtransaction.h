/*
 * subtransaction.h
 *	  Runs something that may fail, in a subtransaction.
 */
#ifndef WFO_BASE_SUBTRANSACTION_H
#define WFO_BASE_SUBTRANSACTION_H

#include "postgres.h"

typedef void (*SubtransactionFunction)(void *arg);

extern ErrorData *subtransaction_try(SubtransactionFunction function, void *arg);
extern ErrorData *subtransaction_undo(SubtransactionFunction function, void *arg);
extern bool error_is_conflict(const ErrorData *error);
extern bool error_ends_statement(const ErrorData *error);

#endif
