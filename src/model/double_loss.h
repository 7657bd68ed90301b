/*
 * double_loss.h
 *	  Numbers that differ by no more than a double would lose.
 */
#ifndef WFO_MODEL_DOUBLE_LOSS_H
#define WFO_MODEL_DOUBLE_LOSS_H

#include "postgres.h"

#include "utils/jsonb.h"

extern char *double_losses(Jsonb *before, Jsonb *after, int limit);

#endif
