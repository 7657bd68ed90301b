# An engine below the tables that cancels a transaction for a deadlock which only
# it sees, and whose hook on the log makes 40P01 of the cancel: distributed
# engines do so.  A worker sees what a session sees.
use strict;
use warnings;
use lib 'test/t';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowOrch;
use Workers;

# The engine: a process for which there is a file was cancelled for a deadlock.
my $dir = PostgreSQL::Test::Utils::tempdir;
chmod 0777, $dir;
append_to_file("$dir/engine.c", q{
#include "postgres.h"
#include <unistd.h>
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/elog.h"
PG_MODULE_MAGIC;
extern void _PG_init(void);
static emit_log_hook_type previous;
static void
convert(ErrorData *error)
{
	char path[MAXPGPATH];

	snprintf(path, sizeof(path), VICTIMS "/%d", MyProcPid);
	if (error->elevel == ERROR && error->sqlerrcode == ERRCODE_QUERY_CANCELED && unlink(path) == 0)
	{
		error->sqlerrcode = ERRCODE_T_R_DEADLOCK_DETECTED;
		error->message = "canceling the transaction since it was involved in a distributed deadlock";
	}
	if (previous)
		previous(error);
}
void
_PG_init(void)
{
	previous = emit_log_hook;
	emit_log_hook = convert;
}
});
my ($include) = run_command([ $ENV{PG_CONFIG} // 'pg_config', '--includedir-server' ]);
run_log([ $ENV{CC} // 'gcc', '-shared', '-fPIC', "-I$include", qq(-DVICTIMS="$dir"), '-o', "$dir/engine.so", "$dir/engine.c" ]) or die 'could not compile the engine';

my $node = new_node('main', settings => "log_min_messages = warning\nmax_worker_processes = 16\nworkflow_orch.poll_interval = 1h\nworkflow_orch.retry_delay = 100ms\n");
$node->append_conf('postgresql.conf', "shared_preload_libraries = '$dir/engine, workflow_orch'\n");
$node->restart;
install_workers($node, 'postgres');
$node->safe_psql('postgres', q{
	CREATE FUNCTION app.catches(n int) RETURNS int LANGUAGE plpgsql AS $$
	BEGIN
		PERFORM app.note(n);
		PERFORM pg_advisory_xact_lock_shared(4711);
		RETURN n;
	EXCEPTION WHEN query_canceled THEN
		RETURN -n;
	END $$;
	SELECT workflow_orch.register_tool('patient', 'app.gate(int)', 'tool_runner', max_attempts => 3),
	       workflow_orch.register_tool('catches', 'app.catches(int)', 'tool_runner')});
my $holder = hold($node, 'postgres', 'SELECT pg_advisory_lock(4711)');
my $waiting = q{FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711 AND NOT granted};
my $n = 1;

# Cancels what waits for the gate, as the engine does or as an operator does.
sub cancel
{
	my ($is_victim) = @_;
	wait_for($node, 'postgres', "SELECT count(*) = 1 $waiting");
	my $pid = $node->safe_psql('postgres', "SELECT pid $waiting");
	append_to_file("$dir/$pid", '') if $is_victim;
	$node->safe_psql('postgres', "SELECT pg_cancel_backend($pid)");
	return;
}
my $deadlock = 'canceling the transaction since it was involved in a distributed deadlock';

# What a session sees.
my $in_session = approved_call($node, 'postgres', 'gate', $n++);
my $caller = session($node, 'postgres');
start_query($caller, "\\set VERBOSITY verbose\nSELECT workflow_orch.execute_action($in_session, 1)");
cancel(1);
like(answer($caller), qr/ERROR:  40P01: $deadlock/, 'in a session a deadlock of the engine is raised as the engine says');

# What a worker makes of it.
my $once = enqueue($node, 'postgres', 'gate', $n++);
cancel(1);
is(result_of($node, 'postgres', $once), "failed 1 40P01 $deadlock", 'in a worker it is the call\'s failure');
is(state_of($node, 'postgres', $once), 'failed', 'and no cancel');
my $catches = enqueue($node, 'postgres', 'catches', $n++);
cancel(1);
is(result_of($node, 'postgres', $catches), "failed 1 40P01 $deadlock", 'even if the tool has caught it');
my $in_batch = approved_call($node, 'postgres', 'gate', $n++);
start_query($caller, qq{SELECT r->0->'error'->>'sqlstate' FROM workflow_orch.execute_parallel('[{"proposal_id": $in_batch}]', 1) r});
cancel(1);
is(answer($caller), '40P01', 'so it is in a batch');
my $patient = enqueue($node, 'postgres', 'patient', $n++);
cancel(1);
cancel(1);
end_session($holder);
is(result_of($node, 'postgres', $patient), 'succeeded 3', 'a tool with more attempts is tried again');

# A cancel that the engine knows nothing of.
$holder = hold($node, 'postgres', 'SELECT pg_advisory_lock(4711)');
my $cancelled = enqueue($node, 'postgres', 'patient', $n++);
cancel(0);
is(result_of($node, 'postgres', $cancelled), 'failed 1 57014 canceling statement due to user request', 'any other cancel stays what it is, and is not tried again');
my $asked = enqueue($node, 'postgres', 'gate', $n++);
wait_for($node, 'postgres', "SELECT count(*) = 1 $waiting");
$node->safe_psql('postgres', "SELECT workflow_orch.cancel_execution($asked, 2, 'stop')");
like(result_of($node, 'postgres', $asked), qr/^cancelled 1 57014 canceled while it ran/, 'what somebody asked for is a cancel');

end_session($_) for $holder, $caller;
queue_is_empty($node, 'postgres', 'in the end');
done_testing();
