# Holds the pages to the server: the examples of README.md and doc/ run as they
# stand there, and doc/reference.md is what the catalog and the settings say.
#
# The blocks of kind "sql" of a page run one after the other in one session of a
# superuser.  A page of doc/ has a database of its own, in which those of
# README.md have run before.  A block of kind "text" that follows at once is what
# the block prints, where "..." stands for anything in a line; without one a block
# may print anything but an error.  The diagram in doc/reference.md is that of
# transitions_mermaid().
use strict;
use warnings;
use Test::More;

binmode $_, ':encoding(UTF-8)' foreach *STDOUT, *STDERR, Test::More->builder->output, Test::More->builder->failure_output;

sub content
{
	my ($name) = @_;
	open(my $file, '<:encoding(UTF-8)', $name) or die "could not open $name: $!";
	local $/;
	return scalar <$file>;
}

# What psql prints, errors included, for a text on its standard input.
sub psql
{
	my ($database, $sql, @options) = @_;
	my $name = "$ENV{TESTDIR}/docs.sql";
	open(my $out, '>:encoding(UTF-8)', $name) or die "could not open $name: $!";
	print $out $sql;
	close $out;
	open(my $in, '-|:encoding(UTF-8)', "psql -Xq @options -d $database <'$name' 2>&1") or die "could not run psql: $!";
	local $/;
	my $output = <$in> // '';
	close $in;
	return $output;
}

sub roles { return split /\n/, psql('postgres', 'SELECT rolname FROM pg_roles ORDER BY rolname', '-At') }

# The blocks of a page, each with its line, SQL and expected output or undef.
sub examples
{
	my ($text) = @_;
	my @examples;
	while ($text =~ /^```sql\n(.*?)^```\n(?:\n?```text\n(.*?)^```$)?/msg)
	{
		my ($sql, $output) = ($1, $2);
		push @examples, { line => 1 + (substr($text, 0, $-[0]) =~ tr/\n//), sql => $sql, output => $output };
	}
	return @examples;
}

# Lines without the blanks at their ends, and without empty ones.
sub trimmed
{
	my ($text) = @_;
	return join "\n", grep { $_ ne '' } map { s/\s+$//r } split /\n/, $text;
}

sub run_page
{
	my ($page, $database) = @_;
	my @examples = examples(content($page));
	my $separator = '== the next example';
	my $output = psql($database, join "\\echo $separator\n", map { $_->{sql} } @examples);
	my @outputs = split /^\Q$separator\E\n/m, $output, -1;
	is(scalar @outputs, scalar @examples, "$page: every example is run") or diag $output;
	foreach my $i (0 .. $#examples)
	{
		my ($example, $printed) = ($examples[$i], $outputs[$i] // '');
		my $title = "$page, line $example->{line}";
		if (defined $example->{output})
		{
			my $pattern = join '.*', map { quotemeta } split /\.\.\./, trimmed($example->{output}), -1;
			ok(trimmed($printed) =~ /\A$pattern\z/, "$title: it prints what is there")
				or diag "it prints:\n$printed\nand the page has:\n$example->{output}";
		}
		else
		{
			unlike($printed, qr/^(?:ERROR|FATAL|PANIC):|^invalid command|^\S+ error:/m, "$title: it runs");
		}
	}
	return;
}

my @before = roles();
my $base = 'docs_readme';
psql('postgres', "CREATE DATABASE $base;");
run_page('README.md', $base);
my @of_readme = roles();
foreach my $page (sort glob 'doc/*.md')
{
	my ($name) = $page =~ m{(\w+)\.md$};
	next unless examples(content($page));
	psql('postgres', "CREATE DATABASE docs_$name TEMPLATE $base;");
	run_page($page, "docs_$name");
	psql('postgres', "DROP DATABASE docs_$name WITH (FORCE);");
	my %kept = map { $_ => 1 } @of_readme;
	psql('postgres', join '', map { "DROP ROLE $_;\n" } grep { !$kept{$_} } roles());
}

my $reference = content('doc/reference.md');
my ($catalog) = $reference =~ /^<!-- catalog.*?\n\n(.*)\z/ms;
open(my $in, '-|:encoding(UTF-8)', "psql -XAtq -v ON_ERROR_STOP=1 -d $base -f script/reference.sql") or die "could not run psql: $!";
my $expected = do { local $/; <$in> };
close $in;
my ($line) = grep { ((split /\n/, $expected)[$_] // '') ne ((split /\n/, $catalog)[$_] // '') } 0 .. ($expected =~ tr/\n//);
ok($catalog eq $expected, 'doc/reference.md is what the catalog says: else run script/reference.sh')
	or diag "it should have:  ", (split /\n/, $expected)[$line] // '', "\nand it has:      ", (split /\n/, $catalog)[$line] // '';

my ($diagram) = $reference =~ /^```mermaid\n(.*?)^```$/ms;
is($diagram, psql($base, 'SELECT workflow_orch.transitions_mermaid();', '-At'), 'doc/reference.md has the diagram of transitions_mermaid()');

my %default = $reference =~ /^\| `(workflow_orch\.\w+)` \| ([^|]*?) *\|/mg;
cmp_ok(scalar keys %default, '>', 10, 'there are settings to look at');
foreach my $setting (sort keys %default)
{
	# The server of the tests has another value of some.
	my $shown = psql($base, "SELECT CASE source WHEN 'configuration file' THEN boot_val ELSE current_setting(name) END FROM pg_settings WHERE name = '$setting';", '-At');
	tr/ \n//d foreach $shown, $default{$setting};
	is($shown, $default{$setting}, "the default of $setting");
}

psql('postgres', "DROP DATABASE $base WITH (FORCE);");
my %kept = map { $_ => 1 } @before;
psql('postgres', join '', map { "DROP ROLE $_;\n" } grep { !$kept{$_} } roles());
done_testing();
