/*
 * workflow_orch.c
 *	  Module magic and initialization.
 *
 * ARCHITECTURE.md says how the rest is laid out.
 */
#include "postgres.h"

#include "base/hash.h"
#include "base/settings.h"
#include "engine/audit/origin.h"
#include "engine/run/work.h"
#include "engine/running.h"
#include "engine/sandbox/confine.h"
#include "engine/sandbox/irrevocable.h"
#include "engine/sandbox/uncounted.h"
#include "engine/verbs/open_limit.h"
#include "engine/verbs/workflow_join.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "worker/client/announce.h"
#include "worker/client/refuse.h"
#include "worker/process/launcher.h"
#include "worker/pool/pool.h"
#include "worker/client/utility.h"

PG_MODULE_MAGIC;

void _PG_init(void);

void
_PG_init(void)
{
	settings_define(running_show_proposal_id, running_show_execution_id, running_show_actor,
					work_check_sqlstates, origin_check);
	/* The order in which they are asked about a command. */
	uncounted_define();
	irrevocable_define();
	confine_define();
	workflow_join_define();
	open_limit_define();
	if (!process_shared_preload_libraries_in_progress)
		return;
	sha256_preload();
	pool_define();
	announce_define();
	refuse_define();
	utility_define();
	launcher_define();
}
