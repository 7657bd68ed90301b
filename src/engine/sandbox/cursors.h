/*
 * cursors.h
 *	  Keeps the cursors of a call and of its session apart.
 */
#ifndef WFO_ENGINE_CURSORS_H
#define WFO_ENGINE_CURSORS_H

#include "postgres.h"

extern void cursors_hide(void);
extern void cursors_close(void);

#endif
