/*
 * settings.c
 *	  The extension's configuration parameters.
 *
 * Owns their names, units, limits and descriptions. workflow_orch.proposal_id,
 * workflow_orch.execution_id and workflow_orch.actor are not really settings:
 * they show which call is running, and because nobody can set them, application
 * code may rely on them.
 */
#include "postgres.h"

#include <limits.h>

#include "base/names.h"
#include "base/settings.h"
#include "utils/guc.h"

bool setting_allow_superuser_tools = false;
bool setting_allow_direct_administration = false;
int setting_max_params_size = 1024;
int setting_max_result_size = 10240;
int setting_preview_scan_limit = 1024 * 1024;
int setting_max_open_proposals = 100000;
int setting_max_refusals_per_minute = 20;
int setting_max_standing_days = 30;
int setting_min_retention = 365 * 24 * 60;
int setting_lock_wait = 10 * 1000;
int setting_run_sql_max_rows = 100;
int setting_max_workers = 8;
int setting_max_workers_per_database = 0;
int setting_worker_idle_timeout = 60 * 1000;
int setting_worker_max_calls = 10000;
int setting_poll_interval = 60 * 1000;
int setting_max_seal_lag = 60 * 1000;
int setting_max_crashes = 2;
int setting_timeout_grace = 5 * 1000;
int setting_group_time = 50;
int setting_retry_delay = 1000;
int setting_retry_max_delay = 5 * 60 * 1000;
char *setting_retry_sqlstates = NULL;
char *setting_audit_origin = "";

static char *running_proposal_id;
static char *running_execution_id;
static char *running_actor;

/* Define a parameter that shows which call is running. */
static void
define_running(const char *name, const char *description, char **variable, SettingShowHook show)
{
	DefineCustomStringVariable(name, description, NULL, variable, "", PGC_INTERNAL,
							   GUC_NOT_IN_SAMPLE | GUC_DISALLOW_IN_FILE, NULL, NULL, show);
}

