/** What `--strict` takes for an error. */
import type { Summary } from '../replay/summary.js';
import { ExitCode } from './errors.js';
import { count } from './number.js';
import { STDERR } from './output.js';

/** Link-layer protocols that have nothing to do with the rules of a host, and packets that those rules prevent. */
const IGNORED: readonly string[] = ['arp', 'lldp', 'llc', 'not-sent', 'own-answer', 'captured-twice'];

type Judged = Pick<Summary, 'warnings' | 'assumed' | 'skipped' | 'uncertain'>;

/** The exit code with `--strict`; says why if it is not 0. */
export function strictly(summary: Judged): ExitCode {
  return strictCode(reasonsAgainst(summary));
}

/** What speaks against the result of a run with `--strict`, a few words each. */
export function reasonsAgainst({ warnings, assumed, skipped, uncertain }: Judged): string[] {
  const leftOut = Object.entries(skipped).filter(([reason]) => !IGNORED.includes(reason));
  return [
    ...(warnings.length > 0 ? [count(warnings.length, 'warning')] : []),
    ...(uncertain === undefined ? [] : [`${count(uncertain.packets, 'packet')} uncertain`]),
    ...(assumed.length > 0 ? [count(assumed.length, 'assumption')] : []),
    ...leftOut.map(([reason, packets]) => `${count(packets, 'packet')} skipped: ${reason}`),
  ];
}

/** The exit code with `--strict` if REASONS speak against the result; says them. */
export function strictCode(reasons: readonly string[]): ExitCode {
  if (reasons.length === 0) return ExitCode.DONE;
  STDERR.write(`nfreplay: --strict: ${reasons.join('; ')}\n`);
  return ExitCode.DIFFERENT;
}
