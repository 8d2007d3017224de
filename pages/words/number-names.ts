/** Numbers by the names that a report has for them. */
import type { NumberNames } from '../../explain/report/format/model.js';

const nameOf = <T>(names: Readonly<Record<string, T>>, value: T): string | undefined =>
  Object.keys(names).find((name) => names[name] === value);

/** `tcp`, or the number of a protocol without a name. */
export function protocolText(protocol: number, { protocols }: NumberNames): string {
  return nameOf(protocols, protocol) ?? `${protocol}`;
}

/** `echo-request`, `host-unreachable`, `3/77`. A code of 0 says nothing where codes of the type have no names. */
export function icmpText(type: number, code: number, { icmp }: NumberNames): string {
  const isPlain = code === 0 && !Object.values(icmp).some((kind) => kind.startsWith(`${type}/`));
  const kind = isPlain ? `${type}` : `${type}/${code}`;
  return nameOf(icmp, kind) ?? kind;
}
