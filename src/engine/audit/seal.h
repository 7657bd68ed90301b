/*
 * seal.h
 *	  Seals the audit log: makes its committed rows leaves of the tree.
 */
#ifndef WFO_ENGINE_SEAL_H
#define WFO_ENGINE_SEAL_H

#include "postgres.h"

extern int64 seal_round(bool *more);
extern bool seal_is_due(void);

#endif
