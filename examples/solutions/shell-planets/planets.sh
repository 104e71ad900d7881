#!/usr/bin/env bash
# Makes a table and a chart of planets.csv with sort, cut and awk.
set -euo pipefail
export LC_ALL=C

planets=$(dirname "$0")/planets.csv
by_distance() { tail -n +2 "$planets" | sort -t , -k 2 -n; }

echo 'The planets, from the Sun outwards'
echo
by_distance | awk -F , '
  BEGIN { printf "  %-8s %14s %13s %6s\n", "", "million km", "diameter km", "moons" }
  { printf "  %-8s %14.1f %13d %6d\n", $1, $2, $3, $5; moons += $5 }
  END { printf "  %-8s %14s %13s %6d\n", "together", "", "", moons }'

echo
echo 'Their sizes'
echo
by_distance | awk -F , '{
  bar = ""
  for (width = $3 / 142984 * 50; width >= 0.5; width--) bar = bar "#"
  printf "  %-8s %s\n", $1, bar == "" ? "." : bar
}'

echo
longest=$(tail -n +2 "$planets" | sort -t , -k 4 -rn | head -n 1)
echo "The longest day is that of $(echo "$longest" | cut -d , -f 1): $(echo "$longest" | cut -d , -f 4) hours."
