/** Packets of the host itself leave with a source of 127/8, which nobody can answer, or are dropped for it. */
import type { Check, Examined } from '../check.js';
import { Evidence } from '../evidence.js';
import { networkWith } from '../networks.js';
import { isTranslated, lastFields, natRuleOf, type Passage } from '../passage.js';
import { endText, packetText } from '../words.js';

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
      findings: () =>
        evidence.all.map(({ first, packets }) => {
          const last = lastFields(first);
          const target = endText(last?.destination ?? '', last?.dport);
          const dev = first.left?.dev ?? outDevTo(last?.destination ?? '', examined);
          const rule = natRuleOf(first, 'destination');
          const command = `iptables -t nat -A POSTROUTING -s 127.0.0.0/8${dev === undefined ? '' : ` -o ${dev}`} -j MASQUERADE`;
          const after = examined.tries([command], first.name);
          const isMended = after?.left !== undefined && !after.left.packet.source.startsWith('127.');
          const switchOn = `sysctl -w net.ipv4.conf.${dev ?? 'all'}.route_localnet=1`;
          return {
            message:
              first.left === undefined
                ? `${packetText(first)} is translated to ${target}, and dropped: packets from 127.0.0.1 are not routed out of the host`
                : `${packetText(first)} leaves by ${first.left.dev} to ${target} with the source ${last?.source}, which nobody there can answer`,
            rules: rule === undefined ? [] : [rule],
            packets,
            change: isMended ? command : `${switchOn}, and ${command}`,
          };
        }),
    };
  },
};

/** The interface in whose network ADDRESS is. */
function outDevTo(address: string, { host }: Examined): string | undefined {
  return host.interfaces.find((one) => !one.isLoopback && networkWith(one, address) !== undefined)?.name;
}
