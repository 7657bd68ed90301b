/*
 * errors.h
 *	  Reports the extension's errors.
 *
 * Each SQLSTATE of the contract has one macro, so that the code shows which row
 * of the contract's table an error belongs to.
 *
 * The first argument is the reason: a code that distinguishes errors of one
 * SQLSTATE and never changes.  A client finds it in the constraint name of the
 * error. doc/reference.md lists the codes, and script/check-docs.sh compares
 * the list with the code.  The other arguments are those of ereport: errmsg,
 * errdetail, errhint.
 */
#ifndef WFO_BASE_ERRORS_H
#define WFO_BASE_ERRORS_H

#include "postgres.h"

#include "base/refusal.h"

/* The reason of an error, such as "wfo_frozen". */
#define errreason(reason) err_generic_string(PG_DIAG_CONSTRAINT_NAME, reason)

/* A bad argument: 22023. */
#define report_invalid(reason, ...) \
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errreason(reason), __VA_ARGS__))

/* An id or a name does not exist: 42704. */
#define report_unknown(reason, ...) \
	ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT), errreason(reason), __VA_ARGS__))

/* Not now: 55000.  There is a record of it, as of 42501. */
#define report_wrong_state(reason, ...) \
	do \
	{ \
		(void) refusal_pass(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, reason); \
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE), errreason(reason), \
						__VA_ARGS__)); \
	} while (0)

/* The object already exists: 42710. */
#define report_duplicate(reason, ...) \
	ereport(ERROR, (errcode(ERRCODE_DUPLICATE_OBJECT), errreason(reason), __VA_ARGS__))

/* Another session has it locked: 55P03. */
#define report_busy(reason, ...) \
	ereport(ERROR, (errcode(ERRCODE_LOCK_NOT_AVAILABLE), errreason(reason), __VA_ARGS__))

/* A value is too large, or there are too many: 54000. */
#define report_limit(reason, ...) \
	ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errreason(reason), __VA_ARGS__))

/* A row is not as the extension writes it: XX001. */
#define report_corrupted(reason, ...) \
	ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED), errreason(reason), __VA_ARGS__))

/*
 * Permission denied: 42501.  The refusal goes to the server log first, because
 * the caller may catch the error and leave no trace.  If there are many refusals,
 * the log has the first ones and a count of the others (refusal.c).
 */
#define report_denied(reason, ...) \
	do \
	{ \
		if (refusal_pass(ERRCODE_INSUFFICIENT_PRIVILEGE, reason)) \
			ereport(LOG_SERVER_ONLY, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE), errhidestmt(true), \
									  errhidecontext(true), errreason(reason), __VA_ARGS__)); \
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE), errreason(reason), __VA_ARGS__)); \
	} while (0)

#endif
