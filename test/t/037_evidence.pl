# script/verify_evidence.py: what evidence(), audit_proof() and audit_consistency()
# gave is proved with the server stopped, and refused if any part was changed.
use strict;
use warnings;
use Digest::SHA 'sha256';
use JSON::PP;
use MIME::Base64;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use FindBin;
use lib $FindBin::RealBin;
use WorkflowOrch;

plan skip_all => 'python3 is missing' if system('python3 --version >/dev/null 2>&1') != 0;

my $script = "$FindBin::RealBin/../../script/verify_evidence.py";
my $folder = $PostgreSQL::Test::Utils::tmp_check;
my $node = new_node('evidence', preload => 0);
install($node, 'postgres');
acts_on($node);

sub file
{
	my ($name, $content) = @_;
	open my $out, '>', "$folder/$name" or die "$name: $!";
	print $out $content;
	close $out;
	return "$folder/$name";
}

# The exit status of the script, and the last line that it prints.
sub verify
{
	my @arguments = @_;
	my ($out, $error) = ('', '');
	IPC::Run::run([ 'python3', $script, @arguments ], '>', \$out, '2>', \$error);
	my $status = $? >> 8;
	unlike($error, qr/Traceback/, 'no traceback');
	return ($status, (split /\n/, $out)[-1] // $error);
}

sub proved
{
	my ($name, @arguments) = @_;
	my ($status, $line) = verify(@arguments);
	is("$status $line", "0 $line", "$name: proved");
	like($line, qr/^OK: /, "$name: it says so");
	return;
}

sub refused
{
	my ($name, @arguments) = @_;
	my ($status, $line) = verify(@arguments);
	is($status, 1, "$name: refused") or diag $line;
	like($line, qr/^NOT PROVED: /, "$name: it says why");
	return;
}

sql(q{SELECT workflow_orch.propose_action(1, 1, 'add', '{"n": 3}', 'because')});
sql('SELECT workflow_orch.comment_proposal(1, 2, $$why three?$$)');
sql(q{SELECT workflow_orch.review_action(1, 2, 'edit', '{"n": 2}', 'two will do')});
sql('SELECT workflow_orch.execute_action(1, 1)');
sql('SELECT workflow_orch.seal_audit_log()');
my $kept = file('kept.txt', sql('SELECT workflow_orch.audit_checkpoint()') . "\n");
my $size = (split /\n/, sql('SELECT workflow_orch.audit_checkpoint()'))[1];
sql('SELECT workflow_orch.start_workflow($$more$$, 1) FROM generate_series(1, 300)');
sql('SELECT workflow_orch.seal_audit_log()');
my $anchored = sql('SELECT workflow_orch.audit_checkpoint()') =~ s/\n*$/\n/r;
my $signature = "$anchored\n\x{e2}\x{80}\x{94} example.com/witness c2lnbmF0dXJl\n";
foreach (['example', 'a proof'], ['signature', $signature], ['signature', 'later, and so left out'], ['rfc3161', 'TOKEN' . sha256($anchored)])
{
	my ($kind, $answer) = @$_;
	sql("SELECT workflow_orch.record_anchor(E'$anchored', '$kind', '\\x" . unpack('H*', $answer) . "')");
}
sql('SELECT workflow_orch.seal_audit_log()');
my $new = file('new.txt', sql('SELECT workflow_orch.audit_checkpoint()') . "\n");
my $evidence = sql('SELECT workflow_orch.evidence(1)');
my $consistency = file('consistency.json', sql("SELECT workflow_orch.audit_consistency($size)"));
my $proof = file('proof.json', sql('SELECT workflow_orch.audit_proof(3)'));
my $entry = file('entry.hex', sql(q{SELECT workflow_orch.audit_entry(3)}));
my $other = file('other.hex', sql(q{SELECT workflow_orch.audit_entry(4)}));
$node->stop;

my $good = file('good.json', $evidence);
proved('evidence', 'evidence', $good);
my $printed = '';
IPC::Run::run([ 'python3', $script, 'evidence', $good ], '>', \$printed);
is(join(' ', $printed =~ /^proved: anchor (\d) .*covers all leaves of the file$/mg), '1 2 4', 'the first anchor of each kind is proved');
is(join(' ', $printed =~ /^stated only: anchor \d \('(\w+)'\): (the signature of example.com.witness|what its proof says(?:, in which the SHA-256 of the checkpoint stands)?)$/mg),
	'example what its proof says signature the signature of example.com/witness rfc3161 what its proof says, in which the SHA-256 of the checkpoint stands', 'and it says what is not');
proved('evidence beside the newest checkpoint', 'evidence', $good, '--checkpoint', $new);
proved('evidence beside a kept checkpoint', 'evidence', $good, '--checkpoint', $kept, '--consistency', $consistency);
proved('a row', 'inclusion', '--proof', $proof, '--entry', $entry, '--checkpoint', $new);
proved('a later tree', 'consistency', '--proof', $consistency, '--old', $kept, '--new', $new);
refused('another row', 'inclusion', '--proof', $proof, '--entry', $other, '--checkpoint', $new);
refused('another tree', 'inclusion', '--proof', $proof, '--entry', $entry, '--checkpoint', $kept);
refused('trees in the wrong order', 'consistency', '--proof', $consistency, '--old', $new, '--new', $kept);

# Each change of what the database said.
my $json = JSON::PP->new->canonical->allow_bignum;
my %change = (
	'a reason' => sub { $_[0]{revisions}[0]{reason} = 'otherwise' },
	'params' => sub { $_[0]{revisions}[1]{params}{n} = 1 },
	'a comment' => sub { $_[0]{comments}[0]{comment} = 'fine' },
	'a reviewer' => sub { $_[0]{reviews}[0]{reviewer_id} = 3 },
	'an output' => sub { $_[0]{executions}[0]{result}{output} = 6 },
	'a login' => sub { $_[0]{audit}[0]{row}{login} = 'somebody' },
	'a time' => sub { $_[0]{audit}[0]{row}{occurred_at} =~ s/^2\d/19/ },
	'a detail' => sub { $_[0]{audit}[1]{row}{details}{status} = 'approved' },
	'a leaf\'s number' => sub { $_[0]{audit}[1]{leaf_index}++ },
	'an entry' => sub { my $e = decode_base64($_[0]{audit}[1]{entry}); substr($e, 20, 1) ^= "\1"; $_[0]{audit}[1]{entry} = encode_base64($e, '') },
	'a path' => sub { shift @{ $_[0]{audit}[1]{path} } },
	'the rows' => sub { my $e = decode_base64($_[0]{audit}[1]{rows}); substr($e, 40, 1) ^= "\1"; $_[0]{audit}[1]{rows} = encode_base64($e, '') },
	'the checkpoint of an anchor' => sub { $_[0]{anchors}[0]{checkpoint} =~ s{\n(.)(.{43})\n$}{"\n" . ($1 eq 'A' ? 'B' : 'A') . "$2\n"}e },
	'the size of an anchor' => sub { $_[0]{anchors}[0]{size}-- },
	'the path of an anchor' => sub { $_[0]{anchors}[0]{path} = [] },
	'the checkpoint of a note' => sub { my $p = decode_base64($_[0]{anchors}[1]{proof}); $p =~ s/\n/0\n/; $_[0]{anchors}[1]{proof} = encode_base64($p, '') },
	'the time stamp of another text' => sub { $_[0]{anchors}[2]{proof} = encode_base64('TOKEN' . sha256('x'), '') },
	'the root' => sub { $_[0]{checkpoint} =~ s{\n(.)(.{43})\n$}{"\n" . ($1 eq 'A' ? 'B' : 'A') . "$2\n"}e },
	'the root\'s line' => sub { $_[0]{checkpoint} =~ s/.\n$/\n/ },
);
foreach my $name (sort keys %change)
{
	my $changed = $json->decode($evidence);
	$change{$name}->($changed);
	refused($name, 'evidence', file('changed.json', $json->encode($changed)));
}
my $larger = $json->decode($evidence);
$larger->{checkpoint} =~ s/\n(\d+)\n/"\n" . ($1 + 1) . "\n"/e;
refused('another size', 'evidence', file('changed.json', $json->encode($larger)), '--checkpoint', $new);
foreach my $broken ('{}', '[]', '{"format": 1', substr($evidence, 0, 500), '{"format": 2, "audit": []}', '[' x 100000)
{
	my ($status) = verify('evidence', file('broken.json', $broken));
	cmp_ok($status, '>', 0, 'what is no evidence is not proved');
}
# The test vectors of the canonical form, which test/pgtap/engine_canonical.sql has the
# server write: each is read, and refused with another value in any column.
my ($read, $problem) = ('', '');
IPC::Run::run([ 'python3', '-B', '-c', q{
import base64, copy, sys
sys.path.insert(0, sys.argv[1])
from verify_evidence import *

def check(vector):
    leaf = bytes.fromhex(vector["leaf"])
    data = {"format": Number("1"), "checkpoint": f"vectors\n1\n{base64.b64encode(leaf).decode()}\n", "proposal": {"proposal_id": Number("0")}}
    item = {"row": vector["row"], "leaf_index": Number("0"), "path": [], "leaf": base64.b64encode(leaf).decode()}
    item.update({part: base64.b64encode(bytes.fromhex(vector[part])).decode() for part in ("entry", "who", "what", "rows")})
    evidence = Evidence(data)
    for part, row in vector["tells"].items():
        evidence.objects[(part,) + tuple(integer(row[column], column) for column in PARTS[part].key)] = row
    return evidence.check_audit_row(item)

for vector in read_json(sys.argv[2]):
    check(vector)
    print("read:", vector["name"].text if isinstance(vector["name"], Number) else vector["name"])
    told = vector["tells"].values()
    for place in [vector["row"], vector["row"]["details"], *told]:
        for column, value in place.items():
            if column == "details" or place in told and column in ("status", "ended_at", "ended_by", "end_reason"):
                continue
            place[column] = "other" if value != "other" else None
            try:
                check(vector)
                print("not refused:", vector["name"], column)
            except Refused:
                pass
            place[column] = value
}, "$FindBin::RealBin/../../script", "$FindBin::RealBin/../vectors/canonical.json" ], '>', \$read, '2>', \$problem);
is($problem, '', 'the vectors are read without an error');
cmp_ok(scalar(() = $read =~ /^read: /mg), '>=', 7, 'each of them');
unlike($read, qr/^not refused: /m, 'and no other value in its place') or diag $read;
done_testing();
