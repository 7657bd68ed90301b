/*
 * sandbox.h
 *	  Runs code of somebody else inside a session, and gets it back unharmed.
 */
#ifndef WFO_ENGINE_SANDBOX_H
#define WFO_ENGINE_SANDBOX_H

#include "postgres.h"

typedef struct Sandbox
{
	Oid role; /* the role to run as */
	const char *search_path;
	int64 timeout;     /* in ms; 0: none */
	int64 grace;       /* in ms, after which code that goes on past its end is ended; 0: never */
	bool ends_session; /* the session ends as well if the code goes on after a cancel */
	bool read_only;
	bool keep;      /* keep the effects if there is no error */
	bool in_worker; /* the session is the role's own, and no other user needs protection */
} Sandbox;

typedef void (*SandboxFunction)(void *arg);

extern ErrorData *sandbox_run(const Sandbox *sandbox, SandboxFunction function, void *arg);
extern void sandbox_abandon(void);

#endif
