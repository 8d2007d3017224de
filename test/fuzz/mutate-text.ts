/** Damages rulesets and hosts: lines, words, numbers, members and bytes. */
import type { Prng } from '../kernel/prng.js';
import { mutateBytes } from './mutate-capture.js';

const NUMBERS = ['0', '1', '-1', '31', '32', '33', '255', '256', '65535', '65536', '2147483648', '4294967295', '1e3'];
const ODD_WORDS = ['"', "'", '\\', '!', '--', '-', '', '\u202e', '\u001b[31m', 'é', '0x10', '080', 'a'.repeat(300)];

/** What is repeated to a line so long that it shows where the time to read it grows faster than its length. */
const REPEATED = [' ', '\t', '"', "'", '\\', '1', '.', 'a@', '/', '> ', ' || true', ' 2>&1'];
const LONG_LINE = 200_000;

/** RULES with a few changes. WORDS: those of other rulesets. OTHERS lend lines. */
export function mutateRules(
  prng: Prng,
  rules: Uint8Array,
  words: readonly string[],
  others: readonly Uint8Array[],
): Uint8Array {
  const lines = Buffer.from(rules).toString('latin1').split('\n');
  for (let i = prng.between(1, 5); i > 0; i--) {
    const at = prng.below(lines.length);
    if (prng.chance(0.003)) lines[at] += `${prng.pick(REPEATED).repeat(LONG_LINE)}x`;
    switch (prng.below(8)) {
      case 0:
        lines.splice(at, 1, '');
        break;
      case 1:
        lines.splice(at, 0, lines[prng.below(lines.length)]);
        break;
      case 2:
        lines.splice(at, 0, prng.pick(Buffer.from(prng.pick(others)).toString('latin1').split('\n')));
        break;
      default:
        lines[at] = mutateLine(prng, lines[at], words);
    }
  }
  const made = Buffer.from(lines.join('\n'), 'latin1');
  return prng.chance(0.1) ? mutateBytes(prng, made) : made;
}

function mutateLine(prng: Prng, line: string, words: readonly string[]): string {
  const parts = line.split(' ');
  const at = prng.below(parts.length);
  const word = (): string =>
    prng.weighted([
      [6, prng.pick(words)],
      [2, prng.pick(NUMBERS)],
      [1, prng.pick(ODD_WORDS)],
    ]);
  switch (prng.below(5)) {
    case 0:
      parts.splice(at, 1);
      break;
    case 1:
      parts.splice(at, 0, word());
      break;
    case 2:
      parts[at] = parts[at].replace(/\d+/, prng.pick(NUMBERS));
      break;
    default:
      parts[at] = word();
  }
  return parts.join(' ');
}

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

const VALUES: readonly Json[] = [
  null,
  true,
  0,
  -1,
  1.5,
  2 ** 32,
  1e300,
  '',
  'x',
  [],
  {},
  '10.0.0.1',
  '255.255.255.255',
];
/** Settings with values near their limits. */
const SETTINGS: readonly string[] = [
  ...['net.ipv4.ip_forward', 'net.ipv4.conf.all.rp_filter', 'net.ipv4.conf.default.rp_filter'],
  ...['net.ipv4.conf.all.accept_source_route', 'net.ipv4.conf.all.route_localnet', 'net.ipv4.icmp_ratelimit'],
  ...['net.netfilter.nf_conntrack_max', 'net.netfilter.nf_conntrack_acct', 'net.netfilter.nf_conntrack_buckets'],
  ...['net.netfilter.nf_conntrack_tcp_loose', 'net.netfilter.nf_conntrack_tcp_be_liberal'],
  ...['net.netfilter.nf_conntrack_tcp_timeout_established', 'net.netfilter.nf_conntrack_udp_timeout'],
  ...['net.ipv4.ipfrag_high_thresh', 'net.ipv4.ipfrag_time', 'net.ipv4.ip_default_ttl', 'net.ipv4.icmp_msgs_burst'],
];

/** HOST, a host in JSON, with a few changes. */
export function mutateHost(prng: Prng, host: string): string {
  if (prng.chance(0.1)) return Buffer.from(mutateBytes(prng, Buffer.from(host))).toString('latin1');
  const json = JSON.parse(host) as Json;
  for (let i = prng.between(1, 3); i > 0; i--) {
    if (prng.chance(0.4)) changeSetting(prng, json);
    else mutateMember(prng, json);
  }
  return JSON.stringify(json);
}

function changeSetting(prng: Prng, json: Json): void {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return;
  const { sysctl } = json;
  const settings = typeof sysctl === 'object' && sysctl !== null ? sysctl : {};
  json.sysctl = { ...settings, [prng.pick(SETTINGS)]: prng.pick(NUMBERS) };
}

/** Changes something at a random place in JSON. */
function mutateMember(prng: Prng, json: Json): void {
  if (typeof json !== 'object' || json === null) return;
  const keys = Object.keys(json);
  if (keys.length === 0) return;
  const key = prng.pick(keys);
  const at = json as { [name: string]: Json };
  const value = at[key];
  if (typeof value === 'object' && value !== null && prng.chance(0.8)) {
    mutateMember(prng, value);
    return;
  }
  switch (prng.below(4)) {
    case 0:
      if (Array.isArray(json)) json.splice(Number(key), 1);
      else delete at[key];
      break;
    case 1:
      if (Array.isArray(json)) json.push(value);
      else at[prng.pick(keys)] = value;
      break;
    case 2:
      at[key] = prng.pick(VALUES);
      break;
    default:
      if (typeof value === 'number') at[key] = Number(prng.pick(NUMBERS));
      else if (typeof value === 'string') at[key] = value.replace(/\d+/, prng.pick(NUMBERS));
  }
}
