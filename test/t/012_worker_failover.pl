# A standby runs nothing of the queue; promoted after the primary was lost in
# the middle of it, it goes on by itself.
use strict;
use warnings;
use lib 'test/t';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowOrch;
use Workers;

my $primary = new_node('primary', allows_streaming => 1, settings => "max_worker_processes = 16\nworkflow_orch.max_crashes = 1\nworkflow_orch.retry_delay = 10s\n");
install_workers($primary, 'postgres');
enqueue_many($primary, 'postgres', 'quick', 1, 20);
queue_is_empty($primary, 'postgres', 'on the primary');

my $holder = hold($primary, 'postgres', 'SELECT pg_advisory_lock(4711)');
$primary->backup('copy');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'copy', has_streaming => 1);
$standby->start;

# Some have run, some run, some are due later, some have failed and wait for
# their next attempt.
$primary->safe_psql('postgres', q{
	CREATE FUNCTION app.conflicts(n int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN RAISE SQLSTATE '40001'; END $$;
	SELECT workflow_orch.register_tool('conflicts', 'app.conflicts(int)', run_as => 'tool_runner', max_attempts => 2)});
enqueue_many($primary, 'postgres', 'quick', 21, 40);
enqueue_many($primary, 'postgres', 'gate', 41, 43);
enqueue_many($primary, 'postgres', 'quick', 44, 60, '7 s');
my $conflicts = enqueue($primary, 'postgres', 'conflicts', 1);
wait_for($primary, 'postgres', 'SELECT count(*) = 40 FROM app.ran');
wait_busy($primary, 3);
wait_for($primary, 'postgres', "SELECT attempts = 1 FROM workflow_orch.queue WHERE execution_id = $conflicts");
$primary->wait_for_catchup($standby);
is($standby->safe_psql('postgres', q{SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'workflow_orch%'}), 0, 'on a standby nothing of the workers runs');
is($standby->safe_psql('postgres', 'SELECT count(*) FROM workflow_orch.worker_status'), 0, 'and worker_status says so');
is($standby->safe_psql('postgres', 'SELECT sum(held) FROM workflow_orch.queue_status'), 0, 'its queue is not held');
like(error_of($standby, 'postgres', "SELECT workflow_orch.$_"), qr/^25006 cannot execute/, "a standby refuses $_")
  foreach 'enqueue_action(1)', 'cancel_execution(1)', 'resume_queue()', q{execute_parallel('[{"proposal_id": 1}]')};

is($standby->safe_psql('postgres', q{SELECT workflow_orch.wait_execution(1) ->> 'success'}), 'true', 'wait_execution serves what has ended');

$primary->kill9;
end_session($holder);
my $left = $standby->safe_psql('postgres', 'SELECT count(*) FROM workflow_orch.queue');
cmp_ok($left, '>=', 4, 'the queue was lost in the middle');
# What had the lock in the last moment of the primary may have committed there.
is($standby->safe_psql('postgres', q{SELECT (SELECT count(*) FROM app.ran) + (SELECT count(*) FROM workflow_orch.queue WHERE tool <> 'conflicts')}), 60, 'each call has run or is still to run');
$standby->promote;
queue_is_empty($standby, 'postgres', 'promoted');
is($standby->safe_psql('postgres', 'SELECT count(*), count(DISTINCT execution_id) FROM app.ran'), '60|60', 'promoted: every call has run once');
is(result_of($standby, 'postgres', $conflicts), 'failed 2 40001 40001', 'promoted: what was to be tried again was, once');
is(crashes_noted($standby), 0, 'promoted: the loss of the primary is no crash of theirs');
enqueue_many($standby, 'postgres', 'gate', 61, 70);
queue_is_empty($standby, 'postgres', 'and it goes on');

done_testing();
