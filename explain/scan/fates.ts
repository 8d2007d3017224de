/** From what becomes of packets to what a scan calls it: who listens, and ports of the same fate together. */
import { parseAddress } from '../../codecs/address.js';
import { toLoaded } from '../../codecs/byte-order.js';
import { describeCause } from '../../core/drop.js';
import type { Host } from '../../core/host/host.js';
import type { Fate, Outcome, PortRange, ScanTarget, ScanVerdict, TranslatedTo } from './model.js';
import { CLIENT_PORT, PROTOCOL_NUMBERS, type ScannedProtocol } from './probe-packet.js';

/** A connection that was let through to the host itself. */
interface Asked {
  readonly dev: number;
  /** In host order. */
  readonly source: number;
  readonly target: ScanTarget;
  readonly protocol: ScannedProtocol;
}

/** Nothing is told of these ports. */
export const UNTOLD: Outcome = {
  end: 'unknown',
  dev: undefined,
  to: undefined,
  decidedBy: undefined,
  translatedBy: undefined,
  uncertain: undefined,
  stateful: [],
};

export class Fates {
  readonly #host: Host;
  /** The ports on which somebody listens; undefined: nothing is known of sockets. */
  readonly #listening: Readonly<Record<ScannedProtocol, readonly number[]>> | undefined;
  /** Equal ones are the same object. */
  readonly #known = new Map<string, Fate>();

  constructor(host: Host) {
    this.#host = host;
    const { sockets } = host.description.facts;
    const portsOf = (protocol: ScannedProtocol): number[] => {
      const ports = (sockets ?? [])
        .filter(({ protocol: number, remote }) => number === PROTOCOL_NUMBERS[protocol] && remote === undefined)
        .map(({ localPort }) => localPort);
      return [...new Set(ports)].sort((a, b) => a - b);
    };
    this.#listening = sockets && { tcp: portsOf('tcp'), udp: portsOf('udp') };
  }

  /** Whether it is known who listens on the host. */
  get areSocketsKnown(): boolean {
    return this.#listening !== undefined;
  }

  /** OUTCOMES, which cover the ports of ASKED in order, with who listens there; neighbours of the same fate as one. */
  of(outcomes: readonly PortRange<Outcome>[], asked: Asked): PortRange[] {
    const ranges: PortRange[] = [];
    for (const { first, last, fate: outcome } of outcomes) {
      for (const range of this.#split(first, last, addressed(outcome, asked.target), asked)) {
        const before = ranges.at(-1);
        if (before !== undefined && before.last === range.first - 1 && before.fate === range.fate)
          ranges[ranges.length - 1] = { ...before, last: range.last };
        else ranges.push(range);
      }
    }
    return ranges;
  }

  #split(first: number, last: number, outcome: Outcome<TranslatedTo>, asked: Asked): PortRange[] {
    const whole = (fate: Fate): PortRange[] => [{ first, last, fate }];
    if (outcome.end !== 'delivered') return whole(this.#fate(outcome, verdictOf(outcome)));
    const isKnown = this.#listening !== undefined;
    const closed = this.#fate(outcome, !isKnown && outcome.to !== undefined ? 'translated' : 'accepted');
    if (this.#listening === undefined) return whole(closed);
    const open = this.#fate(outcome, 'open');
    const { to } = outcome;
    if (to?.port !== undefined) return whole(this.#isListening(to.port, outcome, asked) ? open : closed);
    const ranges: PortRange[] = [];
    let next = first;
    for (const port of this.#listening[asked.protocol]) {
      if (port < first || port > last || !this.#isListening(port, outcome, asked)) continue;
      if (port > next) ranges.push({ first: next, last: port - 1, fate: closed });
      ranges.push({ first: port, last: port, fate: open });
      next = port + 1;
    }
    if (next <= last) ranges.push({ first: next, last, fate: closed });
    return ranges;
  }

  #isListening(port: number, { to }: Outcome<TranslatedTo>, { dev, source, target, protocol }: Asked): boolean {
    const { sockets } = this.#host.facts;
    if (sockets === undefined) return false;
    const key = {
      protocol: PROTOCOL_NUMBERS[protocol],
      source: toLoaded(source),
      sport: CLIENT_PORT,
      destination: to === undefined ? toLoaded(target.number) : (parseAddress(to.address)?.loaded ?? 0),
      dport: port,
      dev,
    };
    const socket = protocol === 'tcp' ? sockets.listener(key) : sockets.datagram(key);
    return socket >= 0 && !sockets.isConnected(socket);
  }

  #fate(outcome: Outcome<TranslatedTo>, verdict: ScanVerdict): Fate {
    const { end, dev, to, decidedBy, translatedBy, uncertain, stateful } = outcome;
    const by = decidedBy === undefined ? '' : `${describeCause(decidedBy)} ${decidedBy.rule?.index}`;
    const translation = translatedBy === undefined ? '' : `${translatedBy.file}:${translatedBy.line}`;
    const state = stateful.map(({ file, line }) => `${file}:${line}`).join();
    const key = [verdict, end, dev, to?.address, to?.port, by, translation, uncertain, state].join('|');
    let fate = this.#known.get(key);
    if (fate === undefined) {
      fate = { ...outcome, verdict };
      this.#known.set(key, fate);
    }
    return fate;
  }
}

/** OUTCOME for packets to TARGET. */
function addressed(outcome: Outcome, { address }: ScanTarget): Outcome<TranslatedTo> {
  const { to } = outcome;
  return { ...outcome, to: to && { ...to, address: to.address ?? address } };
}

function verdictOf({ end, to }: Outcome<TranslatedTo>): ScanVerdict {
  if (end === 'forwarded') return to === undefined ? 'accepted' : 'translated';
  return end === 'delivered' ? 'accepted' : end;
}

/** Whether somebody may answer on a port of this FATE: nothing that is known speaks against it. */
export function isOpen({ verdict, end }: Fate, areSocketsKnown: boolean): boolean {
  if (verdict === 'open' || verdict === 'translated' || verdict === 'unknown') return true;
  return verdict === 'accepted' && !(end === 'delivered' && areSocketsKnown);
}
