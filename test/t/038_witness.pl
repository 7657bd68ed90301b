# script/audit_witness.py: it keeps checkpoints elsewhere, signed and stamped, and
# refuses an audit log that is not what it was.  The time-stamp service is the
# test's own.
use strict;
use warnings;
use Digest::SHA 'sha256';
use MIME::Base64;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use FindBin;
use lib $FindBin::RealBin;
use WorkflowOrch;

plan skip_all => "$_ is missing" foreach grep { system("$_ >/dev/null 2>&1") != 0 } 'python3 --version', 'openssl version';

my $script = "$FindBin::RealBin/../../script/audit_witness.py";
my $verifier = "$FindBin::RealBin/../../script/verify_evidence.py";
my $folder = $PostgreSQL::Test::Utils::tmp_check;
my $name = 'example.com/witness';
my $node = new_node('watched', preload => 0, allows_streaming => 1);
install($node, 'postgres');
acts_on($node);
sql(q{CREATE ROLE watcher LOGIN; SELECT workflow_orch.grant_capability('watcher', 'audit')});

# The other machine, on which the checkpoints that were signed are kept in a table.
my $elsewhere = new_node('elsewhere', preload => 0);
$elsewhere->safe_psql('postgres', 'CREATE TABLE kept (size bigint, note text)');

sub file
{
	my ($path, $content) = @_;
	open my $out, '>', "$folder/$path" or die "$path: $!";
	print $out $content;
	close $out;
	return "$folder/$path";
}

