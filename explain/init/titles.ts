/** What claims are called: a few words for people, without a full stop. */
import { protocolName } from '../../codecs/protocol-names.js';
import { formatIcmpKind } from '../../codecs/sentence/icmp-kinds.js';
import { hasPorts, type Sentence, type SentenceEnd } from '../../codecs/sentence/sentence.js';
import { isAccepted } from '../story/story.js';
import type { FlowKind } from './flow-kinds.js';
import type { AddressNames } from './name-addresses.js';
import type { SeenEnd } from './seen-traffic.js';
import { SERVICE_NAMES } from './service-names.js';

/** `tcp 36379 of host leads to redis:6379` */
export function titleOf(kind: FlowKind, names: AddressNames): string {
  const { sentence, outcome, flows, isReversed } = kind;
  const [{ entered, left }] = flows;
  const { ends, input } = sentence;
  const from = input === undefined ? '' : ` from ${input.name}`;
  const service = ends === undefined ? undefined : isReversed ? ends.source : ends.destination;
  const what = serviceText(sentence, service);
  const of = hostText(service);
  const to = `${what} ${of === undefined ? 'anywhere' : `of ${of}`}`;
  if (isReversed) return `answers of ${to}${from} ${OUTCOMES[outcome]}`;
  if (outcome === 'rejected' || outcome === 'dropped') {
    const who = sentence.isLocal ? ' for the host itself' : from;
    return `${to} ${outcome === 'rejected' ? 'is refused' : 'is dropped'}${who}${sourceText(sentence)}`;
  }
  const isOwn = sentence.isLocal;
  const by = sourceText(sentence);
  const isTranslated = left !== undefined && (left.destination !== entered.destination || left.dport !== entered.dport);
  if (isTranslated && new Set(flows.map((flow) => flow.left?.destination)).size === 1) {
    const port = left.dport === undefined ? '' : `:${left.dport}`;
    return `${to} leads to ${names.nameOf(left.destination)}${port}${isOwn ? ' for the host itself' : from}${by}`;
  }
  if (left?.outDev === undefined) {
    const isOpen = service?.ports !== undefined && !isOwn;
    return isOpen
      ? `${to} is open${from}${by}`
      : `${what} reaches ${of ?? 'the host'}${isOwn ? ' from the host itself' : from}${by}`;
  }
  const as = left.source === entered.source ? '' : ` as ${names.nameOf(left.source)}`;
  return `${to} is reached${isOwn ? ' by the host itself' : from}${as}${by}`;
}

const OUTCOMES: Readonly<Record<FlowKind['outcome'], string>> = {
  accepted: 'get through',
  mixed: 'get through',
  rejected: 'are refused',
  dropped: 'are dropped',
};

export function titleOfStray(sentence: Sentence, { verdict }: SeenEnd): string {
  const { state, input, ends } = sentence;
  const kind = state === undefined ? '' : `${STATES[state] ?? state} `;
  const of = hostText(ends?.destination);
  const from = sentence.isLocal ? ' of the host itself' : input === undefined ? '' : ` from ${input.name}`;
  const what = `${kind}${serviceText(sentence, undefined)} packets${of === undefined ? '' : ` to ${of}`}`;
  if (isAccepted({ verdict })) return `${what} get through${from}`;
  return `${what} are ${verdict === 'rejected' ? 'refused' : 'dropped'}${from}`;
}

const STATES: Readonly<Record<string, string>> = { NEW: 'new', ESTABLISHED: 'established', RELATED: 'related' };

/** `tcp 22 (ssh)`, `icmp echo-request`. */
function serviceText({ protocol, icmp }: Sentence, end: SentenceEnd | undefined): string {
  const name = protocol === undefined ? 'ip' : protocolName(protocol).replace(/^(?=\d)/, 'protocol ');
  if (icmp !== undefined) return `${name} ${formatIcmpKind(icmp, protocol)}`;
  if (end?.ports === undefined) return hasPorts(protocol) && end !== undefined ? `all ${name}` : name;
  const { min, max } = end.ports;
  const service = min === max ? SERVICE_NAMES[`${name} ${min}`] : undefined;
  return `${name} ${min === max ? min : `${min}-${max}`}${service === undefined ? '' : ` (${service})`}`;
}

function hostText(end: SentenceEnd | undefined): string | undefined {
  const host = end?.host;
  if (host === undefined) return undefined;
  return host.name ?? `${host.addresses[0]}${host.prefixLength === undefined ? '' : `/${host.prefixLength}`}`;
}

function sourceText({ ends }: Sentence): string {
  const source = hostText(ends?.source);
  return source === undefined
    ? ''
    : ` by ${source}${ends?.source.ports === undefined ? '' : `:${ends.source.ports.min}`}`;
}
