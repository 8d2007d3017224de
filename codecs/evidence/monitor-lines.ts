/** What `xtables-monitor --trace` and `nft monitor trace` print about one packet. */
import { IPPROTO_ICMP, IPPROTO_TCP, IPPROTO_UDP } from '../layouts.js';
import { protocolNumber } from '../protocol-names.js';
import { parseIcmpKind } from '../sentence/icmp-kinds.js';
import { hasPorts } from '../sentence/sentence.js';
import { parseFlags } from '../sentence/tcp-flags.js';
import { checkPacket, EvidenceError, type EvidencePacket, type TracedStep, type TraceEvidence } from './evidence.js';
import { KernelFields } from './kernel-line.js';

/** The family (2: IPv4), and the packet's number. */
const XT_PACKET = /^\s*PACKET: (\d+) ([\da-f]+) (.*)$/;
/** `TRACE: 2 62e16b05 nat:PREROUTING:rule:0x3:JUMP:DOCKER  -4 -t nat -A PREROUTING …`. */
const XT_STEP = /^\s*TRACE: (\d+) ([\da-f]+) (\S+?):(\S+?):(rule|return|policy):(?:0x[\da-f]+:)?(\S*)\s*(.*)$/;
const NFT_PACKET = /^trace id ([\da-f]+) (\S+) (\S+) (\S+) packet: (.*)$/;
/** The verdict of a rule stands at its end; that of a chain or its policy, instead of one. */
const NFT_STEP = /^trace id ([\da-f]+) (\S+) (\S+) (\S+) (?:rule (.*) \(verdict (.*)\)|(verdict|policy) (\S+).*)$/;

const isXtLine = (line: string): boolean => XT_PACKET.test(line) || XT_STEP.test(line);
const isNftLine = (line: string): boolean => line.trim().startsWith('trace id ');

export function isMonitorLine(line: string): boolean {
  return isXtLine(line) || isNftLine(line);
}

/** Reads those of LINES that are about the packet of the first one. Throws an EvidenceError. */
export function readMonitorLines(lines: readonly string[]): TraceEvidence {
  return lines.some(isNftLine)
    ? readNft(lines.map((line) => line.trim()).filter(isNftLine))
    : readXt(lines.filter(isXtLine));
}

function readXt(lines: readonly string[]): TraceEvidence {
  const first = lines.map((line) => XT_PACKET.exec(line)).find((match) => match !== null);
  if (first === undefined || first === null) throw withoutPacket('PACKET:');
  const [, family, id, text] = first;
  if (family !== '2') throw new EvidenceError('the lines are about a packet of IPv6, which is not emulated', true);
  const steps = lines.flatMap((line) => {
    const match = XT_STEP.exec(line);
    return match === null || match[2] !== id ? [] : [xtStep(match)];
  });
  const fields = new KernelFields(text);
  const packet = fields.packet();
  return {
    kind: 'trace',
    writer: 'xtables-monitor',
    input: /(?:^| )IN=(\S*)/.exec(text)?.[1] ?? '',
    output: /(?:^| )OUT=(\S*)/.exec(text)?.[1] ?? '',
    macs: fields.macs(),
    packet: { ...packet, protocol: packet.protocol ?? xtProtocol(packet, steps) },
    steps,
  };
}

function xtStep([, , , table, chain, what, verdict, text]: readonly string[]): TracedStep {
  const rule = /-A .*$/.exec(text)?.[0];
  return {
    ...{ what: what as TracedStep['what'], table, chain, text: rule },
    verdict: /^\w+(?::\S+)?$/.test(verdict)
      ? verdict.toLowerCase().replace(/:.*/, (name) => ` ${verdict.slice(-name.length + 1)}`)
      : undefined,
  };
}

