/** `-j TCPOPTSTRIP`: overwrites TCP options with NOPs (xt_TCPOPTSTRIP). */
import { sumBytes } from '../../codecs/checksum.js';
import type { Word } from '../../codecs/iptables-save.js';
import { IPPROTO_TCP, TCP_FLAGS_AT, TCP_LENGTH, TCP_SYN } from '../../codecs/layouts.js';
import { Verdict } from '../hooks.js';
import { refuseProtocol } from '../matches/protocol-need.js';
import { tcpHeaderLength } from '../packet.js';
import { noteMss } from '../protocols/segment-size.js';
import type { TargetExtension } from '../rules/extension.js';
import { listedParts } from '../rules/listing/listed-form.js';
import { RuleFault, unknownName } from '../rules/parse/error.js';
import { parseNumber } from '../rules/parse/values.js';
import { noteRewritten, updateTcpChecksum } from './header-change.js';
import { DEFAULT_MSS, TCP_OPTION_MSS, TCP_OPTION_NOP, tcpOptionLength } from './tcp-options.js';

const NAMES: ReadonlyMap<string, number> = new Map([
  ['wscale', 3],
  ['mss', 2],
  ['sack-permitted', 4],
  ['sack', 5],
  ['timestamp', 8],
  ['md5', 19],
]);
const MAX_KIND = 255;
const EXPECTED = `comma-separated kinds, 2–255, or ${[...NAMES.keys()].join(', ')}`;

/** The kinds to strip, ascending. */
type TcpoptstripParams = readonly number[];

export const tcpoptstrip: TargetExtension<TcpoptstripParams> = {
  name: 'TCPOPTSTRIP',
  tables: ['mangle'],
  terminates: false,
  mayDrop: true,
  options: [{ name: '--strip-options', words: 1, expected: EXPECTED }],

  listed: listedParts([/TCPOPTSTRIP options (\S+)/, '--strip-options $1']),

  parse(options) {
    const option = options.get('--strip-options');
    return option === undefined ? [] : parseKinds(option.values[0]);
  },

  refuse: (_params, site) => refuseProtocol('TCPOPTSTRIP', IPPROTO_TCP, site),

  save: (kinds) => (kinds.length === 0 ? '' : ` --strip-options ${kinds.join(',')}`),

  apply(kinds, packet, context) {
    if (packet.fragmentOffset !== 0) return Verdict.CONTINUE;
    const { bytes, view, l4, l4Available } = packet;
    if (l4Available < TCP_LENGTH) return Verdict.DROP;
    const headerLength = tcpHeaderLength(packet);
    if (headerLength < TCP_LENGTH || headerLength > packet.l4Length) return Verdict.DROP;
    noteRewritten(packet, headerLength);
    const length = Math.min(headerLength, l4Available);
    const end = l4 + length;
    const before = sumBytes(view, l4 + TCP_LENGTH, length - TCP_LENGTH);
    for (let at = l4 + TCP_LENGTH; at < end - 1; ) {
      const optionLength = tcpOptionLength(bytes, at);
      if (at + optionLength > end) break;
      const kind = bytes[at];
      if (kinds.includes(kind)) {
        bytes.fill(TCP_OPTION_NOP, at, at + optionLength);
        const isAnnounced = kind === TCP_OPTION_MSS && (bytes[l4 + TCP_FLAGS_AT] & TCP_SYN) !== 0;
        if (isAnnounced) noteMss(context.conntrack, packet.ct, packet.direction, DEFAULT_MSS);
      }
      at += optionLength;
    }
    const after = sumBytes(view, l4 + TCP_LENGTH, length - TCP_LENGTH);
    if (after !== before) updateTcpChecksum(packet, before, after);
    return Verdict.CONTINUE;
  },

  effect: () => 'packet',
};

function parseKinds(word: Word): TcpoptstripParams {
  const kinds: number[] = [];
  for (const text of word.text.split(',')) {
    const kind = NAMES.get(text) ?? parseNumber(text, MAX_KIND);
    if (kind === undefined) throw unknownName(word, 'TCP option', text, [...NAMES.keys()], EXPECTED);
    if (kind < 2) throw new RuleFault(word, `the TCP option ${kind} cannot be stripped`, EXPECTED);
    if (kinds.includes(kind)) throw new RuleFault(word, `the TCP option ${text} is listed twice`, EXPECTED);
    kinds.push(kind);
  }
  return kinds.sort((a, b) => a - b);
}
