/** The parts of frames that are kept on purpose: ports, sequence numbers, lengths and the like; no addresses. */
import {
  ICMP_ERROR_TYPES,
  ICMP_LENGTH,
  IPPROTO_ICMP,
  IPPROTO_TCP,
  IPV4_LENGTH,
  IPV4_PROTOCOL_AT,
  IPV4_SOURCE_AT,
  TCP_DATA_OFFSET_AT,
  TCP_LENGTH,
} from '../../codecs/layouts.js';
import { IpLocation, locateIp } from '../../core/link/locate-ip.js';

type Range = readonly [from: number, to: number];

/** Of protocols with shorter headers these are not read. */
const HEADER_BYTES = 16;

export function keptRanges(bytes: Uint8Array, linktype: number): Range[] {
  const view = new DataView(bytes.buffer);
  const location = new IpLocation();
  const isIp = locateIp({ linktype, view, at: 0, caplen: bytes.length, wirelen: bytes.length }, location);
  return isIp ? rangesOf(view, location.at) : [];
}

function rangesOf(view: DataView, at: number): Range[] {
  if (at + IPV4_LENGTH > view.byteLength) return [];
  const l4 = at + Math.max((view.getUint8(at) & 15) * 4, IPV4_LENGTH);
  const protocol = view.getUint8(at + IPV4_PROTOCOL_AT);
  const header: Range = [at, at + IPV4_SOURCE_AT];
  if (protocol === IPPROTO_TCP && l4 + TCP_LENGTH <= view.byteLength)
    return [header, [l4, l4 + Math.max((view.getUint8(l4 + TCP_DATA_OFFSET_AT) >> 4) * 4, TCP_LENGTH)]];
  if (protocol !== IPPROTO_ICMP || l4 >= view.byteLength) return [header, [l4, l4 + HEADER_BYTES]];
  const isError = ICMP_ERROR_TYPES.includes(view.getUint8(l4));
  return [header, [l4, l4 + ICMP_LENGTH], ...(isError ? rangesOf(view, l4 + ICMP_LENGTH) : [])];
}
