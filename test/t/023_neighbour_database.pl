# Commands that need a database for themselves, while workers are about.
use strict;
use warnings;
use lib 'test/t';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowOrch;
use WorkerPool;

my $node = pool_node('main');
$node->safe_psql('postgres', 'CREATE ROLE r1 LOGIN; CREATE ROLE r2 LOGIN; CREATE ROLE nobody LOGIN');
$node->safe_psql('postgres', "CREATE DATABASE $_") foreach qw(one two);
prepare($node, $_, 'r1', 'r2') foreach qw(one two);
my $limit = "SET statement_timeout = '60 s'; ";

# Runs a command in the database postgres; returns '' or its error.
sub command
{
	my ($command) = @_;
	my ($rc, $out, $err) = $node->psql('postgres', $command);
	return $err =~ /ERROR:\s+(.*)/ ? $1 : '';
}

# Warm workers of two roles in a database; returns their processes.
sub warm
{
	my ($database) = @_;
	$node->safe_psql($database, outcomes(map { calls($node, $database, "note_$_", '{"n": 1}', 2) } 'r1', 'r2'));
	return workers($node, $database);
}

# With idle workers.
my $gate = session($node, 'two');
hold($gate, 1);
my @busy = enqueue($node, 'two', calls($node, 'two', 'gate_r1', '{"key": 1}', 2));
busy($node, 'two', 2);
cmp_ok(scalar(warm('one')), '>=', 2, 'a database has idle workers');
is(command('CREATE DATABASE copy TEMPLATE one'), '', 'a database with idle workers can be the template of another');
cmp_ok(scalar(warm('one')), '>=', 2, 'calls run there again');
is(command('ALTER DATABASE one RENAME TO uno'), '', 'it can be renamed');
cmp_ok(scalar(warm('uno')), '>=', 2, 'calls run there under the new name');
my $folder = PostgreSQL::Test::Utils::tempdir;
$node->safe_psql('postgres', "CREATE TABLESPACE other LOCATION '$folder'");
is(command('ALTER DATABASE uno SET TABLESPACE other'), '', 'it can be moved to another tablespace');
cmp_ok(scalar(warm('uno')), '>=', 2, 'calls run there');
like(command('SET SESSION AUTHORIZATION nobody; DROP DATABASE uno'), qr/must be owner/, 'a role that does not own it cannot drop it');
cmp_ok(scalar(workers($node, 'uno')), '>=', 2, 'its attempt does not make the workers leave');
my $offset = -s $node->logfile;
enqueue($node, 'uno', calls($node, 'uno', 'note_r1', '{"n": 1}', 200));
is(command('DROP DATABASE uno'), '', 'it can be dropped') or diag command('DROP DATABASE uno WITH (FORCE)');
is(command('DROP TABLESPACE other'), '', 'and its tablespace, while a call runs elsewhere');
sleep 1;
unlike(substr(slurp_file($node->logfile), $offset), qr/FATAL/, 'no worker is started for what is dropped');
is($node->safe_psql('two', 'SELECT count(*) FROM workflow_orch.worker_status WHERE execution_id IS NOT NULL'), '2', 'calls in the other database go on meanwhile');

# With running calls: the command is refused, as with any session, and the calls go on.
like(command('DROP DATABASE two'), qr/is being accessed by other users/, 'a database in which calls run is not dropped');
is(command('CREATE DATABASE third'), '', 'another one is created');
is(command('DROP DATABASE third'), '', 'and dropped');
is($node->safe_psql('two', 'SELECT count(*) FROM workflow_orch.worker_status WHERE execution_id IS NOT NULL'), '2', 'the calls go on');
my @more = enqueue($node, 'two', calls($node, 'two', 'note_r2', '{"n": 2}', 3));
is($node->safe_psql('two', $limit . "SELECT string_agg(workflow_orch.wait_execution(e)->>'success', ' ') FROM unnest(ARRAY[" . join(',', @more) . ']) e'), 'true true true', 'and others run');
release($gate, 1);
is($node->safe_psql('two', $limit . "SELECT string_agg(workflow_orch.wait_execution(e)->>'success', ' ') FROM unnest(ARRAY[" . join(',', @busy) . ']) e'), 'true true', 'and end');

# The session that gives the command ends while it waits.
my $dropper = session($node, 'postgres');
my $inside = session($node, 'two');
start_query($inside, 'SELECT 1');
answer($inside);
start_query($dropper, 'DROP DATABASE two');
wait_for($node, 'postgres', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE query LIKE 'DROP DATABASE two%' AND state = 'active' AND pid <> pg_backend_pid()});
sleep 1;
$node->safe_psql('postgres', q{SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE query LIKE 'DROP DATABASE two%' AND pid <> pg_backend_pid()});
my ($after) = enqueue($node, 'two', calls($node, 'two', 'note_r1', '{"n": 3}'));
is($node->safe_psql('two', "SELECT workflow_orch.wait_execution($after, '60 s')->>'success'"), 'true', 'a DROP DATABASE whose session was terminated keeps no worker out');
end_session($_) foreach $dropper, $inside, $gate;

