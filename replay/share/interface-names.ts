/**
 * Replaces the names of interfaces, character by character, so that two of them begin alike as far as before: what
 * `-i veth+` matched, it still matches. Names that say only the kind of an interface stay.
 */
import type { Secret } from '../../io/secret.js';

/** What names begin with that say the kind; numbers follow. */
const KINDS = [
  ...['lo', 'eth', 'eno', 'ens', 'enp', 'em', 'wlan', 'wlp', 'wlo', 'wls', 'wwan', 'usb', 'ib'],
  ...['br', 'virbr', 'vnet', 'vmbr', 'tun', 'tap', 'wg', 'ppp', 'bond', 'team', 'dummy', 'ifb', 'vlan', 'vxlan', 'vrf'],
  ...['macvlan', 'ipvlan', 'gre', 'gretap', 'erspan', 'ipip', 'tunl', 'sit', 'ip6tnl', 'vti', 'ipsec', 'nlmon'],
  ...['docker', 'docker_gwbridge', 'podman', 'lxcbr', 'lxdbr', 'cni', 'cbr', 'flannel.', 'kube-bridge', 'kube-ipvs'],
  ...['kube-dummy-if', 'nodelocaldns', 'cilium_host', 'cilium_net', 'cilium_vxlan', 'weave', 'tailscale', 'venet'],
  ...['br-lan', 'lan', 'wan', 'dmz', 'pppoe-wan', 'nic', 'vpn', 'uplink', 'local'],
] as const;
/** The same of names that go on with an identifier, in hexadecimal digits as a rule. */
const IDENTIFIED = ['veth', 'br-', 'cali', 'lxc', 'enx', 'azv', 'eni', 'vethwe-', 'dm-', 'ov-', 'vx-'] as const;
const ALL: readonly string[] = [...KINDS, ...IDENTIFIED];
/** Characters in the names of network cards by their place: enp3s0f1np0. */
const PLACED = /^(?:en|wl)/;

const LOWER = 'abcdefghijklmnopqrstuvwxyz';
const UPPER = LOWER.toUpperCase();
const DIGITS = '0123456789';
const HEX = `${DIGITS}abcdef`;

export class InterfaceNames {
  readonly #secret: Secret;

  constructor(secret: Secret) {
    this.#secret = secret;
  }

  /** The replacement of NAME, or of the beginning of names. */
  replaced(name: string): string {
    let replaced = '';
    let hasDot = false;
    for (let at = 0; at < name.length; at++) {
      hasDot ||= name[at] === '.';
      replaced += hasDot && /[\d.]/.test(name[at]) ? name[at] : this.#character(name, at);
    }
    return replaced;
  }

  #character(name: string, at: number): string {
    const before = name.slice(0, at);
    const char = name[at];
    const stays = (one: string): boolean => isKept(before + one);
    if (stays(char)) return char;
    const isId = IDENTIFIED.some((kind) => before.startsWith(kind));
    const alphabet = isId && HEX.includes(char) ? HEX : [LOWER, UPPER, DIGITS].find((all) => all.includes(char));
    if (alphabet === undefined) return char;
    // The others of its kind, in an order that only the secret knows, in a circle.
    const circle = [...alphabet]
      .filter((one) => !stays(one))
      .map((one) => ({ one, rank: this.#secret.number(`interface ${before} ${one}`) }))
      .sort((a, b) => a.rank - b.rank)
      .map(({ one }) => one);
    return circle[(circle.indexOf(char) + 1) % circle.length];
  }
}

/** Whether the last character of the beginning of a name, TEXT, says no more than a kind or a number. */
function isKept(text: string): boolean {
  if (ALL.some((kind) => kind.startsWith(text))) return true;
  return KINDS.some((kind) => text.startsWith(kind) && isNumber(text.slice(kind.length), PLACED.test(kind)));
}

function isNumber(rest: string, isPlaced: boolean): boolean {
  return isPlaced ? /^[\dsfnpdu.:]*$/.test(rest) : /^[\d.:]*$/.test(rest);
}
