/*
 * tree_origin.h
 *	  Changes the name of the tree over the audit log.
 */
#ifndef WFO_ENGINE_TREE_ORIGIN_H
#define WFO_ENGINE_TREE_ORIGIN_H

#include "postgres.h"

extern const char *tree_adopt_origin(const char *reason);
extern const char *tree_new_origin(const char *reason);

#endif
