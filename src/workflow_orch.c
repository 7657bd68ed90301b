/*
 * workflow_orch.c
 *	  Module magic and initialization.
 *
 * ARCHITECTURE.md says how the rest is laid out.
 */
#include "postgres.h"

#include "base/settings.h"
#include "engine/invoke.h"
#include "fmgr.h"

PG_MODULE_MAGIC;

void _PG_init(void);

void
_PG_init(void)
{
	settings_define(show_proposal_id, show_execution_id, show_actor);
}
