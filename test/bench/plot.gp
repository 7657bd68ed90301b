# plot.gp: the samples of one part of the benchmark as SVG: a point for each sample,
# and a bar up to the median of each side.  bench.sh sets title, points, medians
# and out.
set terminal svg size 1000,420 font "sans-serif,12" background "white"
set output out
set title title noenhanced
set grid ytics lc rgb "#dddddd"
set style fill solid border
set boxwidth 0.6
set xtics noenhanced font ",10" nomirror
set yrange [0:*]
unset key
stats medians using 2 nooutput
set xrange [-0.6:STATS_records - 0.4]
plot medians using 0:2:xtic(1) with boxes lc rgb "#aaccee", \
     points using ($1 + 0.3 * (rand(0) - 0.5)):2 with points pt 6 ps 0.5 lc rgb "#224466"
