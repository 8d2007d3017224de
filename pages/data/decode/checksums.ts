/** What is said of the checksums of decoded packets (RFC 1071). */
import { IPPROTO_TCP, IPPROTO_UDP } from '../../../codecs/assigned-numbers.js';
import type { Layer } from './layer.js';

/** LAYERS of BYTES with what their checksums are, as far as everything that they are about was captured. */
export function withChecksums(layers: readonly Layer[], bytes: Uint8Array): Layer[] {
  return layers.map((layer, i) => {
    const verdict = layer.name === 'IPv4' ? ofHeader(bytes, layer) : ofSegment(bytes, layer, layers[i - 1]);
    if (verdict === undefined) return layer;
    const fields = layer.fields.map((field) =>
      field.name === 'Checksum' ? { ...field, value: `${field.value}, ${verdict}` } : field,
    );
    return { ...layer, fields };
  });
}

/** Sums of one's complement: 0xffff where a correct checksum is among what is added. */
function onesSum(bytes: Uint8Array, from: number, to: number, sum = 0): number {
  let total = sum;
  for (let at = from; at < to; at++) total += (at - from) % 2 === 0 ? bytes[at] * 256 : bytes[at];
  while (total > 0xffff) total = (total % 0x10000) + Math.floor(total / 0x10000);
  return total;
}

function ofHeader(bytes: Uint8Array, { at, length }: Layer): string {
  return onesSum(bytes, at, at + length) === 0xffff ? 'correct' : 'not correct';
}

/** Where the checksums of segments are, by the names of their layers; those over a pseudo header have its protocol. */
const SEGMENTS: Readonly<Record<string, readonly [checksumAt: number, pseudoHeaderOf?: number]>> = {
  TCP: [16, IPPROTO_TCP],
  UDP: [6, IPPROTO_UDP],
  ICMP: [2],
};

function ofSegment(bytes: Uint8Array, { name, at }: Layer, ip: Layer | undefined): string | undefined {
  if (!Object.hasOwn(SEGMENTS, name) || ip?.name !== 'IPv4') return undefined;
  const [checksumAt, protocol] = SEGMENTS[name];
  const end = ip.at + bytes[ip.at + 2] * 256 + bytes[ip.at + 3];
  const isFragment = ((bytes[ip.at + 6] * 256 + bytes[ip.at + 7]) & 0x3fff) !== 0;
  if (end > bytes.length || end < at + checksumAt + 2 || isFragment) return undefined;
  const checksum = bytes[at + checksumAt] * 256 + bytes[at + checksumAt + 1];
  if (checksum === 0 && protocol === IPPROTO_UDP) return 'none';
  const pseudo = protocol === undefined ? 0 : onesSum(bytes, ip.at + 12, ip.at + 20, protocol + end - at);
  if (onesSum(bytes, at, end, pseudo) === 0xffff) return 'correct';
  return protocol !== undefined && checksum === pseudo ? 'left to the network card' : 'not correct';
}
