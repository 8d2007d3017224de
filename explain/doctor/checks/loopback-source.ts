/** Packets of the host itself leave with a source of 127/8, which nobody can answer, or are dropped for it. */
import { interfaceSysctl, sysctlCommand } from '../../command.js';
import type { Check, Examined, Failure } from '../check.js';
import { Evidence, type Shown } from '../evidence.js';
import { networkWith } from '../networks.js';
import { isTranslated, lastFields, natRuleOf, type Passage } from '../passage.js';
import { endText, masqueradeCommand, packetText } from '../words.js';

const CODE = 'loopback-source';
const LOOPBACK = 'lo';

export const LOOPBACK_SOURCE: Check = {
  code: CODE,
  needs: ['captures'],
  begin(examined) {
    const evidence = new Evidence<Passage>();
    return {
      follow(passage, belonging) {
        if (passage.inDev !== undefined || belonging?.isReply === true) return;
        const last = lastFields(passage);
        if (last === undefined || !last.source.startsWith('127.') || last.destination.startsWith('127.')) return;
        const leaves = passage.left?.dev !== undefined && passage.left.dev !== LOOPBACK;
        const isStopped = passage.dropped !== undefined && passage.dropped.cause.table === undefined;
        if (!leaves && !(isStopped && isTranslated(passage, 'destination'))) return;
        evidence.note(`${last.destination} ${last.dport}`, passage, passage);
      },
      findings: () => evidence.all.map((shown) => findingOf(shown, examined)),
    };
  },
};

function findingOf({ first, packets }: Shown<Passage>, examined: Examined): Failure {
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
  const isMended = (commands: readonly string[]): boolean => {
    const left = examined.tries(commands, first)?.left;
    return left !== undefined && !left.packet.source.startsWith('127.');
  };
  return {
    message: `${packetText(first)} ${fate}`,
    rules: rule === undefined ? [] : [rule],
    packets,
    change: isMended([command]) ? command : `${letOut}, and ${command}`,
  };
}

/** The interface in whose network ADDRESS is. */
function outDevTo(address: string, { host }: Examined): string | undefined {
  return host.interfaces.find((one) => !one.isLoopback && networkWith(one, address) !== undefined)?.name;
}
