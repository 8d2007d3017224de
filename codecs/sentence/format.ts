/** Writes sentences: as one types them, and as reports print them. */
import type { Address } from '../address.js';
import { protocolName } from '../protocol-names.js';
import { formatIcmpKind } from './icmp-kinds.js';
import type { NumberRange, Sentence, SentenceEnd, SentenceHost, SentenceInterface } from './sentence.js';
import { flagLetters, flagNames } from './tcp-flags.js';

/** A name that cannot begin a sentence as an interface without `in`. */
const NEEDS_IN: readonly string[] = ['in', 'local'];

/** SENTENCE as one types it: `eth0 tcp 203.0.113.7:51515 > 192.0.2.10:8081 S`. `parseSentence` returns the same. */
export function formatSentence(sentence: Sentence): string {
  const { isLocal, input, ends, flags } = sentence;
  const isFirst = ends !== undefined && input !== undefined;
  const from = isLocal ? 'local ' : isFirst ? firstInterface(input) : '';
  const parts = [from + protocolText(sentence)];
  if (ends !== undefined) parts.push(`${formatEnd(ends.source)} > ${formatEnd(ends.destination)}`);
  if (flags !== undefined) parts.push(flagLetters(flags));
  parts.push(...attributes(sentence, isFirst ? undefined : input));
  if (sentence.state !== undefined) parts.push(`state ${sentence.state}`);
  return parts.join(' ');
}

/** SENTENCE as reports print it: `tcp 203.0.113.7:51515 → 192.0.2.10:8081 SYN, in eth0, a new connection`. */
export function printSentence(sentence: Sentence): string {
  const { isLocal, input, ends, flags, icmp, state } = sentence;
  const kind = [
    (isLocal ? 'local ' : '') + protocolText(sentence),
    ...(ends === undefined ? [] : [`${formatEnd(ends.source)} → ${formatEnd(ends.destination)}`]),
    ...(flags === undefined ? [] : [flagNames(flags)]),
    ...(icmp === undefined ? [] : [formatIcmpKind(icmp, sentence.protocol)]),
  ];
  const parts = [kind.join(' '), ...attributes({ ...sentence, icmp: undefined }, input)];
  if (state !== undefined) parts.push(state === 'NEW' ? 'a new connection' : `state ${state}`);
  return parts.join(', ');
}

/** END as both write it: `192.0.2.10:8081`. */
function formatEnd({ isNegated, host, ports }: SentenceEnd): string {
  const address = host === undefined ? '*' : hostText(host);
  return `${isNegated ? '!' : ''}${address}${ports === undefined ? '' : `:${rangeText(ports)}`}`;
}

function hostText({ name, addresses, prefixLength }: SentenceHost): string {
  if (name !== undefined) return name;
  return `${addressText(addresses[0])}${prefixLength === undefined ? '' : `/${prefixLength}`}`;
}

const addressText = (address: Address): string => (address.family === 'ipv6' ? `[${address}]` : String(address));
const rangeText = ({ min, max }: NumberRange): string => (min === max ? String(min) : `${min}-${max}`);
const protocolText = ({ protocol }: Sentence): string => (protocol === undefined ? 'ip' : nameOfProtocol(protocol));

function nameOfProtocol(protocol: number): string {
  // IP's own number 0 has the name that stands for any protocol.
  return protocol === 0 ? '0' : protocolName(protocol);
}

function firstInterface(input: SentenceInterface): string {
  return `${NEEDS_IN.includes(input.name) ? 'in ' : ''}${interfaceText(input)} `;
}

const interfaceText = ({ name, isNegated }: SentenceInterface): string => (isNegated ? '!' : '') + name;

function attributes(
  { protocol, output, icmp, ttl, length, mark }: Sentence,
  input: SentenceInterface | undefined,
): string[] {
  return [
    ...(icmp === undefined ? [] : [formatIcmpKind(icmp, protocol)]),
    ...(input === undefined ? [] : [`in ${interfaceText(input)}`]),
    ...(output === undefined ? [] : [`out ${interfaceText(output)}`]),
    ...(ttl === undefined ? [] : [`ttl ${rangeText(ttl)}`]),
    ...(length === undefined ? [] : [`len ${rangeText(length)}`]),
    ...(mark === undefined ? [] : [`mark ${mark > 9 ? `0x${mark.toString(16)}` : mark}`]),
  ];
}
