#!/usr/bin/perl
# tap.pl COUNTS COMMAND FILE...: runs "COMMAND FILE" for each file and reads what
# it prints as TAP: one file after another, or as many at a time as TAP_JOBS says.
#
# Shows failed tests with their comments, and appends a line "PASSED FAILED
# SKIPPED" to the file COUNTS.  A file that fails beyond its assertions (it
# crashed, it printed no test, its plan does not hold) counts as one failure
# unless it has failed assertions already.
use strict;
use warnings;
use TAP::Harness;

my ($counts, $command, @files) = @ARGV;
my $harness = TAP::Harness->new(
	{
		exec => sub { return [ $command, $_[1] ] },
		failures => 1,
		comments => 1,
		timer => 1,
		jobs => $ENV{TAP_JOBS} // 1,
		color => -t STDOUT ? 1 : 0,
	});
my $all = $harness->runtests(@files);
my ($passed, $failed, $skipped) = (0, 0, 0);
foreach my $parser ($all->parsers)
{
	my @skipped = $parser->skipped;
	my $bad = () = $parser->failed;
	$passed += (() = $parser->passed) - @skipped;
	$skipped += @skipped;
	$bad = 1 if !$bad && $parser->has_problems;
	$bad = 1 if !$bad && !$parser->tests_run && !$parser->skip_all;
	$failed += $bad;
}
open(my $out, '>>', $counts) or die "could not open $counts: $!";
print $out "$passed $failed $skipped\n";
close $out;
exit($failed ? 1 : 0);
