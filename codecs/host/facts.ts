/** What rules ask about and no capture holds: members of a host.json that are no output of a command. */
import { type FdbDescription, fdbOf } from './fdb.js';
import { type IpsecDescription, ipsecOf } from './ipsec.js';
import { integerAt, type JsonObject } from './json-values.js';
import { type NamesDescription, namesOf } from './names.js';

export interface FactsDescription {
  /** The processor that handles all packets; undefined: unknown. */
  readonly cpu: number | undefined;
  readonly fdb: readonly FdbDescription[] | undefined;
  readonly ipsec: readonly IpsecDescription[] | undefined;
  readonly names: NamesDescription;
}

/** The members of a host in JSON that hold them. */
export const FACT_MEMBERS: readonly string[] = ['cpu', 'fdb', 'ipsec', 'names'];

/** Throws a HostError. */
export function factsOf(host: JsonObject): FactsDescription {
  return {
    cpu: host.cpu === undefined ? undefined : integerAt(host.cpu, 'cpu', 0, 0xffff),
    fdb: host.fdb === undefined ? undefined : fdbOf(host.fdb),
    ipsec: host.ipsec === undefined ? undefined : ipsecOf(host.ipsec),
    names: namesOf(host.names),
  };
}
