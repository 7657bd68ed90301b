# Workers that cannot be started: no slots left, roles that cannot connect.
use strict;
use warnings;
use lib 'test/t';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowOrch;
use WorkerPool;

# The server's own launcher of logical replication takes a slot as well as ours, and so do,
# for a moment, the keeper and the sealer.
my $node = pool_node('main', "max_worker_processes = 2\nworkflow_orch.poll_interval = 1s\n");
$node->safe_psql('postgres', 'CREATE ROLE r1 LOGIN; CREATE ROLE r2 LOGIN');
prepare($node, 'postgres', 'r1', 'r2');
my ($refused) = calls($node, 'postgres', 'note_r1', '{"n": 1}');
my $result = q{SELECT r->'error'->>'sqlstate', r->'error'->>'message', r->'error'->>'hint' FROM jsonb_array_elements(%s) r};
like($node->safe_psql('postgres', "SET statement_timeout = '30 s'; " . sprintf($result, parallel($refused))),
	qr/^55000\|no background worker could be started for the call\|.*max_worker_processes/, 'without a free slot a batch gets results that say what to set');
like(slurp_file($node->logfile), qr/WARNING:  out of background worker slots/, 'so does the log');
is($node->safe_psql('postgres', "SELECT status FROM workflow_orch.proposal WHERE proposal_id = $refused"), 'approved', 'the call is still approved');
my ($queued) = enqueue($node, 'postgres', $refused);
is($node->safe_psql('postgres', "SELECT workflow_orch.wait_execution($queued, '2 s') IS NULL"), 't', 'a queued call waits');
is($node->safe_psql('postgres', 'SELECT tool, due, running FROM workflow_orch.queue_status'), 'note_r1|1|0', 'and is there');
my $found = q{SELECT severity, object FROM workflow_orch.check_setup() WHERE finding = 'few_worker_slots'};
is($node->safe_psql('postgres', $found), 'warning|max_worker_processes', 'check_setup finds it');

# One slot for workers.
$node->append_conf('postgresql.conf', "max_worker_processes = 3\n");
$node->restart;
is($node->safe_psql('postgres', "SELECT workflow_orch.wait_execution($queued)->>'success'"), 'true', 'it runs when there is a slot');
like($node->safe_psql('postgres', "SET statement_timeout = '30 s'; " . outcomes(calls($node, 'postgres', 'note_r2', '{"n": 1}'))), qr/^\d+$/,
	'an idle worker of another role leaves its slot');
my $gate = session($node, 'postgres');
hold($gate, 1);
enqueue($node, 'postgres', calls($node, 'postgres', 'gate_r1', '{"key": 1}', 3));
busy($node, 'postgres', 1);
like($node->safe_psql('postgres', "SET statement_timeout = '30 s'; " . sprintf($result, parallel(calls($node, 'postgres', 'note_r2', '{"n": 2}')))), qr/^55000\|/,
	'a busy one does not: a batch of another role is told so');
($queued) = enqueue($node, 'postgres', calls($node, 'postgres', 'note_r2', '{"n": 2}'));
release($gate, 1);
is($node->safe_psql('postgres', "SELECT workflow_orch.wait_execution($queued, '60 s')->>'success'"), 'true', 'a queued call of that role runs after it');
drained($node, 'postgres');

