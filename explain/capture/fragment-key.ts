/** Which fragments belong together. */
import {
  IPV4_DESTINATION_AT,
  IPV4_FRAGMENT_AT,
  IPV4_ID_AT,
  IPV4_PROTOCOL_AT,
  IPV4_SOURCE_AT,
} from '../../codecs/layouts.js';
import type { Frame } from '../../core/link/frame.js';

/** MF and the offset. */
const FRAGMENT_MASK = 0x3fff;

/** What the fragments of a packet have in common; '' if the packet at AT is whole. */
export function fragmentOf({ view }: Frame, at: number): string {
  if ((view.getUint16(at + IPV4_FRAGMENT_AT) & FRAGMENT_MASK) === 0) return '';
  const ends = `${view.getInt32(at + IPV4_SOURCE_AT)} ${view.getInt32(at + IPV4_DESTINATION_AT)}`;
  return `${view.getUint8(at + IPV4_PROTOCOL_AT)} ${ends} ${view.getUint16(at + IPV4_ID_AT)}`;
}
