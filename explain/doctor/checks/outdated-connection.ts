/** A connection goes on as rules said that are gone: entries outlive the rules that made them. */
import { protocolName } from '../../../codecs/protocol-names.js';
import type { Rule } from '../../../core/rules/model.js';
import type { Check, Failure } from '../check.js';
import { Evidence, type Shown } from '../evidence.js';
import { isAccepted, lastFields, natRuleOf, type Passage } from '../passage.js';
import { endsText, endText, packetText, ruleWords } from '../words.js';

const CODE = 'outdated-connection';
/** Connections are tried one by one, each on a fresh host. */
const MAX_TRIED = 200;

interface Outdated {
  readonly now: Passage;
  readonly rule: Rule | undefined;
}

export const OUTDATED_CONNECTION: Check = {
  code: CODE,
  needs: ['captures', 'changes'],
  begin(examined) {
    const evidence = new Evidence<Outdated>();
    const tried = new Map<string, Outdated | undefined>();
    let trials = 0;
    return {
      follow(passage, belonging) {
        const { ends, tracked } = passage;
        if (ends === undefined || tracked?.direction !== 'original') return;
        if (tracked.ctstate !== 'ESTABLISHED' && tracked.ctstate !== 'NEW') return;
        const isListed = belonging === undefined;
        if (!isListed && belonging.connection.opener.rulesVersion === passage.rulesVersion) return;
        const key = `${passage.rulesVersion} ${endsText(ends)}`;
        if (!tried.has(key)) {
          if (trials++ >= MAX_TRIED) return;
          const now = examined.afresh(passage);
          tried.set(key, now === undefined ? undefined : outdatedBy(passage, now));
        }
        const outdated = tried.get(key);
        if (outdated !== undefined)
          evidence.note(`${ends.protocol} ${ends.destination} ${ends.dport} ${outdated.rule?.line}`, passage, outdated);
      },
      findings: () => evidence.all.map(findingOf),
    };
  },
};

function findingOf({ detail: { now, rule }, first, packets }: Shown<Outdated>): Failure {
  const { ends } = first;
  const port = ends?.dport ?? -1;
  const fate = isAccepted(now) ? `would go to ${fateOf(now, first)}` : `would be ${now.end}`;
  const which = `-p ${protocolName(ends?.protocol ?? 0)} --orig-dst ${ends?.destination}`;
  return {
    message:
      `${packetText(first)} goes on to ${fateOf(first, now)}, as an entry of conntrack says that is older than ` +
      `the rules; a new connection ${fate}${rule === undefined ? '' : ` (${ruleWords(rule)})`}`,
    rules: rule === undefined ? [] : [rule],
    packets,
    change: `conntrack -D ${which}${port < 0 ? '' : ` --orig-port-dst ${port}`}`,
  };
}

/** What decides NOW about the packet of PASSAGE, if something else becomes of it. */
function outdatedBy(passage: Passage, now: Passage): Outdated | undefined {
  const [then, today] = [lastFields(passage), lastFields(now)];
  // It may only be known as a part of a connection.
  if (!isAccepted(passage) || now.tracked?.ctstate !== 'NEW') return undefined;
  const isSameWay = isAccepted(now) && passage.left?.dev === now.left?.dev;
  if (
    isSameWay &&
    then?.destination === today?.destination &&
    then?.dport === today?.dport &&
    isSourceSame(passage, now)
  )
    return undefined;
  return { now, rule: now.dropped?.cause.rule ?? natRuleOf(now, 'destination') ?? natRuleOf(now, 'source') };
}

/** NAT may choose another port each time. */
function isSourceSame(passage: Passage, now: Passage): boolean {
  return lastFields(passage)?.source === lastFields(now)?.source;
}

/** `172.17.0.3:6379`, `198.51.100.5:443 from 192.0.2.10` if NAT changes the source in one case only. */
function fateOf(passage: Passage, other: Passage): string {
  const [last, otherLast] = [lastFields(passage), lastFields(other)];
  const isSourceTold = last?.source !== otherLast?.source && isAccepted(other);
  return `${endText(last?.destination ?? '', last?.dport)}${isSourceTold ? ` from ${last?.source}` : ''}`;
}
