// Runs one test file in a separate process and reports to its parent: `worker.js FILE`. A file that ends without the
// report (process.exit, a promise that never settles, a crash) has failed; that is the parent's to see.
import { register } from 'node:module';
import { pathToFileURL } from 'node:url';
import { queue } from './defer-uvu.js';
import { asError, describeError, type Failure, type WorkerMessage } from './report.js';
import { onTestStart, type SuiteRecord, suites } from './watched-uvu.js';

const failures: Failure[] = [];
const send = (message: WorkerMessage) => process.send?.(message);

function verdictOn(record: SuiteRecord): void {
  const title = record.name ? `suite “${record.name}”` : 'the suite without a name';
  const fail = (detail: string) => failures.push({ title, detail });
  const said = record.failures.length > 0;
  failures.push(...record.failures);
  if (record.only.length) fail(`.only was left in: ${record.only.join(', ')}`);
  if (record.waiting.length) fail(`never run (.run() is missing behind it): ${record.waiting.join(', ')}`);
  if (record.unbegun.size && !record.only.length) {
    const names = [...record.unbegun].join(', ');
    fail(said ? `did not begin, after what is said above: ${names}` : `did not begin: ${names}`);
  }
  if (
    record.name &&
    !record.passed &&
    !said &&
    !record.waiting.length &&
    !record.unbegun.size &&
    !record.skipped.length
  ) {
    fail('has no test');
  }
}

async function runFile(file: string): Promise<void> {
  try {
    await import(pathToFileURL(file).href);
  } catch (thrown) {
    failures.push({ title: 'the file throws when it is loaded', detail: describeError(asError(thrown)) });
  }
  for (const run of queue) {
    try {
      await run();
    } catch {
      // A hook threw, which the record of its suite contains.
    }
  }
  // One turn of the event loop, for unhandled rejections.
  await new Promise((resolve) => setImmediate(resolve));
  for (const record of suites) verdictOn(record);
  const passed = suites.reduce((sum, { passed }) => sum + passed, 0);
  const skipped = suites.flatMap(({ skipped }) => skipped);
  if (passed + failures.length + skipped.length === 0) failures.push({ title: 'no test in this file', detail: '' });
  const report: WorkerMessage = { kind: 'done', passed, skipped, failures };
  // Exit once the report is written, so that handles that a test left open do not keep this process alive.
  process.send?.(report, undefined, {}, () => process.exit(0));
}

for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
  process.on(event, (thrown: unknown) => {
    failures.push({ title: `${event} while the tests ran`, detail: describeError(asError(thrown)) });
  });
}
onTestStart.listener = (title) => send({ kind: 'test started', title });
register('./uvu-hook.js', import.meta.url);
await runFile(process.argv[2]);