/* Define the parameters of the background workers. */
static void
define_workers(GucStringCheckHook check_sqlstates)
{
	DefineCustomIntVariable("workflow_orch.max_workers",
							"Sets how many background workers may run calls at the same time.",
							"They come out of max_worker_processes; zero means none.",
							&setting_max_workers, 8, 0, 1024, PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("workflow_orch.max_workers_per_database",
							"Sets how many of the background workers one database may use.",
							"Zero means all of them.", &setting_max_workers_per_database, 0, 0,
							1024, PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("workflow_orch.worker_idle_timeout",
							"Sets how long a background worker waits for a call before it ends.",
							NULL, &setting_worker_idle_timeout, 60 * 1000, 0, INT_MAX, PGC_SIGHUP,
							GUC_UNIT_MS, NULL, NULL, NULL);
	DefineCustomIntVariable("workflow_orch.worker_max_calls",
							"Sets after how many calls a background worker is replaced.",
							"Zero means never.", &setting_worker_max_calls, 10000, 0, INT_MAX,
							PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("workflow_orch.poll_interval",
							"Sets how often the queues of all databases are looked through.",
							"Calls are started when they are due without it; this is the safety "
							"net, and the sweep of what has expired.",
							&setting_poll_interval, 60 * 1000, 1000, INT_MAX, PGC_SIGHUP,
							GUC_UNIT_MS, NULL, NULL, NULL);
	DefineCustomIntVariable("workflow_orch.max_seal_lag",
							"Sets how long a row of the audit log may wait to be sealed before a "
							"warning is logged.",
							"Zero means that nothing is logged.", &setting_max_seal_lag, 60 * 1000,
							0, INT_MAX, PGC_SIGHUP, GUC_UNIT_MS, NULL, NULL, NULL);
	DefineCustomIntVariable(
		"workflow_orch.max_crashes",
		"Sets after how many crashes of the server, or ends of its worker, a queued call has failed.",
		NULL, &setting_max_crashes, 2, 1, 1000, PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineCustomIntVariable(
		"workflow_orch.timeout_grace",
		"Sets how long after its timeout or cancel a call may go on before it is "
		"ended.",
		"A worker ends with its call; a session does after a cancel.", &setting_timeout_grace,
		5 * 1000, 100, INT_MAX, PGC_SIGHUP, GUC_UNIT_MS, NULL, NULL, NULL);
	DefineCustomIntVariable("workflow_orch.group_time",
							"Sets how long a worker goes on taking calls into one transaction.",
							"This is for tools whose group_size is above 1.", &setting_group_time,
							50, 0, 10 * 1000, PGC_SIGHUP, GUC_UNIT_MS, NULL, NULL, NULL);
	DefineCustomIntVariable("workflow_orch.retry_delay",
							"Sets the time before the second attempt of a call, which doubles from "
							"attempt to attempt.",
							NULL, &setting_retry_delay, 1000, 1, INT_MAX, PGC_SIGHUP, GUC_UNIT_MS,
							NULL, NULL, NULL);
	DefineCustomIntVariable("workflow_orch.retry_max_delay",
							"Sets the longest time between two attempts of a call.", NULL,
							&setting_retry_max_delay, 5 * 60 * 1000, 1, INT_MAX, PGC_SIGHUP,
							GUC_UNIT_MS, NULL, NULL, NULL);
	DefineCustomStringVariable("workflow_orch.retry_sqlstates",
							   "Sets with which errors a call is tried again in a background "
							   "worker.",
							   "SQLSTATEs, or their classes (first two characters), with commas.",
							   &setting_retry_sqlstates, "40001, 40P01, 08, 53", PGC_SIGHUP, 0,
							   check_sqlstates, NULL, NULL);
}

void
settings_define(SettingShowHook proposal_id, SettingShowHook execution_id, SettingShowHook actor,
				GucStringCheckHook check_sqlstates, GucStringCheckHook check_origin)
{
	DefineCustomBoolVariable("workflow_orch.allow_superuser_tools",
							 "Sets whether tools may run as a superuser.", NULL,
							 &setting_allow_superuser_tools, false, PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomBoolVariable("workflow_orch.allow_direct_administration",
							 "Sets whether superusers may change protected rules without approval.",
							 NULL, &setting_allow_direct_administration, false, PGC_SIGHUP,
							 GUC_DISALLOW_IN_AUTO_FILE, NULL, NULL, NULL);
	DefineCustomIntVariable("workflow_orch.max_params_size",
							"Sets the largest size of the params of a proposal, and of any other "
							"text or document that a call is given.",
							NULL, &setting_max_params_size, 1024, 1, MAX_KILOBYTES / 2, PGC_SUSET,
							GUC_UNIT_KB, NULL, NULL, NULL);
	DefineCustomIntVariable("workflow_orch.max_result_size",
							"Sets the largest size of what a tool returns.", NULL,
							&setting_max_result_size, 10240, 1, 250 * 1024, PGC_SUSET, GUC_UNIT_KB,
							NULL, NULL, NULL);
	DefineCustomIntVariable("workflow_orch.preview_scan_limit",
							"Sets up to which size a table is read for the rows that a preview "
							"shows.",
							"Zero means that previews show no rows.", &setting_preview_scan_limit,
							1024 * 1024, 0, INT_MAX, PGC_SUSET, GUC_UNIT_KB, NULL, NULL, NULL);
	DefineCustomIntVariable("workflow_orch.max_open_proposals",
							"Sets how many proposals of one actor may be pending or approved.",
							"Zero means no limit.", &setting_max_open_proposals, 100000, 0, INT_MAX,
							PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("workflow_orch.max_refusals_per_minute",
							"Sets how many refused attempts of a login are recorded one by one in "
							"a minute.",
							"The others are counted. Zero means that none are recorded.",
							&setting_max_refusals_per_minute, 20, 0, 1000, PGC_SIGHUP, 0, NULL,
							NULL, NULL);
	DefineCustomIntVariable("workflow_orch.max_standing_days",
							"Sets for how many days at most an approval may stand.", NULL,
							&setting_max_standing_days, 30, 1, 3650, PGC_SUSET, 0, NULL, NULL,
							NULL);
	DefineCustomIntVariable("workflow_orch.min_retention",
							"Sets for how long at least a workflow is kept after its end.",
							"Zero means that it may be purged at once.", &setting_min_retention,
							365 * 24 * 60, 0, INT_MAX, PGC_SUSET, GUC_UNIT_MIN, NULL, NULL, NULL);

	DefineCustomIntVariable("workflow_orch.lock_wait",
							"Sets how long a call waits for a lock that another session has.",
							"Zero means no limit. A shorter lock_timeout comes first.",
							&setting_lock_wait, 10 * 1000, 0, INT_MAX, PGC_USERSET, GUC_UNIT_MS,
							NULL, NULL, NULL);
	DefineCustomIntVariable("workflow_orch.run_sql_max_rows",
							"Sets how many rows of a statement are part of the result of run_sql.",
							NULL, &setting_run_sql_max_rows, 100, 0, 1000000, PGC_SUSET, 0, NULL,
							NULL, NULL);
	DefineCustomStringVariable(
		"workflow_orch.audit_origin",
		"Sets the origin of the audit log's checkpoints before the first one.",
		"A URL without its scheme, of up to 200 characters. Empty: made from "
		"the system identifier and the database.",
		&setting_audit_origin, "", PGC_SUSET, 0, check_origin, NULL, NULL);

	define_workers(check_sqlstates);
	define_running("workflow_orch.proposal_id", "Shows the proposal whose call is running.",
				   &running_proposal_id, proposal_id);
	define_running("workflow_orch.execution_id", "Shows the execution that is running.",
				   &running_execution_id, execution_id);
	define_running("workflow_orch.actor",
				   "Shows the name of the actor that asked for the running call.", &running_actor,
				   actor);

	MarkGUCPrefixReserved(WFO_NAME);
}
