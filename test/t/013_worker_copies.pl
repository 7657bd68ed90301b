# The queue of a copied database, restored or cloned, is held until an
# administrator says so: nothing runs twice because it was copied.
use strict;
use warnings;
use lib 'test/t';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowOrch;
use Workers;

my $settings = "max_worker_processes = 16\nworkflow_orch.poll_interval = 1s\n";
my $node = new_node('one', settings => $settings);
$node->safe_psql('postgres', 'CREATE DATABASE work');
install_workers($node, 'work');
enqueue_many($node, 'work', 'quick', 1, 3);
queue_is_empty($node, 'work', 'the original');
$node->safe_psql('work', 'GRANT CONNECT ON DATABASE work TO tool_runner; CREATE ROLE nobody_now LOGIN');

# Calls that a freeze keeps in the queue while copies are made.
my ($orphan) = split /\n/, $node->safe_psql('work', q{
	SELECT FROM workflow_orch.update_tool('gate', run_as => 'nobody_now');
	GRANT SELECT, INSERT ON app.ran TO nobody_now;
	GRANT SELECT ON app.doomed TO nobody_now;
	BEGIN;
	SELECT app.enqueue('gate', '{"n": 11}');
	SELECT count(app.enqueue('quick', jsonb_build_object('n', n))) FROM generate_series(4, 8) n;
	SELECT count(app.enqueue('quick', jsonb_build_object('n', n), now() + interval '1 h')) FROM generate_series(9, 10) n;
	SELECT workflow_orch.add_freeze('copy', now() - interval '1 h', 'infinity');
	COMMIT}) =~ s/^\n//r;

$node->safe_psql('postgres', 'CREATE DATABASE clone TEMPLATE work');
my $dump = PostgreSQL::Test::Utils::tempdir();
$node->command_ok([ 'pg_dump', '-Fc', '-f', "$dump/work", $node->connstr('work') ], 'the database is dumped');
$node->safe_psql('postgres', 'CREATE DATABASE restored');
$node->command_ok([ 'pg_restore', '--exit-on-error', '-d', $node->connstr('restored'), "$dump/work" ], 'and restored beside it');
my $other = new_node('two', settings => $settings);
$other->safe_psql('postgres', 'CREATE ROLE tool_runner LOGIN');
$other->safe_psql('postgres', 'CREATE ROLE nobody_now LOGIN');
$other->safe_psql('postgres', 'CREATE DATABASE restored');
$other->command_ok([ 'pg_restore', '--exit-on-error', '-d', $other->connstr('restored'), "$dump/work" ], 'and in another cluster');
$other->safe_psql('restored', q{SELECT workflow_orch.update_tool('quick', run_as => 'tool_runner')});

my @copies = ([ $node, 'clone' ], [ $node, 'restored' ], [ $other, 'restored' ]);
my $gate = hold($node, 'work', 'SELECT pg_advisory_lock(4711)');
foreach my $copy ([ $node, 'work' ], @copies)
{
	$copy->[0]->safe_psql($copy->[1], 'SELECT workflow_orch.remove_freeze(1)');
}
wait_for($node, 'work', 'SELECT sum(running) = 1 FROM workflow_orch.queue_status');
is($_->[0]->safe_psql($_->[1], 'SELECT sum(running), sum(held) FROM workflow_orch.queue_status'), '0|8', "$_->[1]: what runs in the original does not run here") foreach @copies;
end_session($gate);
wait_for($node, 'work', 'SELECT count(*) = 2 FROM workflow_orch.queue');
is($node->safe_psql('work', 'SELECT count(*) FROM app.ran'), 9, 'the original goes on');

# Two polls and more.
foreach my $copy (@copies)
{
	my ($server, $database) = @$copy;
	my $what = $server->name . " $database";
	$server->safe_psql($database, 'SELECT pg_sleep(0.8)');
	is($server->safe_psql($database, 'SELECT sum(held), sum(due), sum(scheduled), count(oldest_age) FROM workflow_orch.queue_status'), '8|0|0|0', "$what: queue_status shows the calls as held");
	is($server->safe_psql($database, 'SELECT count(*) FROM app.ran'), 3, "$what: nothing runs");
	is($server->safe_psql($database, 'SELECT count(*) FROM workflow_orch.worker_status WHERE database = current_database()'), 0, "$what: and no worker is there");
	# What is new does run.
	enqueue($server, $database, 'quick', 100);
	wait_for($server, $database, 'SELECT count(*) = 1 FROM app.ran WHERE n = 100');
	is($server->safe_psql($database, 'SELECT count(*) FROM app.ran'), 4, "$what: what is enqueued here runs");
	like(error_of($server, $database, "SELECT workflow_orch.enqueue_action((SELECT proposal_id FROM workflow_orch.queue LIMIT 1), 1)"), qr/^55000/, "$what: what is held is not queued again");
}

# A held call can be cancelled, and is then not resumed.
my $cancelled = $node->safe_psql('clone', 'SELECT execution_id FROM workflow_orch.queue ORDER BY execution_id LIMIT 1');
is($node->safe_psql('clone', "SELECT workflow_orch.cancel_execution($cancelled, 1)"), 'cancelled', 'a held call can be cancelled');
# The queue stays held over a restart, for nobody has said otherwise.
$node->restart;
$node->safe_psql('clone', 'SELECT pg_sleep(0.5)');
is($node->safe_psql('clone', 'SELECT count(*) FROM workflow_orch.queue'), 7, 'it is held after a restart too');

is($node->safe_psql('clone', 'SELECT workflow_orch.resume_queue()'), 7, 'resume_queue says how many there were');
is($_->[0]->safe_psql($_->[1], 'SELECT workflow_orch.resume_queue()'), 8, 'resume_queue elsewhere') foreach @copies[ 1, 2 ];
foreach my $copy (@copies)
{
	my ($server, $database) = @$copy;
	my $what = $server->name . " $database";
	wait_for($server, $database, 'SELECT count(*) = 2 FROM workflow_orch.queue');
	is($server->safe_psql($database, 'SELECT count(*) FROM app.ran'), $database eq 'clone' ? 9 : $server eq $node ? 10 : 9, "$what: the calls have run");
	is($server->safe_psql($database, 'SELECT sum(scheduled), sum(held) FROM workflow_orch.queue_status'), '2|0', "$what: those for later are scheduled");
	is($server->safe_psql($database, 'SELECT workflow_orch.resume_queue()'), 0, "$what: nothing is held any more");
	agrees($server, $database, $what);
}
# On the other cluster nobody has confirmed the role of this one's tool.
is(state_of($other, 'restored', $orphan), 'approved', 'a call whose role is not confirmed has not run');
like(result_of($other, 'restored', $orphan), qr/^failed.* 55000 role "nobody_now" is no longer the role that tool "gate" was registered with/, 'and says why');

done_testing();
