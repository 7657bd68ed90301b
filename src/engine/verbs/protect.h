/*
 * protect.h
 *	  Whether a policy may be protected, and what it should be told of.
 */
#ifndef WFO_ENGINE_PROTECT_H
#define WFO_ENGINE_PROTECT_H

#include "postgres.h"

#include "store/policy.h"

extern void protect_check(const Policy *policy);
extern void protect_check_rules(void);
extern void protect_warn(void);

#endif
