/** Kinds of connections: sentences, as wide as all that fits them has come to the same end. */
import { parseAddress } from '../../codecs/address.js';
import { TCP_ACK, TCP_SYN } from '../../codecs/layouts.js';
import { fits } from '../../codecs/sentence/fits.js';
import { icmpKindOf } from '../../codecs/sentence/icmp-kinds.js';
import { ANY_PACKET, type Sentence, type SentenceEnd, type SentenceHost } from '../../codecs/sentence/sentence.js';
import { type Decider, isAccepted } from '../story/story.js';
import type { AddressNames } from './name-addresses.js';
import type { SeenFlow } from './seen-traffic.js';

/** What became of connections, as far as claims say it. `mixed`: they began, and something of them was stopped. */
export type Outcome = 'accepted' | 'mixed' | 'rejected' | 'dropped';

/** Connections with the same outcome, for the same reason. */
export interface FlowKind {
  readonly sentence: Sentence;
  /** At least one; all that fit the sentence. */
  readonly flows: readonly SeenFlow[];
  readonly outcome: Outcome;
  /** The two ends of the sentence changed places: the first packet that was captured is an answer of the service. */
  readonly isReversed: boolean;
}

export interface FlowKinds {
  readonly kinds: readonly FlowKind[];
  /** Connections of which those that no sentence tells apart came to different ends. */
  readonly untold: readonly SeenFlow[];
}

function outcomeOf({ first, later }: SeenFlow): Outcome {
  if (isAccepted(first)) return later === undefined ? 'accepted' : 'mixed';
  return first.verdict === 'rejected' ? 'rejected' : 'dropped';
}

/** A key of DECIDER: equal for the same rule or policy. */
export function deciderKey(decider: Decider): string {
  switch (decider.kind) {
    case 'rule':
      return `${decider.table} ${decider.rule.chain} ${decider.rule.number}`;
    case 'policy':
      return `${decider.table} ${decider.chain.name} policy`;
    case 'host':
      return decider.reason;
    default:
      return decider.kind;
  }
}

/** What has to be the same for all flows of a kind. */
function signatureOf(flow: SeenFlow): string {
  const { entered, left, first } = flow;
  const changes = [
    left?.outDev,
    left !== undefined && left.destination !== entered.destination,
    left !== undefined && left.source !== entered.source,
    left?.mark,
  ];
  return [outcomeOf(flow), deciderKey(first.decider), ...changes].join(' ');
}

/** An entry of the list of flows: those of the same two addresses, service and end are one. */
interface FlowClass {
  readonly flow: SeenFlow;
  readonly flows: SeenFlow[];
  readonly signature: string;
  readonly isReversed: boolean;
}

/** So many classes are told apart; captures with more are of scans, of which the busiest are enough. */
const MOST_CLASSES = 4000;
/** A service of so many addresses is one kind, and so are so many blocked ports. */
const FEW_ADDRESSES = 2;
const FEW_PORTS = 4;

export function flowKinds(flows: readonly SeenFlow[], names: AddressNames): FlowKinds {
  const classes = classesOf(flows);
  const kinds: FlowKind[] = [];
  const untold: SeenFlow[] = [];
  const isCovered = new Set<FlowClass>();
  const byEntry = new Map<string, FlowClass[]>();
  for (const one of classes) byEntry.set(entryOf(one), [...(byEntry.get(entryOf(one)) ?? []), one]);
  for (const one of classes) {
    if (isCovered.has(one)) continue;
    const near = byEntry.get(entryOf(one)) ?? [];
    const found = candidatesOf(one, near, names)
      .map((sentence) => ({ sentence, fitting: near.filter(({ flow }) => fits(sentence, flow.entered)) }))
      .find(({ fitting }) => fitting.every(({ signature }) => signature === one.signature));
    if (found === undefined) {
      untold.push(...one.flows);
      isCovered.add(one);
      continue;
    }
    for (const other of found.fitting) isCovered.add(other);
    kinds.push({
      sentence: found.sentence,
      flows: found.fitting.flatMap((other) => other.flows),
      outcome: outcomeOf(one.flow),
      isReversed: one.isReversed,
    });
  }
  return { kinds, untold };
}

/** Only classes of the same entry can fit the same sentence. */
function entryOf({ flow }: FlowClass): string {
  const { protocol, inDev, icmp } = flow.entered;
  return `${protocol} ${inDev} ${icmp?.type}`;
}

