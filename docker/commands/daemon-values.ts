/** The options of dockerd that are followed, as its command line and daemon.json have them. */
import { parseAddress } from '../../codecs/address.js';
import type { Word } from '../../codecs/iptables-save.js';
import type { AddressPool, DaemonOptions } from '../model.js';
import { formatRelease, isSince, type Release } from '../releases.js';
import { CommandFault, notFollowed } from './fault.js';

export type SomeOptions = { -readonly [Name in keyof DaemonOptions]?: DaemonOptions[Name] };

/** Options that are yes or no. */
export const BOOLEANS: Readonly<Record<string, keyof DaemonOptions>> = {
  iptables: 'iptables',
  'ip-forward': 'ipForward',
  'ip-forward-no-drop': 'ipForwardNoDrop',
  'ip-masq': 'ipMasq',
  icc: 'icc',
  'userland-proxy': 'userlandProxy',
  'live-restore': 'liveRestore',
  'allow-direct-routing': 'allowDirectRouting',
};

/** Options with one value, each of which has a shape. */
export const TEXTS: Readonly<Record<string, keyof DaemonOptions>> = {
  ip: 'ip',
  bip: 'bip',
  'fixed-cidr': 'fixedCidr',
  'default-gateway': 'defaultGateway',
  bridge: 'bridge',
  'bridge-accept-fwmark': 'bridgeAcceptFwMark',
};

/** The first release that has an option. */
const SINCE: Readonly<Record<string, Release>> = {
  'default-address-pool': [18, 6, 0],
  'default-network-opt': [24, 0, 0],
  'ip-forward-no-drop': [28, 0, 0],
  'allow-direct-routing': [28, 2, 0],
  'firewall-backend': [29, 0, 0],
  'bridge-accept-fwmark': [29, 0, 0],
};

/**
 * Refuses the option NAME, at WORD, if RELEASE does not have it yet.
 * @throws {CommandFault}
 */
export function refuseLater(name: string, word: Word, release: Release | undefined): void {
  const since = SINCE[name];
  if (release === undefined || since === undefined || isSince(release, ...since)) return;
  const what = `dockerd ${formatRelease(release)} has no ${name}`;
  throw new CommandFault(word, what, `no ${name}, or release ${formatRelease(since)} or later`);
}

/** @throws {CommandFault} */
export function checkBackend(word: Word): void {
  if (word.text === 'nftables') throw notFollowed(word, 'the firewall backend nftables', 'iptables');
  if (word.text !== 'iptables' && word.text !== '')
    throw new CommandFault(word, `"${word.text}" is no firewall backend`, 'iptables');
}

/** The value of the option NAME, which has one of `TEXTS`. */
export function daemonText(name: string, word: Word): string {
  if (name === 'bridge') return word.text;
  if (name === 'bridge-accept-fwmark') return markOf(word);
  const isPrefix = name === 'bip' || name === 'fixed-cidr';
  const [, text, length] = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(word.text) ?? [];
  const address = text === undefined ? undefined : parseAddress(text);
  if (address?.family === 'ipv6') throw notFollowed(word, `--${name} of IPv6`, 'one of IPv4');
  const isRight = address !== undefined && (length !== undefined) === isPrefix && Number(length ?? 0) <= 32;
  if (isRight) return word.text;
  const wanted = isPrefix ? 'an address with a length, such as 10.200.0.1/24' : 'an address, such as 192.0.2.10';
  throw new CommandFault(word, `--${name} takes no "${word.text}"`, wanted);
}

/** @throws {CommandFault} */
export function checkedPool(base: Word, size: number, sizeWord: Word): AddressPool {
  const [, text, digits] = /^([^/]+)\/(\d{1,3})$/.exec(base.text) ?? [];
  const address = text === undefined ? undefined : parseAddress(text);
  if (address?.family === 'ipv6') throw notFollowed(base, 'a pool of IPv6', 'one of IPv4');
  const length = Number(digits);
  if (address === undefined || length > 32)
    throw new CommandFault(base, `"${base.text}" is no base of a pool`, 'one such as 10.200.0.0/16');
  if (!Number.isInteger(size) || size < length || size > 32)
    throw new CommandFault(sizeWord, `networks of size ${sizeWord.text} are not in ${base.text}`, `${length} to 32`);
  return { base: base.text, size };
}

function markOf(word: Word): string {
  const number = String.raw`(?:0x[\da-f]{1,8}|\d{1,10})`;
  if (new RegExp(`^${number}(?:/${number})?$`, 'i').test(word.text)) return word.text;
  throw new CommandFault(word, `--bridge-accept-fwmark takes no "${word.text}"`, 'MARK or MARK/MASK, such as 0x1/0x3');
}