# WITH (FORCE), with a queue and running calls; the other databases go on.
prepare($node, 'postgres', 'r1', 'r2');
my $gate_here = session($node, 'postgres');
hold($gate_here, 1);
enqueue($node, 'postgres', calls($node, 'postgres', 'gate_r1', '{"key": 1}', 2));
busy($node, 'postgres', 2);
$gate = session($node, 'two');
hold($gate, 1);
enqueue($node, 'two', calls($node, 'two', 'gate_r1', '{"key": 1}', 6));
enqueue($node, 'two', calls($node, 'two', 'nap_r2', '{"ms": 5}', 100));
busy($node, 'two', 6);
$offset = -s $node->logfile;
is(command('DROP DATABASE two WITH (FORCE)'), '', 'WITH (FORCE) drops a database in which calls run');
sleep 1;
unlike(substr(slurp_file($node->logfile), $offset), qr/FATAL:  database/, 'no worker is started for it');
release($gate_here, 1);
drained($node, 'postgres');
pass('calls of another database go on');
is($node->safe_psql('postgres', q{SELECT count(*) FROM workflow_orch.execution WHERE status = 'succeeded'}), '2', 'and have run once');

# Process barriers: a worker that sleeps, and one that runs a long call, keep
# nobody waiting.
my ($nap) = enqueue($node, 'postgres', calls($node, 'postgres', 'nap_r1', '{"ms": 600000}'));
wait_for($node, 'postgres', "SELECT count(*) = 1 FROM workflow_orch.worker_status WHERE execution_id = $nap");
warm('postgres');
foreach my $i (1 .. 3)
{
	is(command("CREATE DATABASE brief$i"), '', 'a database is created');
	is(command("${limit} CREATE TABLESPACE brief$i LOCATION '" . PostgreSQL::Test::Utils::tempdir . "'"), '', 'and a tablespace');
	is(command("DROP TABLESPACE brief$i"), '', 'and dropped, while a worker sleeps and another runs a long call');
	is(command("DROP DATABASE brief$i"), '', 'so is the database');
}
like($node->safe_psql('postgres', "SELECT workflow_orch.cancel_execution($nap, 2)"), qr/^(running|cancelled)$/, 'the long call is cancelled');
is($node->safe_psql('postgres', $limit . "SELECT workflow_orch.wait_execution($nap)->'error'->>'sqlstate'"), '57014', 'and ends');

# A copy does not run the queue of its original again.
my ($held) = calls($node, 'postgres', 'note_r1', '{"n": 9}');
$node->safe_psql('postgres', "SELECT workflow_orch.enqueue_action($held, run_at => now() + interval '2 s')");
end_session($gate_here);
$node->safe_psql('template1', 'SELECT 1');
is($node->safe_psql('template1', 'CREATE DATABASE clone TEMPLATE postgres'), '', 'a database with a queue is copied');
drained($node, 'postgres');
is($node->safe_psql('clone', 'SELECT tool, due, scheduled, running, held FROM workflow_orch.queue_status'), 'note_r1|0|0|0|1', 'the queue of the copy is held');
is($node->safe_psql('clone', q{SELECT workflow_orch.resume_queue()}), '1', 'and goes on when told to');
drained($node, 'clone');

# A database that gets the extension after a keeper has seen that it has none.
set_settings($node, 'workflow_orch.poll_interval' => '1s');
$node->safe_psql('postgres', 'CREATE DATABASE newcomer');
sleep 2;
prepare($node, 'newcomer', 'r1');
$node->safe_psql('newcomer', q{SELECT workflow_orch.set_policy(proposal_ttl => '100 ms'); SELECT workflow_orch.propose_action(1, 1, 'note_r1', '{"n": 1}', 'reason')});
wait_for($node, 'newcomer', q{SELECT count(*) = 1 FROM workflow_orch.proposal WHERE status = 'expired'});
pass('is visited from then on: what has expired is marked');

# A lock in one database does not keep the others from being looked after.
$node->append_conf('postgresql.conf', "max_prepared_transactions = 5\n");
$node->restart;
my $locker = session($node, 'newcomer');
start_query($locker, 'BEGIN; LOCK TABLE workflow_orch.proposal, workflow_orch.queue');
answer($locker);
my ($prepared) = calls($node, 'postgres', 'note_r1', '{"n": 10}');
sleep 2;
my $execution = (split /\n/, $node->safe_psql('postgres', "BEGIN; SELECT workflow_orch.enqueue_action($prepared); PREPARE TRANSACTION 'p'"))[0];
$node->safe_psql('postgres', "COMMIT PREPARED 'p'");
is($node->safe_psql('postgres', "SELECT workflow_orch.wait_execution($execution, '60 s')->>'success'"), 'true', 'a locked table in one database keeps no other from its keeper');
end_session($locker);

is($node->safe_psql('postgres', 'SELECT * FROM workflow_orch.verify_audit_log()'), '', 'the audit log agrees with the tables');
unlike(slurp_file($node->logfile), qr/PANIC|TRAP|terminated by signal/, 'no process crashed');
done_testing();
