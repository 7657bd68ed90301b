/*
 * errors.h
 *	  How the extension says no.
 *
 * Each SQLSTATE of the contract has one macro, so that a reader sees at the
 * place of the error which row of the contract's table it is.  The arguments
 * are those of ereport: errmsg, errdetail, errhint.
 */
#ifndef WFO_BASE_ERRORS_H
#define WFO_BASE_ERRORS_H

#include "postgres.h"

/* A bad argument: 22023. */
#define report_invalid(...) ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), __VA_ARGS__))

/* An id or a name that stands for nothing: 42704. */
#define report_unknown(...) ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT), __VA_ARGS__))

/* Not now: 55000. */
#define report_wrong_state(...) \
	ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE), __VA_ARGS__))

/* There is one already: 42710. */
#define report_duplicate(...) ereport(ERROR, (errcode(ERRCODE_DUPLICATE_OBJECT), __VA_ARGS__))

/* Somebody else is at it: 55P03. */
#define report_busy(...) ereport(ERROR, (errcode(ERRCODE_LOCK_NOT_AVAILABLE), __VA_ARGS__))

/* Too large, or too many: 54000. */
#define report_limit(...) ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), __VA_ARGS__))

/*
 * Not allowed: 42501.  The refusal goes to the server log first, because the
 * error itself may be caught by the caller and leave no trace.
 */
#define report_denied(...) \
	do \
	{ \
		ereport(LOG_SERVER_ONLY, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE), errhidestmt(true), \
								  errhidecontext(true), __VA_ARGS__)); \
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE), __VA_ARGS__)); \
	} while (0)

#endif
