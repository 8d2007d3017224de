/** Packets of the host itself leave with a source of 127/8, which nobody can answer, or are dropped for it. */
import { interfaceSysctl, sysctlCommand } from '../../command.js';
import { type Check, type Examined, type Failure, NOT_TRIED, type Steps } from '../check.js';
import { Evidence, type Shown } from '../evidence.js';
import { networkWith } from '../networks.js';
import { isTranslated, lastFields, natRuleOf, type PacketRecord } from '../packet-record.js';
import { endText, masqueradeCommand, packetText, untried } from '../words.js';

const CODE = 'loopback-source';
const LOOPBACK = 'lo';

export const LOOPBACK_SOURCE: Check = {
  code: CODE,
  needs: ['captures'],
  begin(examined) {
    const evidence = new Evidence<PacketRecord>();
    return {
      follow(record, belonging) {
        if (record.inDev !== undefined || belonging?.isReply === true) return;
        const last = lastFields(record);
        if (last === undefined || !last.source.startsWith('127.') || last.destination.startsWith('127.')) return;
        const leaves = record.left?.dev !== undefined && record.left.dev !== LOOPBACK;
        const isStopped = record.dropped !== undefined && record.dropped.cause.table === undefined;
        if (!leaves && !(isStopped && isTranslated(record, 'destination'))) return;
        evidence.note(`${last.destination} ${last.dport}`, record, record);
      },
      *findings() {
        const failures: Failure[] = [];
        for (const shown of evidence.all) failures.push(yield* findingOf(shown, examined));
        return failures;
      },
    };
  },
};

function* findingOf({ first, packets }: Shown<PacketRecord>, examined: Examined): Steps<Failure> {
  const last = lastFields(first);
  const target = endText(last?.destination ?? '', last?.dport);
  const dev = first.left?.dev ?? outDevTo(last?.destination ?? '', examined);
  const rule = natRuleOf(first, 'destination');
  const command = masqueradeCommand(['-s', '127.0.0.0/8', ...(dev === undefined ? [] : ['-o', dev])]);
  const letOut = sysctlCommand(interfaceSysctl(dev ?? 'all', 'route_localnet'), 1);
  const fate =
    first.left === undefined
      ? `is translated to ${target}, and dropped: packets from 127.0.0.1 are not routed out of the host`
      : `leaves by ${first.left.dev} to ${target} with the source ${last?.source}, which nobody there can answer`;
  const after = yield* examined.tries([command], first);
  const left = after === NOT_TRIED ? undefined : after?.left;
  const isMended = left !== undefined && !left.packet.source.startsWith('127.');
  const both = `${letOut}, and ${command}`;
  return {
    message: `${packetText(first)} ${fate}`,
    rules: rule === undefined ? [] : [rule],
    packets,
    change: isMended ? command : after === NOT_TRIED ? untried(both) : both,
  };
}

/** The interface in whose network ADDRESS is. */
function outDevTo(address: string, { host }: Examined): string | undefined {
  return host.interfaces.find((one) => !one.isLoopback && networkWith(one, address) !== undefined)?.name;
}
