#!/usr/bin/perl
# check-functions.pl RULE FILE...: prints the functions of the C files that break
# a rule.  The files have no comments, and are laid out by make format: a
# function's name begins a line, and its last brace stands alone.
#
#   length    functions of 80 lines or more
#   statics   static functions of one name in two files
#   booleans  calls of our own functions with two bare booleans side by side,
#             which do not say what they mean
use strict;
use warnings;

my ($rule, @files) = @ARGV;
my (@functions, %ours);    # functions: { name, file, line, length, static }
my %text;
foreach my $file (@files)
{
	open(my $in, '<', $file) or die "$file: $!";
	my @lines = <$in>;
	$text{$file} = join '', @lines;
	my $function;
	foreach my $i (0 .. $#lines)
	{
		if ($lines[$i] =~ /^(\w+)\(/ && $lines[$i] !~ /;\s*$/)
		{
			$function = { name => $1, file => $file, line => $i + 1 };
			$function->{static} = $i > 0 && $lines[ $i - 1 ] =~ /^static\b/;
		}
		next unless $lines[$i] =~ /^\}\s*$/ && $function;
		$function->{length} = $i + 2 - $function->{line};
		$ours{ $function->{name} } = 1;
		push @functions, $function;
		undef $function;
	}
}

sub where { my ($function) = @_; return "$function->{file}:$function->{line}: $function->{name}"; }

if ($rule eq 'length')
{
	print where($_), " has $_->{length} lines\n" foreach grep { $_->{length} >= 80 } @functions;
}
elsif ($rule eq 'statics')
{
	my %first;
	foreach my $function (grep { $_->{static} } @functions)
	{
		my $other = $first{ $function->{name} };
		print where($function), ' stands in ', $other->{file}, ", too\n" if $other;
		$first{ $function->{name} } //= $function;
	}
}
elsif ($rule eq 'booleans')
{
	foreach my $file (@files)
	{
		# The arguments before the booleans, whose own parentheses are balanced.
		while ($text{$file} =~ /\b(\w+)\((?=((?:[^()"';]|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])+'|(\((?:[^()]|(?3))*\)))*?)(?<![\w.])(?:true|false),\s*(?:true|false)\b)/g)
		{
			my ($name, $line) = ($1, 1 + (substr($text{$file}, 0, $-[0]) =~ tr/\n//));
			print "$file:$line: $name\n" if $ours{$name};
		}
	}
}
else
{
	die "unknown rule $rule\n";
}
