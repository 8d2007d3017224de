/** What `--strict` takes for an error. */
import type { Summary } from '../replay/summary.js';
import { ExitCode } from './errors.js';
import { count } from './number.js';
import { STDERR } from './output.js';

/** Link-layer protocols that have nothing to do with the rules of a host, and packets that those rules prevent. */
const IGNORED: readonly string[] = ['arp', 'lldp', 'llc', 'not-sent', 'own-answer', 'captured-twice'];

/** The exit code with `--strict`; says why if it is not 0. */
export function strictly({
  warnings,
  assumed,
  skipped,
  uncertain,
}: Pick<Summary, 'warnings' | 'assumed' | 'skipped' | 'uncertain'>): ExitCode {
  const leftOut = Object.entries(skipped).filter(([reason]) => !IGNORED.includes(reason));
  const reasons = [
    ...(warnings.length > 0 ? [count(warnings.length, 'warning')] : []),
    ...(uncertain === undefined ? [] : [`${count(uncertain.packets, 'packet')} uncertain`]),
    ...(assumed.length > 0 ? [count(assumed.length, 'assumption')] : []),
    ...leftOut.map(([reason, packets]) => `${count(packets, 'packet')} skipped: ${reason}`),
  ];
  return strictCode(reasons);
}

/** The exit code with `--strict` if REASONS speak against the result; says them. */
export function strictCode(reasons: readonly string[]): ExitCode {
  if (reasons.length === 0) return ExitCode.DONE;
  STDERR.write(`nfreplay: --strict: ${reasons.join('; ')}\n`);
  return ExitCode.DIFFERENT;
}
