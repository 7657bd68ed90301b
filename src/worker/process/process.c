/*
 * process.c
 *	  Starts background processes, for the launcher.
 *
 * Workers and keepers are registered in the same way, and the postmaster never
 * restarts them.  This file owns the registration.  Which processes to start, and
 * when, is not its business.
 */
#include "postgres.h"

#include "base/names.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "worker/process/process.h"

/*
 * Have the postmaster start a process that runs a function of this library with an
 * argument: returns its handle, in TopMemoryContext, or NULL if the server has no
 * background worker slot.
 */
BackgroundWorkerHandle *
process_start(const char *type, const char *function, int argument, const WorkerStart *start)
{
	BackgroundWorker worker = {.bgw_flags = BGWORKER_SHMEM_ACCESS |
											BGWORKER_BACKEND_DATABASE_CONNECTION,
							   .bgw_start_time = BgWorkerStart_RecoveryFinished,
							   .bgw_restart_time = BGW_NEVER_RESTART,
							   .bgw_library_name = WFO_NAME,
							   .bgw_main_arg = Int32GetDatum(argument)};
	BackgroundWorkerHandle *handle = NULL;
	MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);

	worker.bgw_notify_pid = MyProcPid;
	strlcpy(worker.bgw_name, type, BGW_MAXLEN);
	strlcpy(worker.bgw_type, type, BGW_MAXLEN);
	strlcpy(worker.bgw_function_name, function, BGW_MAXLEN);
	memcpy(worker.bgw_extra, start, sizeof(WorkerStart));
	if (!RegisterDynamicBackgroundWorker(&worker, &handle))
		handle = NULL;
	MemoryContextSwitchTo(old);
	return handle;
}

/*
 * Report that the server has no background worker slot, once a minute at most: what
 * waits for one, as a whole sentence.
 */
void
process_report_no_slot(const char *what)
{
	static TimestampTz reported = 0;
	TimestampTz now = GetCurrentTimestamp();

	if (now - reported < 60 * USECS_PER_SEC)
		return;
	reported = now;
	ereport(WARNING, (errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
					  errmsg("out of background worker slots"), errdetail("%s", what),
					  errhint("You might need to increase max_worker_processes or decrease "
							  "workflow_orch.max_workers.")));
}

bool
process_has_stopped(BackgroundWorkerHandle *handle)
{
	pid_t pid;

	return GetBackgroundWorkerPid(handle, &pid) == BGWH_STOPPED;
}