# Runs a program, and returns its exit status, its last line, and all that it printed.
sub run_program
{
	my @command = @_;
	my ($out, $error) = ('', '');
	IPC::Run::run(\@command, '<', \'', '>', \$out, '2>', \$error);
	my $status = $? >> 8;
	unlike($error, qr/Traceback/, 'no traceback');
	return ($status, (split /\n/, $out || $error)[-1] // '', $out . $error);
}

sub openssl
{
	my @arguments = @_;
	my ($status, undef, $all) = run_program('openssl', @arguments);
	is($status, 0, "openssl $arguments[0]") or diag $all;
	return;
}

# A certificate authority and the time-stamp service that it vouches for.
my $config = file('tsa.cnf', qq{[req]
distinguished_name = dn
prompt = no
[dn]
CN = Test
[ca]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign
[tsa]
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
[service]
serial = $folder/tsa.serial
crypto_device = builtin
signer_cert = $folder/tsa.pem
signer_key = $folder/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
ess_cert_id_alg = sha256
});

sub certificate
{
	my ($who, $extensions, @by) = @_;
	openssl('req', '-new', '-newkey', 'rsa:2048', '-nodes', '-keyout', "$folder/$who.key", '-out', "$folder/$who.csr", '-config', $config, '-subj', "/CN=$who");
	openssl('x509', '-req', '-in', "$folder/$who.csr", '-out', "$folder/$who.pem", '-days', 10, '-extfile', $config, '-extensions', $extensions,
		@by ? ('-CA', "$folder/$by[0].pem", '-CAkey', "$folder/$by[0].key", '-set_serial', 2) : ('-signkey', "$folder/$who.key"));
	return;
}
certificate('authority', 'ca');
certificate('stranger', 'ca');
certificate('tsa', 'tsa', 'authority');
file('tsa.serial', "01\n");
my $service = file('tsa.sh', qq{cat >"$folder/query" && openssl ts -reply -config "$config" -section service -queryfile "$folder/query"\n});
openssl('genpkey', '-algorithm', 'ed25519', '-out', "$folder/witness.key");
openssl('genpkey', '-algorithm', 'ed25519', '-out', "$folder/other.key");
my @stamps = ('--timestamp-command', "sh '$service'", '--timestamp-ca', "$folder/authority.pem");
my $seen = "$folder/seen";

sub run_witness
{
	my ($database, @more) = @_;
	return run_program('python3', $script, 'run', $seen, $database =~ /=/ ? $database : $node->connstr($database) . ' user=watcher',
		'--key', "$folder/witness.key", '--name', $name, @more);
}

sub witnessed
{
	my ($what, @arguments) = @_;
	my ($status, $line, $all) = run_witness(@arguments);
	is($status, 0, $what) or diag $all;
	like($line, qr/^OK: /, "$what: it says so");
	return $all;
}

# A run that is refused, and keeps nothing.
sub refused
{
	my ($pattern, $what, @arguments) = @_;
	my @before = map { slurp_file($_) } sort glob "$seen/*";
	my ($status, $line) = run_witness(@arguments);
	is($status, 1, $what) or diag $line;
	like($line, qr/^REFUSED: $pattern/, "$what: it says why");
	is_deeply([ map { slurp_file($_) } sort glob "$seen/*" ], \@before, "$what: it keeps what it has seen");
	return;
}

sub fails
{
	my ($pattern, $what, @command) = @_;
	my ($status, undef, $all) = run_program(@command);
	is($status, 2, $what);
	like($all, $pattern, "$what: it says why");
	return;
}

sub kept_notes
{
	my ($expected, $pattern, $what, $vkey, @more) = @_;
	my ($status, undef, $all) = run_program('python3', $script, 'verify', $seen, '--vkey', $vkey, '--timestamp-ca', "$folder/authority.pem", @more);
	is($status, $expected, $what) or diag $all;
	like($all, $pattern, "$what: it says what");
	return;
}

# Stores the newest note elsewhere, and returns it.
sub keep
{
	my $note = slurp_file((sort glob "$seen/*.note")[-1]);
	my ($size) = $note =~ /\n(\d+)\n/;
	$elsewhere->safe_psql('postgres', "INSERT INTO kept VALUES ($size, \$\$$note\$\$)");
	return $note;
}

# What verify_audit_log finds by the newest note that is kept elsewhere.
sub findings
{
	my $note = $elsewhere->safe_psql('postgres', q{SELECT encode(convert_to(note, 'UTF8'), 'hex') FROM kept ORDER BY size DESC LIMIT 1});
	return sql("SELECT finding FROM workflow_orch.verify_audit_log(checkpoint => convert_from(decode('$note', 'hex'), 'UTF8'))");
}

sub work { return sql(q{SELECT workflow_orch.start_workflow('more', 1) FROM generate_series(1, } . shift . ')') }

# Two runs, and what is kept of them.
my $all = witnessed('the first run', 'postgres', @stamps);
like($all, qr/^note: this is the first checkpoint/m, 'it says that nothing is proved yet');
keep();
is(sql('SELECT string_agg(kind, $$ $$ ORDER BY anchor_id) FROM workflow_orch.audit_anchor'), 'signature rfc3161', 'it has recorded two anchors');
is(sql(q{SELECT encode(proof, 'base64') FROM workflow_orch.audit_anchor WHERE kind = 'signature'}), encode_base64(slurp_file("$seen/00000001.note"), '') =~ s/(.{76})/$1\n/gr, 'one is the signed note');
work(300);
$all = witnessed('a second run', 'postgres', @stamps);
like($all, qr/^proved: the tree \S+ of size \d+ begins with \S+ of size \d+, which was seen last/m, 'it says what is proved');
my $note = keep();
is(findings(), '', 'verify_audit_log agrees with what is kept elsewhere');

# The note, as its specification has it.
my ($text, $by, $signature) = $note =~ /^((?:[^\n]+\n){3})\n\xe2\x80\x94 (\S+) (\S+)\n$/ or die "not a note: $note";
(undef, my $vkey) = run_program('python3', $script, 'key', "$folder/witness.key", $name);
my ($key_name, $key_id, $key) = split /\+/, $vkey, 3;
is("$by $key_name", "$name $name", 'it is signed by the name');
is(unpack('H*', substr(decode_base64($signature), 0, 4)), $key_id, 'and names the key');
is(unpack('H*', substr(sha256("$name\n" . decode_base64($key)), 0, 8)) =~ s/.{8}$//r, $key_id, 'whose id is computed from name, type and key');
is(substr(decode_base64($key), 0, 1), "\1", 'of type Ed25519');
openssl('pkeyutl', '-verify', '-inkey', "$folder/witness.key", '-rawin', '-in', file('text', $text), '-sigfile', file('signature', substr(decode_base64($signature), 4)));

kept_notes(0, qr/^OK: 2 notes and 2 time stamps hold/m, 'what was kept holds', $vkey);
kept_notes(1, qr/has no signature of/, 'not for another key', (run_program('python3', $script, 'key', "$folder/other.key", $name))[1]);
kept_notes(1, qr/time stamp .* does not hold/, 'not with a strange authority', $vkey, '--timestamp-ca', "$folder/stranger.pem");
for (
	[ '00000001.note', sub { s/\n(\d+)\n/"\n" . ($1 + 1) . "\n"/er }, qr/signature of \S+ in 00000001.note is not that of its text/ ],
	[ '00000002.tsr', sub { slurp_file("$seen/00000001.tsr") }, qr/time stamp \S+ does not hold/ ],
	[ '00000002.proof.json', sub { s/"path": \["./"path": ["!/r }, qr/not base64/ ],
	[ '00000002.note', sub { slurp_file("$seen/00000001.note") }, qr/the proof is about the sizes/ ],
	[ 'state.json', sub { s/"number": 2/"number": 1/r }, qr/is not the checkpoint that state.json has as the last/ ],
	)
{
	my ($path, $change, $pattern) = @$_;
	my $good = slurp_file("$seen/$path");
	local $_ = $good;
	file("seen/$path", $change->());
	kept_notes(1, $pattern, "a changed $path", $vkey);
	file("seen/$path", $good);
}
rename "$seen/state.json", "$folder/state.json" or die;
refused(qr/.* has notes, but no state.json/, 'a state that is gone', 'postgres');
rename "$folder/state.json", "$seen/state.json" or die;

# What does not work is no refusal.
my @run = ('python3', $script, 'run', $seen);
my @as = ('--name', $name, '--key', "$folder/witness.key");
fails(qr/psql failed/, 'no database', @run, $node->connstr('nowhere'), @as);
fails(qr/psql failed: .*permission denied/s, 'a role without audit', @run, $node->connstr('postgres') . ' user=tool_runner', @as);
fails(qr/not an Ed25519 key/, 'another kind of key', @run, $node->connstr('postgres'), '--name', $name, '--key', "$folder/tsa.key");
fails(qr/a plus sign/, 'a bad name', @run, $node->connstr('postgres'), '--name', 'a+b', '--key', "$folder/witness.key");
fails(qr/needs --timestamp-ca/, 'stamps that are not checked', @run, $node->connstr('postgres'), @as, '--timestamp-url', 'http://localhost/');
fails(qr/begins with https/, 'an address of a file', @run, $node->connstr('postgres'), @as, '--timestamp-url', "file://$service", '--timestamp-ca', "$folder/authority.pem");
my ($status, $line) = run_witness('postgres', '--timestamp-command', 'cat', '--timestamp-ca', "$folder/authority.pem");
is($status, 1, 'an answer that is no time stamp') or diag $line;

# The service behind an address.
my ($from_server, $port) = ('', undef);
my $server = IPC::Run::start([ 'python3', '-u', '-c', q{
import http.server, subprocess, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        query = self.rfile.read(int(self.headers['Content-Length']))
        self.send_response(200 if self.headers['Content-Type'] == 'application/timestamp-query' else 415)
        self.end_headers()
        self.wfile.write(subprocess.run(['sh', sys.argv[1]], input=query, stdout=subprocess.PIPE).stdout)
server = http.server.HTTPServer(('127.0.0.1', 0), Handler)
print(server.server_port)
server.serve_forever()
}, $service ], '<', \'', '>', \$from_server, '2>', '/dev/null', IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default));
$server->pump until ($port) = $from_server =~ /^(\d+)\n/;
like(witnessed('a run with an address', 'postgres', '--timestamp-url', "http://127.0.0.1:$port/", '--timestamp-ca', "$folder/authority.pem"), qr/^recorded: rfc3161/m, 'records the stamp');
$server->kill_kill;
keep();

# Other places: a clone takes a new origin, and may take the old one back.
sql('CREATE DATABASE clone TEMPLATE postgres');
$all = witnessed('a clone', 'clone');
like($all, qr/^note: continue_audit_log gave the tree the origin \S+ at size \d+$/m, 'says how its tree came to its name');
refused(qr/the tree .* is shorter|.*does not begin with/, 'what it was cloned from, since then', 'postgres');
work(20);
refused(qr/.*does not begin with .*: the audit log was rewritten, or is another copy's/, 'also when that is longer', 'postgres');
$node->safe_psql('clone', q{SELECT workflow_orch.adopt_origin('the other one is dropped')});
like(witnessed('an origin that is taken back', 'clone'), qr/^note: adopt_origin gave the tree the origin workflow_orch/m, 'is told');
$node->safe_psql('clone', q{SELECT workflow_orch.start_workflow('more', 1)});
unlike(witnessed('and the run after it', 'clone'), qr/^note/m, 'has nothing to tell');
kept_notes(0, qr/^OK: 7 notes/m, 'what was kept of all that holds', $vkey);

# A superuser rewrites the log and seals it anew.
$seen = "$folder/seen-tampered";
witnessed('before the log is rewritten', 'postgres');
keep();
$node->backup('older');
work(5);
witnessed('and once more', 'postgres');
keep();
is(findings(), '', 'nothing is found yet');
my $rewrite = q{TRUNCATE workflow_orch.audit_tile, workflow_orch.audit_leaf, workflow_orch.audit_tree; SELECT workflow_orch.seal_audit_log()};
sql($_) foreach (
	q{ALTER TABLE workflow_orch.workflow DISABLE TRIGGER ALL; ALTER TABLE workflow_orch.audit_log DISABLE TRIGGER ALL; ALTER TABLE workflow_orch.audit_anchor DISABLE TRIGGER ALL},
	q{ALTER TABLE workflow_orch.audit_tile DISABLE TRIGGER ALL; ALTER TABLE workflow_orch.audit_leaf DISABLE TRIGGER ALL; ALTER TABLE workflow_orch.audit_tree DISABLE TRIGGER ALL},
	q{UPDATE workflow_orch.workflow SET title = 'Other work' WHERE workflow_id = 1});
like(findings(), qr/^audit row \d+ or one of the rows that it tells of \(workflow 1\) is not what was sealed$/m, 'a changed row is found');
my $witness_says = qr/.*does not begin with .*: the audit log was rewritten/;
sql($rewrite);
like(sql('SELECT finding FROM workflow_orch.verify_audit_log()'), qr/^the tree does not extend anchor 1 of size \d+/m, 'the log that is sealed anew does not fit its anchors');
sql('DELETE FROM workflow_orch.audit_anchor WHERE true');
sql(q{DELETE FROM workflow_orch.audit_log WHERE action = 'record_anchor'});
sql(q{INSERT INTO workflow_orch.audit_log (occurred_at, action, login, details, db_role, application_name, backend_pid, transaction_id)
	SELECT now(), 'test', 'x', '{}', 'x', '', 1, pg_current_xact_id() FROM generate_series(1, 50)});
sql($rewrite);
is(sql('SELECT finding FROM workflow_orch.verify_audit_log()'), '', 'without them nothing in the database tells');
like(findings(), qr/^the tree does not extend the checkpoint of size \d+: its root at that size is another$/, 'what is kept elsewhere does');
refused($witness_says, 'a log that was rewritten', 'postgres');
refused($witness_says, 'and again', 'postgres', @stamps);

# An older copy takes its place.
$node->stop;
my $older = PostgreSQL::Test::Cluster->new('older');
$older->init_from_backup($node, 'older');
$older->start;
my $there = $older->connstr('postgres') . ' user=watcher';
acts_on($older);
like(findings(), qr/^the tree has size \d+, which is shorter than the checkpoint of size \d+$/, 'an older copy is found');
refused(qr/the tree .* is shorter than the one that was seen, .*: its end was cut off, or an older copy was restored/, 'an older copy', $there, '--read-only');
work(30);
refused($witness_says, 'an older copy that has grown', $there);
sql(q{SELECT workflow_orch.new_origin('what was sealed last is lost')});
refused($witness_says, 'also under a new origin', $there);
my ($origin) = split /\n/, sql('SELECT workflow_orch.audit_checkpoint()');
fails(qr/--begin is for an origin that is new/, 'a beginning with another origin', 'python3', $script, 'run', $seen, $there, @as, '--begin', 'example.com/log');
like(witnessed('a new beginning', $there, '--begin', $origin), qr/^note: nothing proves that this tree goes on from/m, 'is told');
unlike(witnessed('from there on', $there), qr/^note/m, 'it goes on');
kept_notes(0, qr/^note: 00000003.note, .*, begins: nothing proves what was before it\n.*^OK: 4 notes/ms, 'what was kept holds, and says where it begins', $vkey);

# A signed note is a checkpoint for the program that checks evidence, too.
propose($older, 'postgres', 'add', 3);
sql('SELECT workflow_orch.seal_audit_log()');
my $evidence = file('evidence.json', sql('SELECT workflow_orch.evidence(1)'));
my ($size) = slurp_file("$seen/00000004.note") =~ /\n(\d+)\n/;
my $proof = file('proof.json', sql("SELECT workflow_orch.audit_consistency($size)"));
($status, $line, $all) = run_program('python3', $verifier, 'evidence', $evidence, '--checkpoint', "$seen/00000004.note", '--consistency', $proof);
is($status, 0, 'evidence is proved beside a kept note') or diag $all;
done_testing();
