/*
 * sandbox.h
 *	  Runs code of somebody else inside a session, and gets it back unharmed.
 */
#ifndef WFO_ENGINE_SANDBOX_H
#define WFO_ENGINE_SANDBOX_H

#include "postgres.h"

typedef struct Sandbox
{
	Oid role; /* whom to run as */
	const char *search_path;
	int64 timeout; /* in ms; 0: none */
	int64 grace;   /* in ms after it the process ends; 0: it does not */
	bool read_only;
	bool keep;      /* keep the effects if there is no error */
	bool in_worker; /* the session is the role's own, nobody else's to protect */
} Sandbox;

typedef void (*SandboxFunction)(void *arg);

extern ErrorData *sandbox_run(const Sandbox *sandbox, SandboxFunction function, void *arg);
extern bool sandbox_is_running(void);
extern bool sandbox_is_in_session(void);
extern Oid sandbox_role(void);

#endif
