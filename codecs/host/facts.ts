/** What rules ask about and no capture holds: members of a host.json that are no output of a command. */
import { isLongerThan } from '../text.js';
import { HostError } from './error.js';
import { type FdbDescription, fdbOf } from './fdb.js';
import { type IpsecDescription, ipsecOf } from './ipsec.js';
import { integerAt, type JsonObject, listAt, objectOf, stringAt } from './json-values.js';
import { type NamesDescription, namesOf } from './names.js';
import { type SocketDescription, socketsOf } from './sockets.js';

export interface FactsDescription {
  /** The processor that handles all packets; undefined: unknown. */
  readonly cpu: number | undefined;
  readonly fdb: readonly FdbDescription[] | undefined;
  readonly ipsec: readonly IpsecDescription[] | undefined;
  /** How far the kernel's own time zone is ahead of UTC, in minutes; undefined: unknown. */
  readonly kerneltz: number | undefined;
  readonly names: NamesDescription;
  readonly recent: RecentDescription;
  /** The names of the accounting objects, in the order in which they were made; undefined: unknown. */
  readonly nfacct: readonly string[] | undefined;
  readonly sockets: readonly SocketDescription[] | undefined;
}

/** The parameters of the module xt_recent. */
export interface RecentDescription {
  /** The most addresses of a list; undefined: unknown. */
  readonly listTotal: number | undefined;
}

/** The members of a host in JSON that hold them. */
export const FACT_MEMBERS: readonly string[] = ['cpu', 'fdb', 'ipsec', 'kerneltz', 'names', 'nfacct', 'xt_recent'];

/** Throws a HostError. */
export function factsOf(host: JsonObject): FactsDescription {
  return {
    cpu: host.cpu === undefined ? undefined : integerAt(host.cpu, 'cpu', 0, 0xffff),
    fdb: host.fdb === undefined ? undefined : fdbOf(host.fdb),
    ipsec: host.ipsec === undefined ? undefined : ipsecOf(host.ipsec),
    kerneltz: host.kerneltz === undefined ? undefined : integerAt(host.kerneltz, 'kerneltz', -1439, 1439),
    names: namesOf(host.names),
    recent: recentOf(host.xt_recent),
    nfacct: host.nfacct === undefined ? undefined : accountingNames(host.nfacct),
    sockets: host.sockets === undefined ? undefined : socketsOf(host.sockets),
  };
}

/** The kernel stores 32 bytes including the terminating zero. */
const MAX_ACCOUNTING_BYTES = 31;

function accountingNames(value: unknown): string[] {
  return listAt(value, 'nfacct').map(([entry, path]) => {
    const name = stringAt(entry, path);
    if (name !== '' && !isLongerThan(name, MAX_ACCOUNTING_BYTES)) return name;
    throw new HostError(path, `is no name of 1–${MAX_ACCOUNTING_BYTES} bytes`);
  });
}

/** What ip_pkt_list_tot says makes no difference: of each address, as many packets are remembered as rules ask for. */
function recentOf(value: unknown): RecentDescription {
  const total =
    value === undefined ? undefined : objectOf(value, 'xt_recent', ['ip_list_tot', 'ip_pkt_list_tot']).ip_list_tot;
  return { listTotal: total === undefined ? undefined : integerAt(total, 'xt_recent.ip_list_tot', 1, 0xffffff) };
}
