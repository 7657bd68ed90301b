/*
 * subtransaction.h
 *	  Runs something that may fail, in a subtransaction.
 */
#ifndef WFO_BASE_SUBTRANSACTION_H
#define WFO_BASE_SUBTRANSACTION_H

#include "postgres.h"

typedef void (*SubtransactionFunction)(void *arg);

/* By what the writes of a subtransaction are told from those before it. */
typedef struct SubtransactionMark
{
	SubTransactionId subid;
	TransactionId xid; /* invalid: it has written nothing */
} SubtransactionMark;

extern ErrorData *subtransaction_try(SubtransactionFunction function, void *arg);
extern ErrorData *subtransaction_undo(SubtransactionFunction function, void *arg);
extern SubtransactionMark subtransaction_mark(void);
extern bool subtransaction_wrote(const SubtransactionMark *mark, TransactionId xid);
extern bool error_is_conflict(const ErrorData *error);
extern bool error_ends_statement(const ErrorData *error);

#endif
