# What was redacted leaves the files of the tables: a background worker vacuums them and
# wipes what VACUUM leaves, without keeping anybody out.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use FindBin;
use lib $FindBin::RealBin;
use WorkflowOrch;

my $node = new_node('cleaner', allows_streaming => 1, settings => "workflow_orch.poll_interval = 1s\nautovacuum = off\n");
install($node, 'postgres');
acts_on($node);
$node->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('cleaner_standby');
$standby->init_from_backup($node, 'backup', has_streaming => 1);
$standby->start;
my $secret = 'Quitzdorf';

sub waits { return sql('SELECT count(*) FROM workflow_orch.redaction WHERE vacuumed_at IS NULL') }
sub cleaned { wait_for($node, 'postgres', 'SELECT count(*) = 0 FROM workflow_orch.redaction WHERE vacuumed_at IS NULL'); return; }

# Words in heaps, TOAST tables, indexes and statistics.
sql(qq{
	CREATE FUNCTION app.tell(word text) RETURNS text LANGUAGE sql AS 'SELECT word';
	SELECT workflow_orch.register_tool('tell', 'app.tell(text)', run_as => 'tool_runner');
	SELECT workflow_orch.register_actor('Ada $secret ' || i, 'DBA', person => '$secret, Ada') FROM generate_series(1, 20) i;
});
my $long = join(' ', map { "$secret $_" } 1 .. 2000);
for my $i (1 .. 5)
{
	my $p = sql(qq{SELECT proposal_id FROM workflow_orch.propose_action(1, 1, 'tell', '{"word": "$long $i"}', 'because $secret', 'key $secret $i')});
	sql("SELECT workflow_orch.comment_proposal($p, 2, '$secret'); SELECT workflow_orch.review_action($p, 2, 'approve'); SELECT workflow_orch.execute_action($p, 3)");
}
sql('SELECT workflow_orch.update_actor(actor_id, active => false) FROM workflow_orch.actor WHERE actor_id > 3');
sql('ANALYZE');
sql('SELECT workflow_orch.seal_audit_log()');
isnt(scalar(files_with($secret)), 0, 'the files have the words');

# While a transaction sees the old versions nothing can go.
my $reader = session($node, 'postgres');
start_query($reader, 'BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM workflow_orch.actor;');
answer($reader);
my (undef, undef, $notice) = $node->psql('postgres', "SELECT workflow_orch.redact_proposal(proposal_id, 3, 'r') FROM workflow_orch.proposal");
is($notice, '', 'no notice asks anybody to vacuum');
sql("SELECT workflow_orch.redact_actor(actor_id, 3, 'r') FROM workflow_orch.actor WHERE actor_id > 3");
wait_for($node, 'postgres', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'workflow_orch cleaner' AND query = 'waiting for transactions that see redacted values'});
isnt(waits(), '0', 'the cleaner waits for a transaction that sees the old versions');
is(sql("SELECT count(*) FROM workflow_orch.audit_log WHERE action = 'vacuum_redacted'"), '0', 'and has told nothing');

# A crash meanwhile.
$node->stop('immediate');
$node->start;
end_session($reader);
cleaned();
is(sql("SELECT sum((details ->> 'count')::int) = (SELECT count(*) FROM workflow_orch.redaction) FROM workflow_orch.audit_log WHERE action = 'vacuum_redacted'"), 't', 'after a crash another one cleans, and an audit row tells of it');
is(join(' ', files_with($secret)), '', 'the files have nothing of it');
$node->wait_for_catchup($standby, 'replay', $node->lsn('insert'));
is(join(' ', files_with($secret, $standby)), '', 'nor have those of the standby');
sql('SELECT workflow_orch.seal_audit_log()');
is(sql('SELECT string_agg(finding, $$; $$) FROM workflow_orch.verify_audit_log()'), '', 'verify_audit_log finds nothing');
SKIP:
{
	skip 'amcheck is missing', 2 if sql(q{SELECT count(*) FROM pg_available_extensions WHERE name = 'amcheck'}) eq '0';
	sql('CREATE EXTENSION amcheck');
	is(sql(q{SELECT string_agg(msg, '; ') FROM pg_class c, verify_heapam(c.oid) WHERE relkind = 'r' AND (relnamespace = 'workflow_orch'::regnamespace OR c.oid = 'pg_statistic'::regclass)}), '', 'the pages of the tables are in order');
	is(sql(q{SELECT count(bt_index_parent_check(indexrelid, true, true)) > 20 FROM pg_index JOIN pg_class c ON c.oid = indexrelid JOIN pg_am a ON a.oid = relam
		WHERE amname = 'btree' AND relnamespace = 'workflow_orch'::regnamespace}), 't', 'and so are those of the indexes');
}

# More values of what is redacted already.
my $p = sql(q{SELECT min(proposal_id) FROM workflow_orch.proposal});
sql("SELECT workflow_orch.comment_proposal($p, 2, '$secret again'); SELECT workflow_orch.seal_audit_log()");
sql("SELECT workflow_orch.redact_proposal($p, 3, 'r')");
cleaned();
is(join(' ', files_with($secret)), '', 'what was redacted later has gone as well');

# It makes room for a command that needs the database.
$node->safe_psql('template1', 'CREATE DATABASE other TEMPLATE postgres');
sql("SELECT workflow_orch.comment_proposal($p, 2, '$secret again'); SELECT workflow_orch.seal_audit_log()");
$reader = session($node, 'template1');
start_query($reader, 'BEGIN; SELECT pg_current_xact_id();');
answer($reader);
sql("SELECT workflow_orch.redact_proposal($p, 3, 'r')");
wait_for($node, 'template1', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'workflow_orch cleaner'});
is(error_of($node, 'template1', 'ALTER DATABASE postgres RENAME TO renamed'), '', 'a cleaner that waits leaves the database to a command');
$node->safe_psql('template1', 'ALTER DATABASE renamed RENAME TO postgres');
end_session($reader);
cleaned();
is(join(' ', files_with($secret)), '', 'and comes back');
is(sql(q{SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'workflow_orch cleaner' AND state IS DISTINCT FROM 'active'}), '0', 'it does not stay');
$standby->stop;
$node->stop;
done_testing();
