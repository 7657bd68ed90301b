/*
 * roles.h
 *	  Keeps workers away from roles that cannot connect.
 *
 * For the launcher, when it is not in a transaction.
 */
#ifndef WFO_WORKER_ROLES_H
#define WFO_WORKER_ROLES_H

#include "postgres.h"

extern bool roles_can_connect(Oid database, Oid role);
extern void roles_dismiss_workers(void);

#endif
