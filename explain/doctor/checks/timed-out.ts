/** A connection is used again after conntrack has forgotten it. */
import { sysctlCommand } from '../../command.js';
import type { Check, Failure } from '../check.js';
import type { SeenConnection } from '../connections.js';
import { Evidence, type Shown } from '../evidence.js';
import { isAccepted, lastFields, type PacketRecord } from '../packet-record.js';
import { packetText } from '../words.js';

const CODE = 'timed-out';

export const TIMED_OUT: Check = {
  code: CODE,
  needs: ['captures'],
  begin(examined) {
    const evidence = new Evidence<SeenConnection>();
    return {
      follow(record) {
        const { timedOut, ends } = record;
        if (timedOut === undefined || ends === undefined) return;
        const known = examined.connections.find(ends);
        // Where only one side was captured, time-outs are not those of the host.
        if (known === undefined || (known.connection.reply === undefined && !known.isReply)) return;
        if (isAccepted(record) && !hasLostNat(record, known.connection)) return;
        evidence.note(`${timedOut.protocol} ${timedOut.timeout.sysctl}`, record, known.connection);
      },
      findings: () => evidence.all.map(findingOf),
    };
  },
};

function findingOf({ detail, first, packets }: Shown<SeenConnection>): Failure {
  const { timeout, agoSec } = first.timedOut ?? { timeout: {}, agoSec: 0 };
  const { sysctl, seconds = 0 } = timeout;
  const { rule, policy } = first.dropped?.cause ?? {};
  const which = sysctl === undefined ? '' : ` (${sysctl} of ${seconds} s)`;
  const fate = isAccepted(first) ? 'not translated any more' : first.end;
  return {
    message:
      `${packetText(first)} comes ${rounded(agoSec)} s after its connection has timed out${which}: ` + `it is ${fate}`,
    rules: [rule ?? policy, ...detail.natRules].filter((place) => place !== undefined),
    packets,
    change:
      sysctl === undefined
        ? 'let the application send something more often than that'
        : `${sysctlCommand(sysctl, Math.ceil(seconds + agoSec) + 1)}, or let the application send something more often`,
  };
}

/** Whether the packet went on, but not to where packets of its connection went before. */
function hasLostNat(record: PacketRecord, connection: SeenConnection): boolean {
  if (connection.natRules.length === 0) return false;
  // A new connection with the same rules is as good as the old one.
  return record.end === 'delivered' && lastFields(record)?.destination === record.ends?.destination;
}

function rounded(seconds: number): string {
  return seconds < 10 ? seconds.toFixed(1).replace(/\.0$/, '') : Math.round(seconds).toString();
}
