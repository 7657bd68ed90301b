# SQLAlchemy reflects the tables and maps them to classes by itself, where it is
# installed (python3-sqlalchemy and python3-psycopg2).
use strict;
use warnings;
use lib 'test/t';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowOrch;

my $python = $ENV{PYTHON} // 'python3';
plan skip_all => 'SQLAlchemy and psycopg2 are not installed' if system("$python -c 'import sqlalchemy, psycopg2' >/dev/null 2>&1") != 0;

my $node = new_node('main', preload => 0);
install($node, 'postgres');
my $id = approved($node, 'postgres', 'add', 5);
execute($node, 'postgres', $id);
my $script = PostgreSQL::Test::Utils::tempdir . '/automap.py';
append_to_file($script, q{
import sys, warnings
from sqlalchemy import create_engine
from sqlalchemy.ext.automap import automap_base
from sqlalchemy.orm import Session

# It does not know xid8 and jsonpath, and says so.
warnings.simplefilter("ignore")
engine = create_engine(sys.argv[1])
base = automap_base()
base.prepare(autoload_with=engine, schema="workflow_orch")
print(" ".join(sorted(name for name in base.classes.keys())))
session = Session(engine)
for proposal in session.query(base.classes.proposal):
    print(proposal.proposal_id, proposal.tool, proposal.status, proposal.params)
for execution in session.query(base.classes.execution):
    print(execution.execution_id, execution.result["output"])
});
my $url = sprintf 'postgresql+psycopg2:///postgres?host=%s&port=%s', $node->host, $node->port;
my ($out, $err) = run_command([ $python, $script, $url ]);
is($err, '', 'automap maps the tables without an error');
my ($classes, @rows) = split /\n/, $out;
is($classes, $node->safe_psql('postgres', q{SELECT string_agg(relname, ' ' ORDER BY relname COLLATE "C") FROM pg_class WHERE relnamespace = 'workflow_orch'::regnamespace AND relkind = 'r'}), 'each of them');
is_deeply(\@rows, [ "$id add executed {'n': 5}", '1 2' ], 'and reads rows by its classes');

done_testing();
