/** Interfaces that stand for all that there can be, as rules tell them apart. */
import { startsWithBytes } from '../../../codecs/text.js';
import type { Table } from '../model.js';

/**
 * The names of interfaces that the rules of TABLES name, one for each prefix (`veth+`), one that none of them names,
 * lo, and those that are KNOWN to exist. A rule treats any other interface like one of these.
 */
export function deviceNames(tables: readonly Table[], known: readonly string[]): string[] {
  const names = new Set<string>(['lo', ...known]);
  const prefixes = new Set<string>();
  for (const { rules } of tables) {
    for (const { base } of rules) {
      for (const device of [base.inDev, base.outDev]) {
        if (device === undefined) continue;
        if (device.name.endsWith('+')) prefixes.add(device.name.slice(0, -1));
        else names.add(device.name);
      }
    }
  }
  for (const prefix of [...prefixes, '']) {
    const name = unnamed(prefix, names, prefixes);
    if (name !== undefined) names.add(name);
  }
  return [...names];
}

/** Names for an interface that no rule names. */
const USUAL = ['eth0', 'eth1', 'wlan0', 'ppp0', 'ens3', 'br0', 'tun0'];
const ENDINGS = [...'0123456789abcdefghijklmnopqrstuvwxyz_'];

/** A name with PREFIX that is in none of NAMES and has no longer one of PREFIXES; undefined if these leave none. */
function unnamed(prefix: string, names: ReadonlySet<string>, prefixes: ReadonlySet<string>): string | undefined {
  const isFree = (name: string): boolean =>
    !names.has(name) && [...prefixes].every((other) => other.length <= prefix.length || !startsWithBytes(name, other));
  const known = prefix === '' ? USUAL.find(isFree) : undefined;
  if (known !== undefined) return known;
  // An ending that no longer prefix goes on with leaves room for as many names as are wanted.
  for (const ending of ENDINGS)
    for (const end of ['', ...ENDINGS]) {
      const name = `${prefix}${ending}${end}`;
      if (isFree(name)) return name;
    }
  return undefined;
}
