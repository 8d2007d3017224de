/** Lines of `conntrack -E` and `conntrack -L`, with or without their times, families and numbers. */
import { type ConntrackEvidence, checkAddress, EvidenceError, type EvidenceTuple } from './evidence.js';

/** `[1795850308.801339]	    [NEW] ipv4     2 tcp      6 120 SYN_SENT src=…`. */
const LINE = new RegExp(
  [
    // When, and what happened.
    /^(?:\[\d+(?:\.\d+)?\]\s+)?(?:\[(NEW|UPDATE|DESTROY)\]\s+)?/,
    // Family, protocol, seconds left, state.
    /(?:(ipv4|ipv6)\s+(?:2|10)\s+)?([a-z][a-z0-9-]*)\s+(\d{1,3})\s+(?:(\d+)\s+)?(?:([A-Z][A-Z0-9_]*)\s+)?(src=.*)$/,
  ]
    .map(({ source }) => source)
    .join(''),
);

export function isConntrackLine(line: string): boolean {
  return LINE.test(line.trim());
}

/** Reads LINE. Throws an EvidenceError. */
export function readConntrackLine(line: string): ConntrackEvidence {
  const match = LINE.exec(line.trim());
  if (match === null) throw new EvidenceError('this is no line of conntrack');
  const [, event, family, , protocol, timeout, state, rest] = match;
  const directions: Map<string, string>[] = [];
  const flags = new Set<string>();
  let mark = 0;
  for (const word of rest.split(/\s+/)) {
    const at = word.indexOf('=');
    const [key, value] = [word.slice(0, at), word.slice(at + 1)];
    if (at < 0) flags.add(word);
    else if (key === 'mark') mark = numberOf(key, value);
    else {
      if (key === 'src') directions.push(new Map());
      const direction = directions[directions.length - 1];
      if (!direction.has(key)) direction.set(key, value);
    }
  }
  if (family === 'ipv6') throw new EvidenceError('the line is about IPv6, which is not emulated', true);
  if (directions.length !== 2)
    throw new EvidenceError('the line has not both directions of a connection: it may have been cut');
  return {
    kind: 'conntrack',
    event: event as ConntrackEvidence['event'],
    protocol: within('protocol', Number(protocol), 0xff),
    state,
    timeoutSec: timeout === undefined ? undefined : Number(timeout),
    original: tupleOf(directions[0]),
    reply: tupleOf(directions[1]),
    isSeenReply: !flags.has('[UNREPLIED]'),
    isAssured: flags.has('[ASSURED]'),
    mark,
  };
}

function tupleOf(direction: ReadonlyMap<string, string>): EvidenceTuple {
  const number = (key: string): number | undefined => {
    const value = direction.get(key);
    return value === undefined
      ? undefined
      : within(key, numberOf(key, value), key === 'type' || key === 'code' ? 0xff : 0xffff);
  };
  const [source, destination] = [direction.get('src'), direction.get('dst')];
  if (source === undefined || destination === undefined)
    throw new EvidenceError('src= or dst= is missing: the line may have been cut');
  checkAddress(source);
  checkAddress(destination);
  const type = number('type');
  const icmp = type === undefined ? undefined : { type, code: number('code') ?? 0, id: number('id') ?? 0 };
  return { source, destination, sport: number('sport'), dport: number('dport'), icmp };
}

function numberOf(key: string, value: string): number {
  const number = /^(?:\d{1,10}|0x[\da-f]{1,8})$/i.test(value) ? Number(value) : Number.NaN;
  if (Number.isNaN(number)) throw new EvidenceError(`${key}=${value} is not a number`);
  return number;
}

function within(key: string, number: number, largest: number): number {
  if (number <= largest) return number;
  throw new EvidenceError(`${number} is too large for a ${key}`);
}
