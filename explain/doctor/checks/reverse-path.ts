/** rp_filter drops packets: the answer to their sender would leave by another interface. */
import { interfaceSysctl, sysctlCommand } from '../../command.js';
import { type Check, type Examined, type Failure, NOT_TRIED, type Steps } from '../check.js';
import { Evidence } from '../evidence.js';
import { lastFields, natRuleOf, type PacketRecord } from '../packet-record.js';
import { endText, packetText, untried } from '../words.js';

const CODE = 'reverse-path';

export const REVERSE_PATH: Check = {
  code: CODE,
  needs: ['captures'],
  begin(examined) {
    const evidence = new Evidence<undefined>();
    return {
      follow(record) {
        // A rule with rpfilter is somebody's own, and says what it drops.
        if (record.dropped?.cause.reason !== 'rp-filter') return;
        // Anybody can send anything: only where NAT leads a packet to is told apart.
        const translated = natRuleOf(record, 'destination') && lastFields(record)?.destination;
        evidence.note(`${record.inDev} ${translated}`, record, undefined);
      },
      *findings() {
        const failures: Failure[] = [];
        for (const { first, packets } of evidence.all) {
          const dev = first.inDev ?? '';
          const last = lastFields(first);
          const isTranslated = last !== undefined && last.destination !== first.ends?.destination;
          const after = isTranslated ? `, after its translation to ${endText(last.destination, last.dport)}` : '';
          const natRule = isTranslated ? natRuleOf(first, 'destination') : undefined;
          failures.push({
            message:
              `${packetText(first)} is dropped by rp_filter${after}: the route back from ` +
              `${last?.destination ?? first.ends?.destination} to ${first.ends?.source} does not lead out by ${dev}`,
            rules: natRule === undefined ? [] : [natRule],
            packets,
            change: yield* changeFor(first, dev, examined),
          });
        }
        return failures;
      },
    };
  },
};

function* changeFor(first: PacketRecord, dev: string, examined: Examined): Steps<string> {
  const loose = sysctlCommand(interfaceSysctl(dev, 'rp_filter'), 2);
  const after = yield* examined.tries([loose], first);
  const routes = `routes by which the answer leaves by ${dev}`;
  if (after === NOT_TRIED) return `${untried(loose)}, or ${routes}`;
  const isMended = after !== undefined && after.dropped?.cause.reason !== 'rp-filter';
  return isMended ? `${loose}, or ${routes}` : routes;
}
