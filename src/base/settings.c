/*
 * settings.c
 *	  The extension's configuration parameters.
 *
 * proposal_id, execution_id and actor are no settings in truth: they show
 * what call is running, nobody can set them, and so application code may rely
 * on them.
 */
#include "postgres.h"

#include <limits.h>

#include "base/names.h"
#include "base/settings.h"
#include "utils/guc.h"

bool setting_allow_superuser_tools = false;
int setting_max_params_size = 1024;
int setting_max_result_size = 10240;
int setting_max_open_proposals = 100000;
int setting_run_sql_max_rows = 100;

static char *running_proposal_id;
static char *running_execution_id;
static char *running_actor;

/* Define a parameter that shows what call is running. */
static void
define_running(const char *name, const char *description, char **variable, SettingShowHook show)
{
	DefineCustomStringVariable(name, description, NULL, variable, "", PGC_INTERNAL,
							   GUC_NOT_IN_SAMPLE | GUC_DISALLOW_IN_FILE, NULL, NULL, show);
}

void
settings_define(SettingShowHook proposal_id, SettingShowHook execution_id, SettingShowHook actor)
{
	DefineCustomBoolVariable("workflow_orch.allow_superuser_tools",
							 "Sets whether tools may run as a superuser.", NULL,
							 &setting_allow_superuser_tools, false, PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("workflow_orch.max_params_size",
							"Sets the largest size of the params of a proposal.", NULL,
							&setting_max_params_size, 1024, 1, MAX_KILOBYTES / 2, PGC_SUSET,
							GUC_UNIT_KB, NULL, NULL, NULL);
	DefineCustomIntVariable("workflow_orch.max_result_size",
							"Sets the largest size of what a tool returns.", NULL,
							&setting_max_result_size, 10240, 1, 250 * 1024, PGC_SUSET, GUC_UNIT_KB,
							NULL, NULL, NULL);
	DefineCustomIntVariable("workflow_orch.max_open_proposals",
							"Sets how many proposals of one actor may be pending or approved.",
							"Zero means no limit.", &setting_max_open_proposals, 100000, 0, INT_MAX,
							PGC_SUSET, 0, NULL, NULL, NULL);

	DefineCustomIntVariable("workflow_orch.run_sql_max_rows",
							"Sets how many rows of a statement are part of the result of run_sql.",
							NULL, &setting_run_sql_max_rows, 100, 0, 1000000, PGC_SUSET, 0, NULL,
							NULL, NULL);

	define_running("workflow_orch.proposal_id", "Shows the proposal whose call is running.",
				   &running_proposal_id, proposal_id);
	define_running("workflow_orch.execution_id", "Shows the execution that is running.",
				   &running_execution_id, execution_id);
	define_running("workflow_orch.actor",
				   "Shows the name of the actor that asked for the running call.", &running_actor,
				   actor);

	MarkGUCPrefixReserved(WFO_NAME);
}
