/** What became of each packet of a case, in a form in which two cases can be compared. */
import type { PacketEnd, PacketEvent } from '../../core/events.js';
import type { FramePlace, PacketWatch } from '../packet-watch.js';

/** What the names and addresses of one case are in the other. */
export interface Translation {
  address(text: string): string;
  iface(name: string): string;
  chain(name: string): string;
  list(name: string): string;
}

export const SAME: Translation = {
  address: (text) => text,
  iface: (name) => name,
  chain: (name) => name,
  list: (name) => name,
};

/** Writes down what happens to packets: a text each, in the names of the other case. */
export class DigestWatch implements PacketWatch {
  readonly isDone = false;
  readonly #translation: Translation;
  readonly #onPacket: (place: FramePlace, lines: readonly string[]) => void;
  #lines: string[] = [];

  constructor(translation: Translation, onPacket: (place: FramePlace, lines: readonly string[]) => void) {
    this.#translation = translation;
    this.#onPacket = onPacket;
  }

  readonly observer = (event: PacketEvent): void => {
    const line = describe(event, this.#translation);
    if (line !== undefined) this.#lines.push(`${event.depth} ${line}`);
  };

  wants(): boolean {
    return true;
  }

  missed(place: FramePlace, reason: string): void {
    this.#onPacket(place, [`missed ${reason}`]);
  }

  finished(place: FramePlace): void {
    const lines = this.#lines;
    this.#lines = [];
    this.#onPacket(place, lines);
  }
}

/** What EVENT says that must be the same in both cases; undefined: nothing. */
function describe(event: PacketEvent, to: Translation): string | undefined {
  const end = ({ address, port }: PacketEnd): string => `${to.address(address)}:${port ?? ''}`;
  switch (event.kind) {
    case 'rule':
      if (!event.isMatched && !event.isHotdrop) return undefined;
      return `${event.table} ${to.chain(event.rule.chain)} ${event.rule.number}${event.isHotdrop ? ' hotdrop' : ''}`;
    case 'policy':
      return `policy of ${event.table} ${to.chain(event.chain.name)}`;
    case 'translated':
      return `${event.hook}: ${event.end} ${end(event.from)} becomes ${end(event.to)}`;
    case 'routed': {
      const { dev, nextHop, reason = '' } = event;
      return `routed to ${event.to} ${to.iface(dev ?? '')} ${to.address(nextHop ?? '')} ${reason}`;
    }
    case 'tracked': {
      const { ctstate, direction, stateBefore, stateAfter, invalid, isIgnored } = event;
      return ['tracked', ctstate, direction, stateBefore, stateAfter, invalid, isIgnored].join(' ');
    }
    case 'left': {
      const { source, destination, sport, dport, lengthBytes, ttl, tos, mark } = event.packet;
      const ends = [source, destination].map(to.address).join(' ');
      return ['left by', to.iface(event.dev ?? ''), ends, sport, dport, lengthBytes, ttl, tos, mark].join(' ');
    }
    case 'dropped':
      return `dropped: ${event.cause.reason}${event.isRejected ? ', rejected' : ''}`;
    case 'skipped':
      return `skipped: ${event.reason}`;
    case 'changed':
      return `changed: ${event.what}`;
    case 'logged':
      return `logged ${event.group ?? ''} ${event.isTrace ?? ''}`;
    case 'idle':
      return `idle ${to.list(event.label)}`;
    case 'expired':
      return `expired ${event.fragments}`;
    case 'timed-out':
      return `timed out ${event.protocol} ${event.state ?? ''}`;
    case 'uncertain':
      return `uncertain ${event.cause.scope}`;
    case 'answered':
    case 'copied':
    case 'held':
    case 'reassembled':
      return event.kind;
    default:
      return undefined;
  }
}
