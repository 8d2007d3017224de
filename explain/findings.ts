/**
 * What lint, doctor and scan find: one shape, in text and in JSON (`findings` of docs/schema/{lint,doctor,scan}.schema.json).
 */
import { shown, shownPath } from '../codecs/text.js';
import type { Chain, Rule } from '../core/rules/model.js';
import { wrapAfter, wrapCommand } from './text/columns.js';
import type { Style } from './text/style.js';

/**
 * The codes of findings, by the command that reports them: a closed list, which is part of the public interface. Codes
 * may be added, but their meaning never changes.
 */
export const FINDINGS = {
  lint: {
    shadowed: 'a rule that no packet reaches: earlier rules take all that it would match',
    'shadowed-in-part': 'a rule of which earlier rules take a part that it names',
    contradiction: 'a rule whose own conditions exclude each other',
    'no-such-packet': 'a rule that tests what no packet has where the rule is',
    'state-in-raw': 'a rule of table raw that tests the state of a connection, which is tracked later',
    'not-entered': 'a rule that excludes all packets for which its chain is called',
    'unused-chain': 'a chain that nothing jumps to',
    'unreached-policy': 'a policy that decides about no packet',
    'no-translation': 'a rule of table nat that never translates a connection',
    'no-established': 'new connections are accepted, and their later packets are not',
  },
  doctor: {
    'forwarding-off': 'packets are to be forwarded, and the host does not forward',
    'docker-rules-gone': "Docker's rules are gone, and others block its networks",
    'accept-after-reject': 'a rule blocks packets before they come to the one that would accept them',
    'published-elsewhere': 'a published port is bound to another address than the one that packets are sent to',
    'not-listening': 'nobody listens on the port behind a published one',
    masquerade: 'packets leave with a source to which no answer can come back',
    hairpin: 'an answer goes straight to a client that had asked another address',
    'invalid-escapes': 'segments that conntrack calls INVALID leave without translation, or cause a reset',
    'outdated-connection': 'a connection goes on as rules said that are gone',
    'timed-out': 'a connection is used after conntrack has forgotten it',
    'nat-ports': 'NAT has no port left for a connection',
    'table-full': 'the connection table is full',
    'reverse-path': 'rp_filter drops packets',
    martian: 'packets have addresses that cannot be where they arrive or leave',
    'loopback-source': "packets of the host's own 127.0.0.1 are translated to leave the host",
    'wrong-interface': 'an address of the host is on another interface than packets for it',
    'path-mtu': 'ICMP errors that tell the MTU of a path are dropped, or segments are too long for it',
    'no-helper': 'a protocol needs a helper of conntrack that is not there',
    'unequal-statistic': 'rules with statistic do not share connections out equally',
    'bridge-netfilter': 'packets of a bridge pass the rules of IP, or do not pass them',
  },
  scan: {
    'unexpected-open': 'a port is open that is not listed as open',
    'unexpected-closed': 'a port is closed that is listed as open',
    'not-scanned': 'what is listed as open or closed fits nothing that is scanned',
  },
} as const;

export type FindingCommand = keyof typeof FINDINGS;
export type DoctorCode = keyof typeof FINDINGS.doctor;
export type FindingCode = { [Command in FindingCommand]: keyof (typeof FINDINGS)[Command] }[FindingCommand];

/** Where a rule, a policy or the declaration of a chain is. */
export interface RulePlace {
  readonly file: string;
  /** From 1. */
  readonly line: number;
}

export interface FindingPacket {
  /** A sentence, as `nfreplay trace` takes it: `eth0 tcp 203.0.113.7:51515 > 192.0.2.10:8081 S`. */
  readonly packet: string;
  /** Where it is, as for `--packet`: `eth0:17`. Absent: an example, which is in no capture. */
  readonly number?: string;
}

export interface Finding {
  readonly code: FindingCode;
  /** One sentence without a full stop, complete without the other members. */
  readonly message: string;
  /** What it is about, the most important first; then the rules that are the reason. */
  readonly rules: readonly RulePlace[];
  /** The first packets that show it; or an example. */
  readonly packets: readonly FindingPacket[];
  /** How many packets show it; absent if it is not about packets of captures. */
  readonly packetCount?: number;
  /** What to change, as a command or in words; null if there is nothing to suggest. */
  readonly change: string | null;
  /** Of a rule, or the rules of a chain, that no packet matches, or a policy that never decides; not in JSON. */
  readonly never?: NeverFound;
}

/** What never happens: the rule, chain or policy, why in words, and the rules that are the reason. */
export interface NeverFound {
  readonly rule?: Rule;
  readonly chain?: Chain;
  readonly policy?: Chain;
  readonly why: string;
  readonly by: readonly Rule[];
}

/** Where RULE is, and nothing else of it. */
export function placeOf({ file, line }: RulePlace): RulePlace {
  return { file, line };
}

/** `rules.v4:41` */
export function formatPlace({ file, line }: RulePlace): string {
  return `${shownPath(file)}:${line}`;
}

/** FINDING as it is in JSON: all members that every finding has, in the same order. */
export function findingJson({ code, message, rules, packets, packetCount, change }: Finding): Finding {
  return {
    code,
    message,
    rules: rules.map(placeOf),
    packets,
    ...(packetCount === undefined ? {} : { packetCount }),
    change,
  };
}

const INDENT = '  ';
/** A change that begins with a command: wrapped so that no part of it is one. */
const IS_COMMAND = /^(?:iptables|sysctl|ip|conntrack|bridge|modprobe|ipset|nft) /;

/** FINDING as lines of at most WIDTH characters: what is wrong, the packets that show it, and what to change. */
export function findingLines(
  { message, rules, packets, packetCount, change }: Finding,
  style: Style,
  width: number,
): string[] {
  const places = rules.map(formatPlace).join(', ');
  const lines = wrapAfter('', places === '' ? shown(message) : `${shown(message)}  (${places})`, width);
  lines[0] = style.bold(lines[0]);
  const more = (packetCount ?? packets.length) - packets.length;
  for (const { packet, number } of packets)
    lines.push(...wrapAfter(`${INDENT}${number === undefined ? 'e.g. ' : `${shown(number)} `}`, shown(packet), width));
  if (more > 0) lines.push(style.dim(`${INDENT}and ${more} more`));
  if (change !== null) {
    const wrapChange = IS_COMMAND.test(change) ? wrapCommand : wrapAfter;
    lines.push(...wrapChange(`${INDENT}change: `, shown(change), width));
  }
  return lines;
}
