/** A connection goes on as rules said that are gone: entries outlive the rules that made them. */
import { protocolName } from '../../../codecs/protocol-names.js';
import type { Rule } from '../../../core/rules/model.js';
import { ruleText } from '../../story/rule-words.js';
import type { Check, Failure } from '../check.js';
import { Evidence, type Shown } from '../evidence.js';
import { isAccepted, lastFields, natRuleOf, type PacketRecord } from '../packet-record.js';
import { endsText, endText, packetText } from '../words.js';

const CODE = 'outdated-connection';
/** Connections are tried one by one, each on a fresh host. */
const MAX_TRIED = 200;

interface Outdated {
  readonly now: PacketRecord;
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
      follow(record, belonging) {
        const { ends, tracked } = record;
        if (ends === undefined || tracked?.direction !== 'original') return;
        if (tracked.ctstate !== 'ESTABLISHED' && tracked.ctstate !== 'NEW') return;
        const isListed = belonging === undefined;
        if (!isListed && belonging.connection.opener.rulesVersion === record.rulesVersion) return;
        const key = `${record.rulesVersion} ${endsText(ends)}`;
        if (!tried.has(key)) {
          if (trials++ >= MAX_TRIED) {
            if (trials === MAX_TRIED + 1)
              examined.leaveOut(`${CODE}: only the first ${MAX_TRIED} connections were tried`);
            return;
          }
          const now = examined.afresh(record);
          tried.set(key, now === undefined ? undefined : outdatedBy(record, now));
        }
        const outdated = tried.get(key);
        if (outdated !== undefined)
          evidence.note(`${ends.protocol} ${ends.destination} ${ends.dport} ${outdated.rule?.line}`, record, outdated);
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
      `the rules; a new connection ${fate}${rule === undefined ? '' : ` (${ruleText(rule)})`}`,
    rules: rule === undefined ? [] : [rule],
    packets,
    change: `conntrack -D ${which}${port < 0 ? '' : ` --orig-port-dst ${port}`}`,
  };
}

/** What decides NOW about the packet of RECORD, if something else becomes of it. */
function outdatedBy(record: PacketRecord, now: PacketRecord): Outdated | undefined {
  const [then, today] = [lastFields(record), lastFields(now)];
  // It may only be known as a part of a connection.
  if (!isAccepted(record) || now.tracked?.ctstate !== 'NEW') return undefined;
  const isSameWay = isAccepted(now) && record.left?.dev === now.left?.dev;
  if (
    isSameWay &&
    then?.destination === today?.destination &&
    then?.dport === today?.dport &&
    isSourceSame(record, now)
  )
    return undefined;
  return { now, rule: now.dropped?.cause.rule ?? natRuleOf(now, 'destination') ?? natRuleOf(now, 'source') };
}

/** NAT may choose another port each time. */
function isSourceSame(record: PacketRecord, now: PacketRecord): boolean {
  return lastFields(record)?.source === lastFields(now)?.source;
}

/** `172.17.0.3:6379`, `198.51.100.5:443 from 192.0.2.10` if NAT changes the source in one case only. */
function fateOf(record: PacketRecord, other: PacketRecord): string {
  const [last, otherLast] = [lastFields(record), lastFields(other)];
  const isSourceTold = last?.source !== otherLast?.source && isAccepted(other);
  return `${endText(last?.destination ?? '', last?.dport)}${isSourceTold ? ` from ${last?.source}` : ''}`;
}
