/** Packets have addresses that the kernel takes for impossible where they arrive. */
import { interfaceSysctl, sysctlCommand } from '../../command.js';
import type { Check } from '../check.js';
import { Evidence } from '../evidence.js';
import { lastFields, natRuleOf, type PacketRecord } from '../packet-record.js';
import { packetText } from '../words.js';

const CODE = 'martian';

export const MARTIAN: Check = {
  code: CODE,
  needs: ['captures'],
  begin() {
    const evidence = new Evidence<'source' | 'destination'>();
    return {
      follow(record) {
        const reason = record.dropped?.cause.reason;
        if (record.inDev === undefined || (reason !== 'martian-source' && reason !== 'martian-destination')) return;
        const end = reason === 'martian-source' ? 'source' : 'destination';
        const address = lastFields(record)?.[end] ?? '';
        // What has no address yet, and what is for nobody: no host can do anything about that.
        if (address.startsWith('0.') || address.startsWith('255.') || Number.parseInt(address, 10) >= 224) return;
        evidence.note(`${end} ${record.inDev} ${isLoopback(address)}`, record, end);
      },
      findings: () =>
        evidence.all.map(({ detail: end, first, packets }) => {
          const address = lastFields(first)?.[end] ?? '';
          const rule = natRuleOf(first, end);
          return {
            message: `${packetText(first)} is dropped as a martian: its ${end} ${whyMartian(first, address)}`,
            rules: rule === undefined ? [] : [rule],
            packets,
            change: changeFor(first, end, address),
          };
        }),
    };
  },
};

const isLoopback = (address: string): boolean => address.startsWith('127.');

function whyMartian({ inDev }: PacketRecord, address: string): string {
  return isLoopback(address)
    ? `${address} is of the host itself, and came in by ${inDev}`
    : `${address} is the host's own, and came in by ${inDev}`;
}

function changeFor({ inDev = '' }: PacketRecord, end: string, address: string): string {
  const allow = (key: string): string => sysctlCommand(interfaceSysctl(inDev, key), 1);
  if (isLoopback(address) && end === 'destination')
    return `${allow('route_localnet')}, or another address than 127.0.0.1 in the rule`;
  if (isLoopback(address)) return `find who sends packets from ${address} to the network of ${inDev}`;
  return (
    `find who else uses ${address}, or why packets of the host itself come back by ${inDev}; ` +
    `${allow('accept_local')} lets them in`
  );
}
