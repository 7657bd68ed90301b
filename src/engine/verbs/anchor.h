/*
 * anchor.h
 *	  Records what a witness or a time-stamp service answered.
 */
#ifndef WFO_ENGINE_ANCHOR_H
#define WFO_ENGINE_ANCHOR_H

#include "postgres.h"

/* The longest proof that is kept. */
#define ANCHOR_PROOF_MAX 65536

extern int64 anchor_record(const char *checkpoint, const char *kind, bytea *proof);

#endif
