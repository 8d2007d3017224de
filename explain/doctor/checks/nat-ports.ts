/** Two connections want the same ends after NAT, and no port is left for the second. */
import type { Rule } from '../../../core/rules/model.js';
import { ruleText } from '../../story/rule-words.js';
import type { Check, Examined } from '../check.js';
import type { SeenConnection } from '../connections.js';
import { Evidence } from '../evidence.js';
import { natRuleOf, type PacketRecord } from '../packet-record.js';
import { natRange } from '../rule-lookup.js';
import { endsText, packetText } from '../words.js';

const CODE = 'nat-ports';

interface Clash {
  readonly rule: Rule | undefined;
  readonly holder: SeenConnection | undefined;
}

export const NAT_PORTS: Check = {
  code: CODE,
  needs: ['captures'],
  begin(examined) {
    const evidence = new Evidence<Clash>();
    return {
      follow(record) {
        if (record.dropped?.cause.reason !== 'conntrack-clash') return;
        const rule = natRuleOf(record, 'source') ?? natRuleOf(record, 'destination');
        evidence.note(rule, record, { rule, holder: holderOf(record, examined) });
      },
      findings: () =>
        evidence.all.map(({ detail: { rule, holder }, first, packets }) => ({
          message:
            `${packetText(first)} is dropped without a rule: after NAT it would have the ends of another connection` +
            `${holder === undefined ? '' : `, ${endsText(holder.ends)} (${holder.opener.name})`}` +
            `, and ${portsText(rule)}`,
          rules: rule === undefined ? [] : [rule],
          packets,
          change:
            rule === undefined
              ? 'let NAT choose among more source ports or addresses'
              : `give ${ruleText(rule)} more ports (without --to-ports it may take 1024-65535) or more addresses`,
        })),
    };
  },
};

/** Who has the ends that the packet wants. */
function holderOf({ ends, dropped }: PacketRecord, { connections }: Examined): SeenConnection | undefined {
  const packet = dropped?.packet;
  if (packet === undefined || ends === undefined) return undefined;
  const { protocol, source, destination } = packet;
  const [sport, dport] = [packet.sport ?? ends.sport, packet.dport ?? ends.dport];
  const wanted = { protocol, source: destination, sport: dport, destination: source, dport: sport };
  return connections.find(wanted)?.connection;
}

function portsText(rule: Rule | undefined): string {
  const { minPort, maxPort } = (rule === undefined ? undefined : natRange(rule)) ?? {};
  if (minPort === undefined) return 'there is no other port for it';
  if (minPort === maxPort) return `the rule allows no port but ${minPort}`;
  return `all ports from ${minPort} to ${maxPort} that the rule allows are taken`;
}
