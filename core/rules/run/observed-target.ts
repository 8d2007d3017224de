/** Applies the targets of rules for an observer, which hears what they change. */
import {
  IPPROTO_TCP,
  IPV4_CHECKSUM_AT,
  IPV4_TOS_AT,
  IPV4_TOTAL_LENGTH_AT,
  IPV4_TTL_AT,
  TCP_CHECKSUM_AT,
  TCP_LENGTH,
} from '../../../codecs/layouts.js';
import { MARK, RECORD_WORDS } from '../../conntrack/record.js';
import type { ChangedEvent, ChangedThing, Emit } from '../../events.js';
import { asHex, namesOf } from '../../field-formats.js';
import type { Verdict } from '../../hooks.js';
import { CtInfo, type Packet, tcpHeaderLength } from '../../packet.js';
import { TCP_OPTION_MSS, tcpOptionLength } from '../../targets/tcp-options.js';
import type { RuleContext } from '../context.js';
import type { Rule, Table, Target } from '../model.js';

/** The longest IP header, and the longest TCP header: what targets rewrite. */
const HEADERS = 120;
/** Words of the IP header that are told by themselves, or follow from what is told. */
const TOLD_IN_IP = [IPV4_TOS_AT, IPV4_TOTAL_LENGTH_AT, IPV4_TOTAL_LENGTH_AT + 1, IPV4_TTL_AT];
const CHECKSUM_IN_IP = [IPV4_CHECKSUM_AT, IPV4_CHECKSUM_AT + 1];
const CHECKSUM_IN_TCP = [TCP_CHECKSUM_AT, TCP_CHECKSUM_AT + 1];

type ExtensionTarget = Extract<Target, { kind: 'extension' }>;

/** What can be told of a packet before and after. */
type Told = Readonly<Partial<Record<ChangedThing, string>>>;

interface Seen {
  readonly told: Told;
  readonly headers: Uint8Array;
  readonly headerLength: number;
  readonly tcpLength: number;
}

/** Applies TARGET of RULE, of the ruleset's TABLE, and emits what it changed of PACKET. */
export function applyObserved(
  target: ExtensionTarget,
  rule: Rule,
  packet: Packet,
  context: RuleContext,
  table: Table,
  emit: NonNullable<Emit>,
): Verdict {
  const before = see(packet, context);
  const sets = setSizes(target, context);
  const verdict = target.extension.apply(target.params, packet, context);
  const after = see(packet, context);
  const change = (what: ChangedThing, from?: string, to?: string, set?: string): void => {
    const event: ChangedEvent = {
      ...{ kind: 'changed', table: table.name, rule: table.rules[rule.index], what },
      ...(set === undefined ? {} : { set }),
      ...(from === undefined ? {} : { from }),
      ...(to === undefined ? {} : { to }),
    };
    emit(event);
  };
  for (const what of new Set([...Object.keys(before.told), ...Object.keys(after.told)]) as Set<ChangedThing>) {
    const [from, to] = [before.told[what], after.told[what]];
    if (from !== to) change(what, from, to);
  }
  for (const [name, size] of setSizes(target, context))
    if (size !== sets.get(name)) change('entries', String(sets.get(name) ?? 0), String(size), name);
  const rest = restOfChange(before, after);
  if (rest !== undefined) change(rest);
  return verdict;
}

/** How many entries the sets have that TARGET may change. */
function setSizes({ extension, params }: ExtensionTarget, { sets }: RuleContext): Map<string, number> {
  const named = extension.sets?.(params) ?? [];
  return new Map(named.map(({ name }) => [name, sets.get(name)?.size ?? 0]));
}

function see(packet: Packet, { conntrack }: RuleContext): Seen {
  const { bytes, at, available, headerLength, ct, view } = packet;
  const isTcp = packet.protocol === IPPROTO_TCP && packet.fragmentOffset === 0 && packet.l4Available >= TCP_LENGTH;
  const tcpLength = isTcp ? Math.min(Math.max(tcpHeaderLength(packet), TCP_LENGTH), packet.l4Available) : 0;
  const mss = isTcp ? mssOf(packet, tcpLength) : undefined;
  return {
    told: {
      mark: asHex(packet.mark >>> 0),
      ...(ct < 0 ? {} : { 'connection mark': asHex(conntrack.words[ct * RECORD_WORDS + MARK] >>> 0) }),
      // Before conntrack has seen it, a packet has no state yet.
      ...(packet.ctinfo === CtInfo.INVALID ? {} : { state: namesOf(CtInfo)(packet.ctinfo) }),
      TOS: asHex(view.getUint8(at + IPV4_TOS_AT)),
      TTL: String(view.getUint8(at + IPV4_TTL_AT)),
      ...(mss === undefined ? {} : { MSS: String(mss) }),
    },
    headers: bytes.slice(at, at + Math.min(available, HEADERS)),
    headerLength,
    tcpLength,
  };
}

function mssOf({ bytes, view, l4 }: Packet, tcpLength: number): number | undefined {
  const end = l4 + tcpLength;
  for (let at = l4 + TCP_LENGTH; at + 4 <= end; at += tcpOptionLength(bytes, at))
    if (bytes[at] === TCP_OPTION_MSS && bytes[at + 1] === 4) return view.getUint16(at + 2);
  return undefined;
}

/** What else of the headers changed; undefined: nothing. */
function restOfChange(before: Seen, after: Seen): ChangedThing | undefined {
  const { headerLength, tcpLength } = before;
  const told = new Set([...TOLD_IN_IP, ...CHECKSUM_IN_IP]);
  if (tcpLength > 0) for (const at of CHECKSUM_IN_TCP) told.add(headerLength + at);
  const isMssTold = before.told.MSS !== after.told.MSS;
  const optionsAt = headerLength + TCP_LENGTH;
  const isOption = (at: number): boolean => tcpLength > 0 && at >= optionsAt && at < headerLength + tcpLength;
  if (before.headers.length !== after.headers.length || tcpLength !== after.tcpLength)
    return isMssTold ? undefined : 'bytes';
  const changed = Array.from(before.headers.keys()).filter(
    (at) => before.headers[at] !== after.headers[at] && !told.has(at) && !(isMssTold && isOption(at)),
  );
  if (changed.length === 0) return undefined;
  return changed.every(isOption) ? 'TCP options' : 'bytes';
}
