/**
 * `npm run commands:record`, as root: lets the real iptables carry out random commands, for a test without root. What
 * is not supported here is left out.
 */
import { randomInt } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Backend } from '../../../core/rules/model.js';
import { noTables, ourAnswer, type RecordedSession } from '../../rules/command-sessions.js';
import { loadLibc } from '../libc.js';
import { Namespace } from '../namespace.js';
import { SESSION } from './compare.js';
import { CommandMaker } from './generator.js';
import { RealIptables } from './real-iptables.js';

const { values } = parseArgs({ options: { sessions: { type: 'string', default: '20' } } });
const path = fileURLToPath(new URL('../../../../test/rules/recorded-commands.jsonl', import.meta.url));
const libc = loadLibc();
const sessions = (['legacy', 'nft'] as const).flatMap((backend) =>
  Array.from({ length: Number(values.sessions) }, () => {
    const namespace = Namespace.create(libc);
    const session = namespace.run(() => record(randomInt(2 ** 32), backend));
    namespace.close();
    return session;
  }),
);
writeFileSync(path, sessions.map((session) => `${JSON.stringify(session)}\n`).join(''));
console.log(`${sessions.length} sessions in ${path}`);

function record(seed: number, backend: Backend): RecordedSession {
  const maker = new CommandMaker(seed, 'ipv4');
  const real = new RealIptables(backend, 'ipv4');
  const commands: { words: string[]; exitCode: number; stderr: string }[] = [];
  let state = noTables('ipv4');
  while (commands.length < SESSION) {
    const words = maker.next(state.ruleset);
    const ours = ourAnswer(words, state, backend);
    if (ours.fault?.code === 'unsupported') continue;
    const { exitCode, stderr } = real.run(words);
    commands.push({ words, exitCode, stderr });
    state = ours;
  }
  return { backend, commands, saved: real.save() };
}
