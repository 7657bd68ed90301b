#!/bin/bash
# soak.sh: keeps the background workers busy for SOAK_SECONDS (300), ends some
# of them at random, and prints what memory launcher and workers take at the
# start and at the end.  SOAK_SEED repeats a run as far as chance goes.
set -euo pipefail
export SOAK_SECONDS=${SOAK_SECONDS:-300}
export TEST_TIMEOUT=$((SOAK_SECONDS + 300))
exec "$(dirname "$0")/test.sh" t/016_worker_soak
