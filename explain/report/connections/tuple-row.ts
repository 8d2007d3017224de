/** Tuples of conntrack as rows of TUPLE_COLUMNS. */
import { portToHostOrder, toHostOrder } from '../../../codecs/byte-order.js';
import { IPPROTO_GRE, IPPROTO_ICMP } from '../../../codecs/layouts.js';
import { hasPorts } from '../../../core/packet.js';
import { NO_PORTS } from './arriving-packet.js';

const KEYS = 2 ** 16;

/** The row of a tuple whose words are as in record.ts; its protocol may have NO_PORTS. */
export function tupleRow(source: number, destination: number, ports: number, protocol: number): readonly number[] {
  const addresses = [toHostOrder(source), toHostOrder(destination)];
  const number = protocol & 0xff;
  const first = portToHostOrder(ports & 0xffff);
  if ((protocol & NO_PORTS) === 0 && number === IPPROTO_ICMP)
    return [number, ...addresses, (ports >>> 16) & 0xff, ports >>> 24, first];
  if (number === IPPROTO_GRE && ports !== 0)
    return [number, ...addresses, -1, -1, first + portToHostOrder(ports >>> 16) * KEYS];
  if ((protocol & NO_PORTS) !== 0 || !hasPorts(number) || ports === 0) return [number, ...addresses, -1, -1, -1];
  return [number, ...addresses, first, portToHostOrder(ports >>> 16), -1];
}
