/*
 * double_loss.h
 *	  Finds numbers that differ only by the precision that a double loses.
 */
#ifndef WFO_MODEL_DOUBLE_LOSS_H
#define WFO_MODEL_DOUBLE_LOSS_H

#include "postgres.h"

#include "utils/jsonb.h"

extern char *double_losses(Jsonb *before, Jsonb *after, int limit);

#endif
