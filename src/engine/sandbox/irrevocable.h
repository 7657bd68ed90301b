/*
 * irrevocable.h
 *	  Refuses what a rollback does not undo.
 */
#ifndef WFO_ENGINE_IRREVOCABLE_H
#define WFO_ENGINE_IRREVOCABLE_H

#include "postgres.h"

extern void irrevocable_define(void);
extern void irrevocable_install(void);

#endif
