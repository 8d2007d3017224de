/** The lines of a report about changes while packets flow. */
import { shown } from '../codecs/text.js';
import { columns } from '../explain/text/columns.js';
import type { ChangeSummary, NamesChange } from '../replay/summary.js';
import { count, formatNumber } from './number.js';

/** `1  10s  rules-2.v4  after 1,234 packets: 2 rules added, 1 removed` */
export function changeRows(changes: readonly ChangeSummary[] = [], width: number | undefined): string[] {
  const rows = changes.map((change, i) => {
    const { when, what, framesBefore, atEnd } = change;
    const place = atEnd ? 'at the end' : `after ${count(framesBefore, 'packet')}`;
    const changed = effectsIn(change);
    const words = changed.length === 0 ? '' : `: ${changed.join('; ')}`;
    return [String(i + 1), shown(when), shown(what), `${place}${words}`];
  });
  return columns(rows, ['right', 'left', 'left', 'left'], width);
}

function effectsIn({ exitCode, rules, sets = [], interfaces, networks, containers, ...more }: ChangeSummary): string[] {
  const { connectionsDeleted, savedRules, written, kind } = more;
  // Commands may write rules and take them back.
  const isTold = containers !== undefined || interfaces !== undefined;
  const isSame = kind === 'commands' && isTold && rules?.added === 0 && rules.removed === 0;
  return [
    ...(exitCode === undefined ? [] : [`fails with ${exitCode}, as on a real host`]),
    ...(rules === undefined || isSame
      ? []
      : [`${count(rules.added, 'rule')} added, ${formatNumber(rules.removed)} removed`]),
    ...sets.map(({ name, before, after }) => `set ${shown(name)}: ${before ?? 'none'} → ${after ?? 'none'}`),
    ...namesIn('containers started', containers?.started),
    ...namesIn('containers stopped', containers?.stopped),
    ...changeIn('networks', networks),
    ...changeIn('interfaces', interfaces),
    ...(connectionsDeleted === undefined ? [] : [`${count(connectionsDeleted, 'connection')} deleted`]),
    ...(savedRules === undefined ? [] : ['rules saved for the iptables service']),
    ...(written === undefined ? [] : [writtenText(more)]),
  ];
}

function writtenText({ when, replaced }: Pick<ChangeSummary, 'when' | 'replaced'>): string {
  if (replaced === undefined) return 'snapshot written';
  return replaced === when
    ? 'snapshot written again'
    : `snapshot written again; it was that of --at ${shown(replaced)}`;
}

function changeIn(what: string, change: NamesChange = {}): string[] {
  return [...namesIn(`${what} new`, change.added), ...namesIn(`${what} gone`, change.removed)];
}

const namesIn = (what: string, names: readonly string[] = []): string[] =>
  names.length === 0 ? [] : [`${what}: ${names.map(shown).join(', ')}`];