/** xtables-monitor does not print the protocol: what it prints of the header tells it, or a rule that matched. */
function xtProtocol({ flags, sport }: EvidencePacket, steps: readonly TracedStep[]): number | undefined {
  if (flags !== undefined) return IPPROTO_TCP;
  const named = steps.map(({ text }) => /(?<!! )-p (\S+)/.exec(text ?? '')?.[1]).find((name) => name !== undefined);
  const number = named === undefined ? undefined : protocolNumber(named);
  if (number !== undefined) return number;
  return sport === undefined ? undefined : IPPROTO_UDP;
}

function readNft(lines: readonly string[]): TraceEvidence {
  const first = lines.map((line) => NFT_PACKET.exec(line)).find((match) => match !== null);
  if (first === undefined || first === null) throw withoutPacket('packet:');
  const [, id, family, , , text] = first;
  if (family === 'ip6' || / ip6 saddr /.test(text))
    throw new EvidenceError('the lines are about a packet of IPv6, which is not emulated', true);
  const steps = lines.flatMap((line) => {
    const match = NFT_STEP.exec(line);
    return match === null || match[1] !== id ? [] : [nftStep(match)];
  });
  const value = (name: string): string | undefined => new RegExp(`(?:^| )${name} (?:== )?"?([^" ]+)"?`).exec(text)?.[1];
  const [source, destination] = [value('ip saddr'), value('ip daddr')];
  if (source === undefined || destination === undefined)
    throw new EvidenceError('the line has no ip saddr or ip daddr');
  const [from, to] = [value('ether saddr'), value('ether daddr')];
  return {
    kind: 'trace',
    writer: 'nft',
    input: value('iif') ?? value('iifname') ?? '',
    output: value('oif') ?? value('oifname') ?? '',
    macs: from !== undefined && to !== undefined ? { source: from, destination: to } : undefined,
    packet: checkPacket({ source, destination, ...nftPacket(text, value) }),
    steps,
  };
}

function nftStep([, , , table, chain, rule, verdict, what, ending]: readonly string[]): TracedStep {
  if (rule !== undefined) return { what: 'rule', table, chain, text: rule, verdict };
  return { what: what === 'policy' ? 'policy' : 'return', table, chain, verdict: ending };
}

function nftPacket(
  text: string,
  value: (name: string) => string | undefined,
): Omit<EvidencePacket, 'source' | 'destination'> {
  const number = (name: string): number | undefined => {
    const found = value(name);
    return found !== undefined && /^(?:\d{1,10}|0x[\da-f]{1,8})$/i.test(found) ? Number(found) : undefined;
  };
  const header = /(?:^| )(tcp|udp|udplite|sctp|dccp) sport /.exec(text)?.[1];
  const type = value('icmp type');
  const named = header ?? (type === undefined ? value('ip protocol') : 'icmp');
  const protocol = named === undefined ? undefined : /^\d+$/.test(named) ? Number(named) : protocolNumber(named);
  const withPorts = hasPorts(protocol);
  const flags = value('tcp flags');
  const kind = type === undefined ? undefined : parseIcmpKind(type, IPPROTO_ICMP);
  return {
    protocol,
    ...(withPorts ? { sport: number(`${header} sport`), dport: number(`${header} dport`) } : {}),
    ...(flags === undefined ? {} : { flags: /^0x/.test(flags) ? Number(flags) : flagsIn(flags) }),
    ...{ sequence: number('tcp sequence'), acknowledgment: number('tcp ackseq'), window: number('tcp window') },
    ...(kind === undefined ? {} : { icmp: { type: kind.type, code: number('icmp code') ?? 0 } }),
    ...(number('icmp id') === undefined
      ? {}
      : { query: { id: number('icmp id')!, sequence: number('icmp sequence') ?? 1 } }),
    ...{ lengthBytes: number('ip length'), ttl: number('ip ttl'), id: number('ip id') },
    ...{ mark: number('meta mark'), isLaterFragment: false },
  };
}

/** `syn`, `fin | ack`, `fin,ack`. */
function flagsIn(text: string): number | undefined {
  return parseFlags(text.replaceAll(',', '|'));
}

function withoutPacket(what: string): EvidenceError {
  return new EvidenceError(`no line tells which packet it was: paste the line with "${what}" too`);
}
