// Loaded into a command with `--import`: kills the process just before its call number KILL_AT of those that change the
// file system. Without KILL_AT it only counts them; the last line on standard error is then `calls: N`.
import fs, { writeSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const CHANGING = ['mkdirSync', 'openSync', 'writeSync', 'writeFileSync', 'renameSync', 'rmSync', 'rmdirSync'] as const;
const STANDARD_ERROR = 2;

const killAt = Number(process.env.KILL_AT ?? 0);
let calls = 0;

const functions = fs as unknown as Record<string, (...args: unknown[]) => unknown>;
for (const name of CHANGING) {
  const original = functions[name];
  functions[name] = (...args) => {
    calls++;
    if (calls === killAt) process.kill(process.pid, 'SIGKILL');
    return original.apply(fs, args);
  };
}
const report = writeSync;
syncBuiltinESMExports();
process.on('exit', () => report(STANDARD_ERROR, `calls: ${calls}\n`));
