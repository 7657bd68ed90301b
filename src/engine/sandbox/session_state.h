/*
 * session_state.h
 *	  Keeps what a backend remembers from a call, and what a call leaves there
 *	  from its session.
 */
#ifndef WFO_ENGINE_SESSION_STATE_H
#define WFO_ENGINE_SESSION_STATE_H

#include "postgres.h"

extern void session_state_reseed(void);
extern void session_state_forget_sequences(void);
extern bool session_state_is_touched_by(Oid function);
extern bool session_state_is_advisory_lock(Oid function);

#endif