/** FLOWS by their ends, the busiest first. */
function classesOf(flows: readonly SeenFlow[]): FlowClass[] {
  const classes = new Map<string, FlowClass>();
  for (const flow of flows) {
    const { protocol, source, sport, destination, dport, inDev, icmp } = flow.entered;
    const signature = signatureOf(flow);
    const isReversed = isAnswer(flow);
    const port = isReversed ? `${sport}>` : `>${dport}`;
    const key = [inDev, protocol, source, destination, port, icmp?.type, icmp?.code, signature].join(' ');
    const known = classes.get(key);
    if (known === undefined) classes.set(key, { flow, flows: [flow], signature, isReversed });
    else known.flows.push(flow);
  }
  const packets = ({ flows }: FlowClass) => flows.reduce((sum, one) => sum + one.packets, 0);
  const order = [...classes.values()].map((one) => ({ one, packets: packets(one) }));
  return order
    .sort((a, b) => b.one.flows.length - a.one.flows.length || b.packets - a.packets)
    .slice(0, MOST_CLASSES)
    .map(({ one }) => one);
}

const FIRST_EPHEMERAL = 32768;

/** Whether the first packet that was captured of FLOW looks like one of the service. */
function isAnswer({ entered, left }: SeenFlow): boolean {
  const { sport, dport, flags = 0, destination } = entered;
  const isOpening = (flags & (TCP_SYN | TCP_ACK)) === TCP_SYN;
  // Rules translate the destination of what is on its way to a service.
  if (isOpening || (left !== undefined && left.destination !== destination)) return false;
  return sport !== undefined && dport !== undefined && dport >= FIRST_EPHEMERAL && sport < FIRST_EPHEMERAL;
}

/** Sentences for the flows of ONE, the widest that are of use first. */
function candidatesOf(one: FlowClass, classes: readonly FlowClass[], names: AddressNames): Sentence[] {
  const { entered } = one.flow;
  const { source, sport, destination, dport, protocol } = entered;
  const base: Sentence = {
    ...ANY_PACKET,
    protocol,
    isLocal: entered.isLocal === true,
    input: entered.inDev === undefined ? undefined : { name: entered.inDev, isNegated: false },
    icmp: entered.icmp && icmpKindOf(entered.icmp.type, entered.icmp.code, protocol),
  };
  const service = one.isReversed ? endOf(names.hostOf(source), sport) : endOf(names.hostOf(destination), dport);
  const client = one.isReversed ? names.hostOf(destination) : names.hostOf(source);
  const between = (from: SentenceHost | undefined, to: SentenceEnd): Sentence => {
    const other = endOf(from, undefined);
    return { ...base, ends: one.isReversed ? { source: to, destination: other } : { source: other, destination: to } };
  };
  const any = { ...service, host: undefined };
  const whole = { ...service, ports: undefined };
  const alike = classes.filter(
    ({ flow, signature, isReversed }) =>
      signature === one.signature && isReversed === one.isReversed && flow.entered.protocol === protocol,
  );
  const serviceOf = ({ entered: packet }: SeenFlow) => (one.isReversed ? packet.source : packet.destination);
  const portOf = ({ entered: packet }: SeenFlow) => (one.isReversed ? packet.sport : packet.dport);
  const address = serviceOf(one.flow);
  const isRemote = !names.isOwn(address) && !names.isNear(address) && parseAddress(address) !== undefined;
  const addresses = new Set(
    alike.filter(({ flow }) => portOf(flow) === portOf(one.flow)).map(({ flow }) => serviceOf(flow)),
  );
  const ports = new Set(alike.filter(({ flow }) => serviceOf(flow) === address).map(({ flow }) => portOf(flow)));
  const isBlocked = !isAccepted(one.flow.first);
  return [
    ...(isBlocked && ports.size >= FEW_PORTS ? [between(undefined, whole), between(client, whole)] : []),
    ...(isRemote && addresses.size >= FEW_ADDRESSES ? [between(undefined, any), between(client, any)] : []),
    between(undefined, service),
    between(client, service),
    {
      ...base,
      ends: { source: endOf(names.hostOf(source), sport), destination: endOf(names.hostOf(destination), dport) },
    },
  ];
}

export function endOf(host: SentenceHost | undefined, port: number | undefined): SentenceEnd {
  return { isNegated: false, host, ports: port === undefined ? undefined : { min: port, max: port } };
}
