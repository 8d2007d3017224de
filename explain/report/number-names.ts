/** What the numbers in the ends of packets are called. */
import { IPPROTO_ICMP } from '../../codecs/assigned-numbers.js';
import { PROTOCOL_NAMES } from '../../codecs/protocol-names.js';
import { icmpNames, parseIcmpKind } from '../../codecs/sentence/icmp-kinds.js';
import { serviceNames, servicePort } from '../../codecs/services.js';
import type { NumberNames } from './format/model.js';

/** The numbers that packets have: protocols, types of ICMP, and ports. */
export class NumbersMet {
  readonly #protocols = new Set<number>();
  readonly #icmpTypes = new Set<number>();
  readonly #ports = new Set<number>();

  /** SPORT, DPORT: as in TUPLE_COLUMNS. */
  add(protocol: number, sport: number, dport: number): void {
    this.#protocols.add(protocol);
    if (protocol === IPPROTO_ICMP) this.#icmpTypes.add(sport);
    else if (sport >= 0) this.#ports.add(sport).add(dport);
  }

  get names(): NumberNames {
    const protocols = [...PROTOCOL_NAMES].filter(([number]) => this.#protocols.has(number));
    const kinds = icmpNames(IPPROTO_ICMP).map((name) => [name, parseIcmpKind(name, IPPROTO_ICMP)!] as const);
    const services = serviceNames(undefined).map((name) => [name, servicePort(name, undefined)!] as const);
    return {
      protocols: Object.fromEntries(protocols.map(([number, name]) => [name, number])),
      icmp: Object.fromEntries(
        kinds
          .filter(([, { type }]) => this.#icmpTypes.has(type))
          .map(([name, { type, code }]) => [name, code === undefined ? `${type}` : `${type}/${code}`]),
      ),
      services: Object.fromEntries(services.filter(([, port]) => this.#ports.has(port))),
    };
  }
}
