// graphile-worker beside the extension's background workers.
//
// graphile.js migrate: makes its tables.
// graphile.js drain COUNT default|tuned: runs as many jobs, which are in its
// queue already, and prints how many per second.
// graphile.js latency COUNT: prints "ready", and then for each job its number
// and its start, by the monotonic clock in nanoseconds.
'use strict';
const { Logger, run, runMigrations } = require('graphile-worker');

const [mode, count, variant] = [process.argv[2], Number(process.argv[3]), process.argv[4]];
const logger = new Logger(() => () => {});
const variants = {
  default: { concurrentJobs: 8, maxPoolSize: 10 },
  tuned: { concurrentJobs: 24, maxPoolSize: 10, localQueue: { size: 500 }, completeJobBatchDelay: 0, failJobBatchDelay: 0 },
};

async function main() {
  const connection = `postgres://${process.env.PGUSER}@/${process.env.PGDATABASE}?host=${process.env.PGHOST}&port=${process.env.PGPORT}`;
  if (mode === 'migrate') {
    await runMigrations({ connectionString: connection, logger });
    return;
  }
  let left = count;
  let done;
  const finished = new Promise((resolve) => { done = resolve; });
  const countDown = () => { if (--left === 0) done(); };
  const lines = [];
  const began = process.hrtime.bigint();
  const runner = await run({
    preset: { worker: { connectionString: connection, ...variants[variant || 'default'] } },
    noHandleSignals: true,
    logger,
    taskList: {
      noop: countDown,
      latency: ({ n }) => { lines.push(`${n} ${process.hrtime.bigint()}`); countDown(); },
    },
  });
  if (mode === 'latency') console.log('ready');
  await finished;
  await runner.stop();
  if (mode === 'drain') console.log((count / (Number(process.hrtime.bigint() - began) / 1e9)).toFixed(1));
  else console.log(lines.join('\n'));
}

main().then(() => process.exit(0), (error) => { console.error(error); process.exit(1); });
