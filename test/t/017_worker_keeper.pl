# The keeper of a database, which starts what nobody is told of: it comes to
# databases old and new, and comes again when it was ended.
use strict;
use warnings;
use lib 'test/t';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowOrch;
use Workers;

my $node = new_node('main', settings => "log_min_messages = warning\nmax_prepared_transactions = 5\nmax_worker_processes = 16\nworkflow_orch.poll_interval = 1h\n");

# At the start of the server there was no extension.
install_workers($node, 'postgres');
$node->append_conf('postgresql.conf', 'workflow_orch.poll_interval = 1s');
$node->reload;
$node->safe_psql('postgres', q{SELECT workflow_orch.set_policy(approval_ttl => '1 s')});
my $expiring = approved_call($node, 'postgres', 'quick', 1);
wait_for($node, 'postgres', "SELECT status = 'expired' FROM workflow_orch.proposal WHERE proposal_id = $expiring");
pass('what expires is marked in a database whose extension is younger than the server');
$node->safe_psql('postgres', q{SELECT workflow_orch.set_policy(approval_ttl => '0')});

# Columns that somebody adds to the tables do not keep the workers from them.
$node->safe_psql('postgres', 'ALTER TABLE workflow_orch.queue ADD COLUMN extra int; ALTER TABLE workflow_orch.execution ADD COLUMN extra int; ALTER TABLE workflow_orch.execution DROP COLUMN extra');

# Nor does anything but the keeper wake the workers for a prepared transaction,
# and after a start of the server.
my $id = approved_call($node, 'postgres', 'quick', 2);
$node->safe_psql('postgres', "BEGIN; SELECT workflow_orch.enqueue_action($id, 1); PREPARE TRANSACTION 'enqueued'");
$node->restart;
$node->safe_psql('postgres', q{COMMIT PREPARED 'enqueued'});
queue_is_empty($node, 'postgres', 'enqueued by a prepared transaction');

# A keeper that somebody ends, and which a lock keeps from its work after the
# start: a lock of a prepared transaction is there again before it.
$node->append_conf('postgresql.conf', 'workflow_orch.poll_interval = 1h');
enqueue_many($node, 'postgres', 'quick', 3, 7, '2 s');
$node->safe_psql('postgres', q{BEGIN; LOCK TABLE workflow_orch.proposal; PREPARE TRANSACTION 'lock'});
$node->restart;
my $blocked = q{FROM pg_stat_activity WHERE backend_type = 'workflow_orch keeper' AND wait_event_type = 'Lock'};
wait_for($node, 'postgres', "SELECT count(*) = 1 $blocked");
$node->safe_psql('postgres', "SELECT pg_terminate_backend(pid, 60000) $blocked");
$node->safe_psql('postgres', q{ROLLBACK PREPARED 'lock'});
queue_is_empty($node, 'postgres', 'a keeper was ended');

# The same after a crash, which nobody has counted yet.
$node->append_conf('postgresql.conf', 'restart_after_crash = on');
$node->reload;
my $holder = hold($node, 'postgres', 'SELECT pg_advisory_lock(4711)');
my $suspect = enqueue($node, 'postgres', 'gate', 8);
my $worker = worker_of($node, 'postgres', $suspect);
$node->safe_psql('postgres', q{BEGIN; LOCK TABLE workflow_orch.queue IN SHARE MODE; PREPARE TRANSACTION 'lock'});
crash($node, $worker);
end_session($holder);
wait_for($node, 'postgres', "SELECT count(*) = 1 $blocked");
is(starts_of($node, $suspect), 1, 'nothing runs before the crash is counted');
$node->safe_psql('postgres', "SELECT pg_terminate_backend(pid, 60000) $blocked");
$node->safe_psql('postgres', q{ROLLBACK PREPARED 'lock'});
queue_is_empty($node, 'postgres', 'a keeper was ended before it had counted a crash');
is(crashes_noted($node), 1, 'another has counted it, once');
is(result_of($node, 'postgres', $suspect), 'succeeded 1', 'and the call has run');
is($node->safe_psql('postgres', 'SELECT count(*) FROM app.ran'), 7, 'each call has run once');

# A database that goes while the keeper of another one counts the calls of a crash:
# the launcher forgets those of the first, which stand before them.
$node->append_conf('postgresql.conf', 'workflow_orch.poll_interval = 1s');
$node->restart;
$node->safe_psql('postgres', 'CREATE DATABASE gone');
install_workers($node, 'gone');
my @holders = map { hold($node, $_, 'SELECT pg_advisory_lock(4711)') } 'gone', 'postgres';
$node->safe_psql('gone', q{SELECT app.enqueue('gate', '{"n": 1}')});
wait_busy($node, 1);
enqueue_many($node, 'postgres', 'gate', 9, 11);
wait_busy($node, 4);
$node->safe_psql('postgres', q{BEGIN; LOCK TABLE workflow_orch.queue IN SHARE MODE; PREPARE TRANSACTION 'lock'});
my $noted = crashes_noted($node);
crash($node, $node->safe_psql('postgres', q{SELECT pid FROM pg_stat_activity WHERE datname = 'postgres' AND backend_type = 'workflow_orch worker' LIMIT 1}));
end_session($_) foreach @holders;
wait_for($node, 'postgres', "SELECT count(*) = 1 $blocked AND datname = 'postgres'");
$node->safe_psql('postgres', 'DROP DATABASE gone WITH (FORCE)');
$node->safe_psql('postgres', 'SELECT pg_sleep(1.2)');
$node->safe_psql('postgres', q{ROLLBACK PREPARED 'lock'});
queue_is_empty($node, 'postgres', 'a database went while crashes were counted');
is(crashes_noted($node) - $noted, 3, 'each crash of the other database is counted');

# What keeps the keeper away for long is not tried again every few seconds.
$node->append_conf('postgresql.conf', 'workflow_orch.poll_interval = 1s');
$node->reload;
wait_for($node, 'postgres', 'SELECT count(*) = 0 FROM workflow_orch.queue');
$node->safe_psql('postgres', q{BEGIN; LOCK TABLE workflow_orch.queue, workflow_orch.proposal; PREPARE TRANSACTION 'lock'});
my $offset = -s $node->logfile;
$node->safe_psql('postgres', 'SELECT pg_sleep(8)');
$node->safe_psql('postgres', q{ROLLBACK PREPARED 'lock'});
my $timeouts = () = substr(slurp_file($node->logfile), $offset) =~ /canceling statement due to lock timeout\n.*STATEMENT:  (?!sealing)/g;
cmp_ok($timeouts, '<=', 1, 'a visit that fails is made again later');
enqueue_many($node, 'postgres', 'quick', 9, 10, '1 s');
queue_is_empty($node, 'postgres', 'after that');

done_testing();
