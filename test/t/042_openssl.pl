# A server whose OpenSSL is configured so that there is no SHA-256.
use strict;
use warnings;
use lib 'test/t';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowOrch;

my $node = new_node('main', preload => 0);
plan skip_all => 'the server is built without OpenSSL' if $node->safe_psql('postgres', 'SHOW ssl_library') ne 'OpenSSL';
install($node, 'postgres');
is(execute($node, 'postgres', approved($node, 'postgres', 'add', 5)), '2', 'a call is proposed, approved and executed');
is($node->safe_psql('postgres', 'SELECT workflow_orch.seal_audit_log() > 0'), 't', 'and sealed');

# Random numbers, without which no server starts, come from the default provider.
my $conf = PostgreSQL::Test::Utils::tempdir() . '/openssl.cnf';
append_to_file($conf, <<'END');
openssl_conf = settings
[settings]
random = random
alg_section = algorithms
[random]
properties = provider=default
[algorithms]
default_properties = provider=none
END
{
	local $ENV{OPENSSL_CONF} = $conf;
	$node->restart;
}
is($node->safe_psql('postgres', "SELECT workflow_orch.start_workflow('More')"), '2', 'what needs no hash works');
acts_on($node);
is(as('postgres', $_), '0A000 wfo_no_hash', "an error says so: $_")
  foreach 'SELECT count(*) FROM workflow_orch.verify_audit_log()',
  q{SELECT workflow_orch.propose_action(1, 1, 'add', '{"n": 5}', 'reason', idempotency_key => 'k')},
  'SELECT workflow_orch.seal_audit_log()';
$node->restart;
is($node->safe_psql('postgres', 'SELECT * FROM workflow_orch.verify_audit_log()'), '', 'afterwards the audit log agrees with the tables');
is(execute($node, 'postgres', approved($node, 'postgres', 'add', 5)), '2', 'and calls work');
done_testing();
