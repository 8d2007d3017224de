/** rp_filter drops packets: the answer to their sender would leave by another interface. */
import { interfaceSysctl, sysctlCommand } from '../../command.js';
import type { Check, Examined } from '../check.js';
import { Evidence } from '../evidence.js';
import { lastFields, natRuleOf, type Passage } from '../passage.js';
import { endText, packetText } from '../words.js';

const CODE = 'reverse-path';

export const REVERSE_PATH: Check = {
  code: CODE,
  needs: ['captures'],
  begin(examined) {
    const evidence = new Evidence<undefined>();
    return {
      follow(passage) {
        // A rule with rpfilter is somebody's own, and says what it drops.
        if (passage.dropped?.cause.reason !== 'rp-filter') return;
        // Anybody can send anything: only where NAT leads a packet to is told apart.
        const translated = natRuleOf(passage, 'destination') && lastFields(passage)?.destination;
        evidence.note(`${passage.inDev} ${translated}`, passage, undefined);
      },
      findings: () =>
        evidence.all.map(({ first, packets }) => {
          const dev = first.inDev ?? '';
          const last = lastFields(first);
          const isTranslated = last !== undefined && last.destination !== first.ends?.destination;
          const after = isTranslated ? `, after its translation to ${endText(last.destination, last.dport)}` : '';
          const natRule = isTranslated ? natRuleOf(first, 'destination') : undefined;
          return {
            message:
              `${packetText(first)} is dropped by rp_filter${after}: the route back from ` +
              `${last?.destination ?? first.ends?.destination} to ${first.ends?.source} does not lead out by ${dev}`,
            rules: natRule === undefined ? [] : [natRule],
            packets,
            change: changeFor(first, dev, examined),
          };
        }),
    };
  },
};

function changeFor(first: Passage, dev: string, examined: Examined): string {
  const loose = sysctlCommand(interfaceSysctl(dev, 'rp_filter'), 2);
  const after = examined.tries([loose], first);
  const isMended = after !== undefined && after.dropped?.cause.reason !== 'rp-filter';
  return `${isMended ? `${loose}, or ` : ''}routes by which the answer leaves by ${dev}`;
}
