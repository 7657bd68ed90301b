# What the random walks (040_random_walk.pl) draw with: chance, and values as they
# stand in SQL.  Params are hashes of JSON; "@name" in them stands for the id of what
# the walk calls so.
package WalkDraw;
use strict;
use warnings;
use Exporter 'import';

our @EXPORT = qw(pick chance quoted bool id sql_value json draw_limit);

sub pick { return $_[ int rand @_ ]; }
sub chance { my ($percent) = @_; return rand(100) < $percent; }
sub quoted { my ($value) = @_; return defined $value ? "'$value'" : 'NULL'; }
sub bool { my ($value) = @_; return $value ? 'true' : 'false'; }

# The id that stands for a name in SQL; actors are called by their ids.
sub id { my ($name) = @_; return !defined $name ? 'NULL' : $name eq 'nil' ? 404000000 : $name =~ /^\d+$/ ? $name : "app.id('$name')"; }

# A value of params as an argument in SQL.
sub sql_value
{
	my ($json) = @_;
	return $json =~ /^\@(.*)/ ? id($1) : $json =~ /^"(.*)"$/ ? quoted($1 =~ s/\\"/"/gr) : $json;
}

# Params as a jsonb in SQL, or what is none.
sub json
{
	my ($params) = @_;
	return quoted($params) unless ref $params;
	my $json = quoted('{' . join(', ', map { "\"$_\": $params->{$_}" } sort keys %$params) . '}');
	return $json =~ /\@/ ? '(' . $json =~ s/\@(\w+)/"' || " . id($1) . " || '"/ger . ')::jsonb' : $json;
}

# A limit of rows; a call changes 1, 2 or 3 mostly.
sub draw_limit { return chance(3) ? -1 : chance(10) ? 0 : pick(1, 1, 2, 3); }

1;
