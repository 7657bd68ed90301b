#!/usr/bin/perl
# check-pages.pl links|names|fences FILE...: what is wrong in Markdown pages, a
# line for each finding.  script/check-docs.sh runs it.
#
#   links   a link leads to no file, or to no heading of it
#   names   code in a paragraph names what neither the sources nor PostgreSQL
#           have: a call, an argument, a column, a setting, a C function, a file
#   fences  a block of code is not marked as one of the kinds below
#
# Blocks are of kind "sql", which test/t/docs.pl runs, "sql norun" where that
# cannot be, "text", and a few for other languages.
use strict;
use warnings;

my $kinds = qr/sql(?: norun)?|text|sh|conf|python|javascript|mermaid/;

# What pages say of PostgreSQL and of other programs.
my %others = map { $_ => 1 } qw(
	autovacuum psql pgbench psycopg dblink hstore prove perl make jq
	array_agg current_setting jsonb_to_record jsonb_build_object
	pg_advisory_unlock_all pg_advisory_xact_lock pg_basebackup pg_cancel_backend pg_control_system pg_dump pg_locks
	pg_prepared_statements pg_regress pg_restore pg_stat_activity pg_stat_statements pg_stat_user_tables
	pg_terminate_backend pg_trigger_depth pg_upgrade pg_write_all_data
	deadlock_timeout default_transaction_deferrable default_transaction_isolation default_transaction_read_only idle_in_transaction_session_timeout
	log_min_messages max_connections max_worker_processes restrict_nonsystem_relation_kind shared_preload_libraries statement_timeout
	synchronous_commit track_counts transaction_timeout transform_null_equals
	currval lastval lo_export lo_get lo_put to_jsonb
	set_credit
	verb_noun thing_status LAYER_FILE wfo_NAME CONSTRAINT_NAME
);

sub content
{
	my ($name) = @_;
	open(my $file, '<:encoding(UTF-8)', $name) or die "could not open $name: $!";
	local $/;
	return scalar <$file>;
}

my ($what, @files) = @ARGV;
my %text = map { $_ => content($_) } @files;
my @found;

# A page without its blocks of code.
sub prose
{
	my ($text) = @_;
	$text =~ s/^```.*?^```$//msg;
	return $text;
}

# The anchors of a page, as GitHub makes them of its headings.
sub anchors
{
	my ($text) = @_;
	my (%anchors, %seen);
	foreach my $heading (prose($text) =~ /^#+ (.*)$/mg)
	{
		my $anchor = lc $heading;
		$anchor =~ s/\[([^]]*)\]\([^)]*\)/$1/g;
		$anchor =~ s/[^\w\- ]//g;
		$anchor =~ tr/ /-/;
		my $again = $seen{$anchor}++;
		$anchors{ $again ? "$anchor-$again" : $anchor } = 1;
	}
	return \%anchors;
}

sub check_links
{
	my ($name) = @_;
	my $prose = prose($text{$name});
	$prose =~ s/`[^`\n]*`//g;
	my ($folder) = $name =~ m{^(.*/)};
	while ($prose =~ /\]\(([^)#\s]*)(?:#([^)\s]*))?\)/g)
	{
		my ($path, $anchor) = ($1, $2);
		next if $path =~ /^https?:/;
		my $target = $path eq '' ? $name : ($folder // '') . $path;
		1 while $target =~ s{(^|/)(?!\.\./)[^/]+/\.\./}{$1};
		if (!-e $target) { push @found, "$name: there is no $path"; next }
		next unless defined $anchor;
		my $there = anchors($text{$target} // content($target));
		push @found, "$name: $target has no heading for #$anchor" unless $there->{$anchor};
	}
	return;
}

# Names that the sources use: words of SQL and C without comments, of scripts,
# and the names of files.
my (%known, %columns, %arguments);

sub read_sources
{
	foreach my $file (glob('sql/*.sql'))
	{
		my $sql = content($file);
		push @{ $columns{$1} }, $2 while $sql =~ /^COMMENT ON COLUMN (\w+)\.(\w+)/mg;
		$arguments{$1} = " $2 " while $sql =~ /^CREATE FUNCTION (\w+)\((.*?)\)\s*RETURNS/msg;
		$sql =~ s/^COMMENT ON \w+ \S+ IS.*?';$//msg;
		$sql =~ s/--.*$//mg;
		$known{$_} = 1 foreach $sql =~ /\w+/g;
	}
	foreach my $file (split /\n/, `find src test/unit test/bench -name '*.[ch]' -o -path '*bench*' -name '*.sql'`)
	{
		my $code = content($file);
		$code =~ s{/\*.*?\*/}{}sg;
		$known{$_} = 1 foreach $code =~ /\w+/g;
	}
	foreach my $file (grep { -f } 'Makefile', glob('script/* test/t/* test/sanitize/*'))
	{
		$known{$_} = 1 foreach $file eq $0 ? () : content($file) =~ /\w+/g;
	}
	foreach my $file (split /\n/, `find . -path ./.git -prune -o -path ./build -prune -o -type f -print`)
	{
		$known{$_} = 1 foreach $file =~ /\w+/g;
	}
	return;
}

sub known { my ($name) = @_; return $known{$name} || $others{$name} }

sub check_names
{
	my ($name) = @_;
	my $prose = prose($text{$name});
	while ($prose =~ /`([^`]+)`/g)
	{
		my $code = $1;
		my $where = "$name: `$code`";
		if ($code =~ /^(\w+)\.(?!(?:c|h|sql)$)(\w+)$/ && $columns{$1})
		{
			my ($relation, $column) = ($1, $2);
			push @found, "$where is no column" unless grep { $_ eq $column } @{ $columns{$relation} };
		}
		while ($code =~ /(\w+)\(([^()]*=>[^()]*)\)/g)
		{
			my ($function, $given) = ($1, $2);
			next unless $arguments{$function};
			foreach my $argument ($given =~ /(\w+) =>/g)
			{
				push @found, "$where: $function has no argument $argument" unless $arguments{$function} =~ /[\s,]$argument /;
			}
		}
		foreach my $argument ($code =~ /(\w+) =>/g)
		{
			push @found, "$where: no call has an argument $argument" unless grep { /[\s,]$argument / } values %arguments;
		}
		my %words = map { $_ => 1 } ($code =~ /\b(\w*[A-Za-z]\w*_\w*(?!\w|[*]|\.\.\.))/g, $code =~ /^([a-z]\w*)(?:\(\))?$/);
		push @found, map { "$where: nothing is called $_" } grep { !known($_) } sort keys %words;
	}
	return;
}

sub check_fences
{
	my ($name) = @_;
	my $inside = 0;
	foreach my $line (grep { /^```/ } split /\n/, $text{$name})
	{
		push @found, "$name: $line" unless $inside ? $line eq '```' : $line =~ /^```$kinds$/;
		$inside = !$inside;
	}
	push @found, "$name: a block does not end" if $inside;
	return;
}

if ($what eq 'names') { read_sources(); check_names($_) foreach @files }
elsif ($what eq 'links') { check_links($_) foreach @files }
elsif ($what eq 'fences') { check_fences($_) foreach @files }
else { die "links, names or fences?" }
binmode STDOUT, ':encoding(UTF-8)';
print map { "$_\n" } @found;
