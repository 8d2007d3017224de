/** What a real engine draws at random: ids, MACs, names of interfaces. Here they follow from a number, by a hash. */
import { parseIpv4 } from './prefixes.js';

const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/** COUNT bytes that follow from TEXT: FNV-1a, mixed as in MurmurHash3. */
function bytesOf(text: string, count: number): number[] {
  return Array.from({ length: count }, (_, i) => {
    let hash = FNV_OFFSET ^ i;
    for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), FNV_PRIME);
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    return (hash ^ (hash >>> 16)) & 0xff;
  });
}

function hex(bytes: readonly number[], separator = ''): string {
  return bytes.map((byte) => byte.toString(16).padStart(2, '0')).join(separator);
}

/** 64 hexadecimal digits. */
export function idOf(kind: 'network' | 'container' | 'endpoint', chosen: number): string {
  return hex(bytesOf(`${kind} ${chosen}`, 32));
}

/** The name of the host's end of a veth pair. */
export function vethName(chosen: number): string {
  return `veth${hex(bytesOf(`veth ${chosen}`, 4)).slice(0, 7)}`;
}

/** A MAC that is administered locally. */
export function randomMac(what: string, chosen: number): string {
  const [first, ...rest] = bytesOf(`${what} ${chosen}`, 6);
  return hex([(first & 0xfe) | 0x02, ...rest], ':');
}

/** A random MAC as engines before 28 drew it. */
export function oldRandomMac(what: string, chosen: number): string {
  return hex([0x02, 0x42, ...bytesOf(`${what} ${chosen}`, 4)], ':');
}

/** The MAC that engines before 28 made of an address. */
export function macOfAddress(address: string): string {
  const number = parseIpv4(address) ?? 0;
  return hex([0x02, 0x42, number >>> 24, (number >>> 16) & 0xff, (number >>> 8) & 0xff, number & 0xff], ':');
}

const ADJECTIVES = ['amber', 'bold', 'calm', 'dapper', 'eager', 'fancy', 'gentle', 'happy', 'jolly', 'keen', 'lively'];
const NOUNS = ['bartik', 'curie', 'darwin', 'euler', 'fermi', 'goldberg', 'hopper', 'kepler', 'lovelace', 'noether'];

/** The name of a container to which nobody gave one. */
export function chosenName(chosen: number): string {
  const [a, b] = bytesOf(`name ${chosen}`, 2);
  return `${ADJECTIVES[a % ADJECTIVES.length]}_${NOUNS[b % NOUNS.length]}`;
}
