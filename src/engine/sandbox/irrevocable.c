/*
 * irrevocable.c
 *	  Refuses what a rollback does not undo, while a call runs that is to be
 *	  rolled back.
 *
 * It owns the list of the server's own functions that would leave something
 * behind in the session or in the cluster: advisory locks that outlast a
 * transaction, a sequence that is set back, sessions that are ended, a file or
 * WAL that is written, replication slots, statistics.  They are refused when
 * the executor is about to call them, and are known by name, since their
 * arguments differ between majors.  COPY to a file or to a program is refused
 * when it runs.
 *
 * Taking the next value of a sequence is allowed, since nearly every INSERT
 * does it.  What functions of other extensions do must be known to whoever
 * registers the tool.
 */
#include "postgres.h"

#include "base/command_hook.h"
#include "base/errors.h"
#include "base/function_hook.h"
#include "catalog/pg_namespace.h"
#include "engine/running.h"
#include "engine/sandbox/irrevocable.h"
#include "utils/lsyscache.h"

#define HINT \
	"Calls of this tool cannot be previewed. An administrator can disallow previews with " \
	"update_tool(..., preview => false)."

/* Functions of pg_catalog; a name that ends in a star stands for all names with that prefix. */
static const char *const functions[] = {
	"pg_advisory_lock",
	"pg_advisory_lock_shared",
	"pg_try_advisory_lock",
	"pg_try_advisory_lock_shared",
	"pg_advisory_unlock*",
	"setval",
	"pg_cancel_backend",
	"pg_terminate_backend",
	"lo_export",
	"pg_reload_conf",
	"pg_rotate_logfile*",
	"pg_log_backend_memory_contexts",
	"pg_promote",
	"pg_switch_wal",
	"pg_create_restore_point",
	"pg_backup_start",
	"pg_backup_stop",
	"pg_wal_replay_pause",
	"pg_wal_replay_resume",
	"pg_logical_emit_message",
	"pg_create_physical_replication_slot",
	"pg_create_logical_replication_slot",
	"pg_copy_physical_replication_slot",
	"pg_copy_logical_replication_slot",
	"pg_drop_replication_slot",
	"pg_replication_slot_advance",
	"pg_sync_replication_slots",
	"pg_logical_slot_get_changes",
	"pg_logical_slot_get_binary_changes",
	"pg_replication_origin_advance",
	"pg_replication_origin_session_setup",
	"pg_replication_origin_session_reset",
	"pg_replication_origin_xact_setup",
	"pg_replication_origin_xact_reset",
	"pg_stat_reset*",
};

static bool
is_irrevocable(const char *name)
{
	for (int i = 0; i < (int) lengthof(functions); i++)
	{
		size_t length = strlen(functions[i]);

		if (functions[i][length - 1] == '*' ? strncmp(functions[i], name, length - 1) == 0
											: strcmp(functions[i], name) == 0)
			return true;
	}
	return false;
}

/* Ask about a function before it is called. */
static void
refuse_irrevocable_function(Oid function)
{
	char *name;

	if (!running_call_is_undone() || get_func_namespace(function) != PG_CATALOG_NAMESPACE)
		return;
	name = get_func_name(function);
	if (name != NULL && is_irrevocable(name))
		report_wrong_state("wfo_irrevocable",
						   errmsg("function %s cannot be called in a call that is rolled back",
								  name),
						   errdetail("A rollback does not undo what it does."), errhint(HINT));
}

static bool
writes_outside(const Node *command)
{
	const CopyStmt *copy = (const CopyStmt *) command;

	return IsA(command, CopyStmt) && (copy->is_program || (!copy->is_from && copy->filename));
}

/* Ask about a command before it runs. */
static void
refuse_irrevocable_command(const Node *command)
{
	if (running_call_is_undone() && writes_outside(command))
		report_wrong_state("wfo_irrevocable",
						   errmsg("COPY cannot write to a file or run a program in a call that is "
								  "rolled back"),
						   errdetail("A rollback does not undo what it does."), errhint(HINT));
}

/* Called in every process that has loaded the library, preloaded or not. */
void
irrevocable_define(void)
{
	command_hook_ask(refuse_irrevocable_command);
}

/*
 * Have function calls checked, before the first call of this process that is
 * rolled back.  A process without such a call does not need the hook.
 */
void
irrevocable_install(void)
{
	function_hook_ask(refuse_irrevocable_function);
}
