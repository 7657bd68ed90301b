/*
 * review_many.h
 *	  Decides on many proposals in one call, each by itself.
 */
#ifndef WFO_ENGINE_REVIEW_MANY_H
#define WFO_ENGINE_REVIEW_MANY_H

#include "postgres.h"

#include "utils/jsonb.h"

extern Jsonb *review_many(const ReviewRequest *requests, int count);

#endif
