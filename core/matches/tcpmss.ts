/** `-m tcpmss`: the maximum segment size in a TCP header's options (xt_tcpmss; RFC 9293, section 3.7.1). */
import { IPPROTO_TCP, TCP_LENGTH } from '../../codecs/layouts.js';
import { type Packet, tcpHeaderLength } from '../packet.js';
import type { MatchExtension } from '../rules/extension.js';
import { listedAs } from '../rules/listing/listed-form.js';
import { RuleFault } from '../rules/parse/error.js';
import { formatPortRange, parseNumberRange } from '../rules/parse/values.js';
import type { ValueRange } from '../rules/ranges.js';
import { TCP_MSS_LENGTH, TCP_OPTION_MSS, TCP_OPTION_NOP } from '../targets/tcp-options.js';
import { capturedTest } from './captured.js';
import { refuseProtocol } from './protocol-need.js';

const MAX_MSS = 0xffff;
const EXPECTED = 'an MSS or first:last, 0–65535';
const NO_MSS = -1;
const MALFORMED = -2;
const CUT = -3;

interface TcpmssParams extends ValueRange {
  readonly negated: boolean;
}

export const tcpmss: MatchExtension<TcpmssParams> = {
  name: 'tcpmss',
  options: [{ name: '--mss', words: 1, invertible: true, required: true, expected: EXPECTED }],

  listed: listedAs([/tcpmss match (!)?(\d+(?::\d+)?)/, '$1 --mss $2']),

  parse(options) {
    const { values, negated } = options.get('--mss')!;
    const range = parseNumberRange(values[0], MAX_MSS, EXPECTED);
    if (range.min > range.max) throw new RuleFault(values[0], 'the first MSS is above the last', 'first:last');
    return { ...range, negated };
  },

  refuse: (_params, site) => refuseProtocol('-m tcpmss', IPPROTO_TCP, site),

  save({ min, max, negated }) {
    return `${negated ? ' !' : ''} --mss ${formatPortRange({ min, max })}`;
  },

  lower({ min, max, negated }) {
    const ask = (packet: Packet): boolean | undefined => {
      const mss = mssOf(packet);
      if (mss === MALFORMED) packet.hotdrop = true;
      if (mss === MALFORMED) return false;
      return mss === CUT ? undefined : (mss !== NO_MSS && mss >= min && mss <= max) !== negated;
    };
    const explanation = `its MSS is ${negated ? '' : 'not '}${formatPortRange({ min, max })}`;
    return { native: capturedTest(['tcpOptions'], ask, '-m tcpmss', explanation) };
  },
};

/** The MSS in PACKET's TCP options; NO_MSS, CUT if it was not captured, or MALFORMED if the header is impossible. */
function mssOf(packet: Packet): number {
  const { bytes, l4, l4Available } = packet;
  if (l4Available < TCP_LENGTH) return MALFORMED;
  const length = tcpHeaderLength(packet);
  if (length < TCP_LENGTH || length > packet.l4Length) return MALFORMED;
  const end = l4 + Math.min(length, l4Available);
  for (let at = l4 + TCP_LENGTH; at < end; ) {
    const kind = bytes[at];
    if (kind === TCP_OPTION_MSS && at + TCP_MSS_LENGTH <= end && bytes[at + 1] === TCP_MSS_LENGTH) {
      return (bytes[at + 2] << 8) | bytes[at + 3];
    }
    // An option without a length byte, or whose length byte is 0 or beyond the header, takes one byte.
    at += kind <= TCP_OPTION_NOP || at + 1 >= end ? 1 : bytes[at + 1] || 1;
  }
  return length > l4Available ? CUT : NO_MSS;
}
