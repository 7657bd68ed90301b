#!/bin/bash
# soak.sh: keeps the background workers busy for SOAK_SECONDS (300), ends some
# of them at random, and prints the memory of launcher and workers at the start
# and at the end.  SOAK_SEED repeats the random choices of a run.
set -euo pipefail
export SOAK_SECONDS=${SOAK_SECONDS:-300}
export TEST_TIMEOUT=$((SOAK_SECONDS + 300))
exec "$(dirname "$0")/test.sh" t/016_worker_soak
