/*
 * origin.h
 *	  The name of the tree, and where it is at home.
 */
#ifndef WFO_ENGINE_ORIGIN_H
#define WFO_ENGINE_ORIGIN_H

#include "postgres.h"

#include "model/checkpoint.h"
#include "store/audit_tree.h"
#include "utils/guc.h"

extern bool origin_check(char **origin, void **extra, GucSource source);
extern const char *origin_in_force(void);
extern bool origin_is_known(const char *name);
extern int64 origin_limit(const char *name);
extern void origin_read_checkpoint(const char *text, Checkpoint *checkpoint);
extern AuditTree *origin_follow(AuditTree *tree);
extern const char *origin_adopt(const char *reason);
extern const char *origin_renew(const char *reason);

#endif
