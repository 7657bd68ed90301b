-- What the part of the benchmark about large tables asks, as each of those who may.
\timing off
SELECT own, large FROM bench.volume \gset
