// pg-boss beside the extension's background workers.
//
// pgboss.js drain COUNT single|tuned: puts as many jobs into its queue, fetches
// and completes them, and prints how many per second.  single: 8 loops of one job
// at a time; tuned: 4 loops of 1,000.  Its work() fetches every 2 seconds by
// default, so that the loops are written here.
'use strict';
const PgBoss = require('pg-boss');

const [count, variant] = [Number(process.argv[3]), process.argv[4]];
const { loops, batchSize } = { single: { loops: 8, batchSize: 1 }, tuned: { loops: 4, batchSize: 1000 } }[variant];
const queue = `noop_${variant}`;

async function main() {
  const boss = new PgBoss({
    connectionString: `postgres://${process.env.PGUSER}@/${process.env.PGDATABASE}?host=${process.env.PGHOST}&port=${process.env.PGPORT}`,
    max: loops + 2, supervise: false, schedule: false,
  });
  boss.on('error', (error) => { throw error; });
  await boss.start();
  await boss.createQueue(queue);
  for (let done = 0; done < count; done += 5000) {
    await boss.insert(Array.from({ length: Math.min(5000, count - done) }, (_, n) => ({ name: queue, data: { n: done + n } })));
  }
  const began = process.hrtime.bigint();
  await Promise.all(Array.from({ length: loops }, async () => {
    for (;;) {
      const jobs = await boss.fetch(queue, { batchSize });
      if (jobs.length === 0) return;
      await boss.complete(queue, jobs.map((job) => job.id));
    }
  }));
  console.log((count / (Number(process.hrtime.bigint() - began) / 1e9)).toFixed(1));
  await boss.stop({ graceful: false });
}

main().then(() => process.exit(0), (error) => { console.error(error); process.exit(1); });