# A database that lets nobody in.
$node->append_conf('postgresql.conf', "max_worker_processes = 16\n");
$node->restart;
$node->safe_psql('postgres', 'CREATE DATABASE closed');
prepare($node, 'closed', 'r1', 'r2');
my @ids = calls($node, 'closed', 'note_r1', '{"n": 4}', 3);
my $inside = session($node, 'closed');
start_query($inside, 'SELECT 1');
answer($inside);
$node->safe_psql('postgres', 'ALTER DATABASE closed ALLOW_CONNECTIONS false');
start_query($inside, "SET statement_timeout = '30 s'; " . outcomes(@ids));
is(answer($inside), '55000 55000 55000', 'where no worker can connect a batch is told so');
start_query($inside, "SELECT workflow_orch.enqueue_action($ids[0])");
$queued = answer($inside);
start_query($inside, "SELECT workflow_orch.wait_execution($queued, '1 s') IS NULL");
is(answer($inside), 't', 'a queued call waits');
like($node->safe_psql('postgres', "SET statement_timeout = '30 s'; " . outcomes(calls($node, 'postgres', 'note_r1', '{"n": 5}'))), qr/^\d+$/, 'other databases have their workers');
$node->safe_psql('postgres', 'ALTER DATABASE closed ALLOW_CONNECTIONS true');
like($node->safe_psql('closed', "SET statement_timeout = '60 s'; " . outcomes(@ids[ 1, 2 ])), qr/^\d+ \d+$/, 'when workers may connect again a new batch runs at once');
is($node->safe_psql('closed', "SELECT workflow_orch.wait_execution($queued, '60 s')->>'success'"), 'true', 'so does the queued call');
end_session($inside);
$node->safe_psql('postgres', 'ALTER ROLE r1 CONNECTION LIMIT 8');
like($node->safe_psql('postgres', outcomes(calls($node, 'postgres', 'note_r1', '{"n": 3}', 3))), qr/^\d+ \d+ \d+$/, 'a role may have a limit of connections');

# A role that is dropped, or may not connect any more, while it has queued calls.
$node->safe_psql('postgres', 'CREATE ROLE r3 LOGIN; CREATE ROLE r4 LOGIN');
tools($node, 'postgres', $_) foreach 'r3', 'r4';
set_settings($node, 'workflow_orch.max_workers' => 1);
hold($gate = session($node, 'postgres'), 1);
enqueue($node, 'postgres', calls($node, 'postgres', 'gate_r2', '{"key": 1}'));
busy($node, 'postgres', 1);
my ($dropped) = enqueue($node, 'postgres', calls($node, 'postgres', 'note_r3', '{"n": 1}', 3));
my ($locked) = enqueue($node, 'postgres', calls($node, 'postgres', 'note_r4', '{"n": 1}'));
$node->safe_psql('postgres', 'DROP OWNED BY r3; DROP ROLE r3; ALTER ROLE r4 NOLOGIN');
release($gate, 1);
my $answer = $node->safe_psql('postgres', "SELECT r->'error'->>'sqlstate', r->'error'->>'detail' FROM workflow_orch.wait_execution($dropped, '60 s') r");
like($answer, qr/^55000\|.*(not exist|OID)/, 'the queued calls of a role that was dropped fail and say so');
$answer = $node->safe_psql('postgres', "SELECT r->>'success', r->'error'->>'sqlstate' FROM workflow_orch.wait_execution($locked, '60 s') r");
like($answer, $node->pg_version >= 17 ? qr/^true/ : qr/^false\|55000/, 'so do those of a role that may not log in, before PostgreSQL 17');
drained($node, 'postgres');
like($node->safe_psql('postgres', outcomes(calls($node, 'postgres', 'note_r2', '{"n": 6}'))), qr/^\d+$/, 'other roles go on');
sleep 1;
my $offset = -s $node->logfile;
sleep 2;
unlike(substr(slurp_file($node->logfile), $offset), qr/FATAL/, 'and no worker is started for those that are gone');

is($node->safe_psql('postgres', 'SELECT * FROM workflow_orch.verify_audit_log()'), '', 'the audit log agrees with the tables');
unlike(slurp_file($node->logfile), qr/PANIC|TRAP|terminated by signal/, 'no process crashed');
end_session($gate);
set_settings($node, 'workflow_orch.max_workers' => 8);
$node->append_conf('postgresql.conf', "max_worker_processes = 11\n");
$node->restart;
is($node->safe_psql('postgres', $found), 'warning|max_worker_processes', 'workers, two launchers, a keeper and a sealer: one slot too few');
$node->append_conf('postgresql.conf', "max_worker_processes = 12\n");
$node->restart;
is($node->safe_psql('postgres', $found), '', 'with enough slots check_setup finds nothing');

done_testing();
