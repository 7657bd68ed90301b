/*
 * role_name.h
 *	  Names of roles.
 */
#ifndef WFO_BASE_ROLE_NAME_H
#define WFO_BASE_ROLE_NAME_H

#include "postgres.h"

extern char *role_name_of(Oid role);
extern Oid authenticated_role(void);
extern char *role_name_or_null(Oid role);

#endif
