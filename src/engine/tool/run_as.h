/*
 * run_as.h
 *	  Which role a tool may run as.
 */
#ifndef WFO_ENGINE_RUN_AS_H
#define WFO_ENGINE_RUN_AS_H

#include "postgres.h"

#include "engine/tool/definition.h"

extern Oid run_as_current(const Tool *tool);
extern void run_as_check(const Definition *definition, Oid run_as);
extern const char *run_as_problem(const Tool *tool, const Definition *definition);
extern bool run_as_exists(Oid run_as);
extern const char *run_as_connect_problem(Oid database, Oid run_as);
extern void run_as_check_worker(const Tool *tool, Oid run_as);
extern void run_as_check_registrant(Oid registrant, Oid run_as);
extern void run_as_check_registration(Oid registrant, Oid run_as, Oid owner, bool security_definer,
									  Oid function);

#endif
