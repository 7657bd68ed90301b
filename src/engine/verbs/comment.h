/*
 * comment.h
 *	  Says something about a proposal without deciding on it.
 */
#ifndef WFO_ENGINE_COMMENT_H
#define WFO_ENGINE_COMMENT_H

#include "postgres.h"

extern int64 proposal_comment(int64 proposal_id, const int64 *actor_id, const char *text);

#endif
