/** `-j ECN`: changes the bits of explicit congestion notification in IP and TCP headers (ipt_ECN; RFC 3168). */
import { IPPROTO_TCP, IPV4_TOS_AT, TCP_CWR, TCP_DATA_OFFSET_AT, TCP_ECE, TCP_LENGTH } from '../../codecs/layouts.js';
import { Verdict } from '../hooks.js';
import { refuseProtocol } from '../matches/protocol-need.js';
import type { Packet } from '../packet.js';
import type { ParsedOption, TargetExtension } from '../rules/extension.js';
import { listed } from '../rules/listing/listed-form.js';
import { RuleFault } from '../rules/parse/error.js';
import { parseNumber } from '../rules/parse/values.js';
import { noteRewritten, setTos, updateTcpChecksum } from './header-change.js';

const ECT_MASK = 3;
const BOTH = TCP_ECE | TCP_CWR;
/** In iptables-save order. */
const TCP_BITS = [
  ['--ecn-tcp-ece', TCP_ECE],
  ['--ecn-tcp-cwr', TCP_CWR],
] as const;

interface EcnParams {
  /** The TCP flags to change, and which of them to set. */
  readonly mask: number;
  readonly set: number;
  /** The lower two bits of the TOS byte; undefined: as they are. */
  readonly ect: number | undefined;
}

export const ecn: TargetExtension<EcnParams> = {
  name: 'ECN',
  families: ['ipv4'],
  tables: ['mangle'],
  terminates: false,
  mayDrop: true,
  options: [
    { name: '--ecn-tcp-remove', words: 0, excludes: TCP_BITS.map(([name]) => name) },
    ...TCP_BITS.map(([name]) => ({ name, words: 1, excludes: ['--ecn-tcp-remove'], expected: '0 or 1' }) as const),
    { name: '--ecn-ip-ect', words: 1, expected: '0–3' },
  ],

  listed: listed(
    /ECN/,
    [/TCP remove/, '--ecn-tcp-remove'],
    [/ECE=([01])/, '--ecn-tcp-ece $1'],
    [/CWR=([01])/, '--ecn-tcp-cwr $1'],
    [/ECT codepoint=([0-3])/, '--ecn-ip-ect $1'],
  ),

  parse({ word, all }) {
    if (all.length === 0) throw new RuleFault(word, 'ECN without an option', '--ecn-tcp-remove');
    let params: EcnParams = { mask: 0, set: 0, ect: undefined };
    for (const option of all) params = withOption(params, option);
    return params;
  },

  refuse({ mask }, site) {
    return mask === 0 ? undefined : refuseProtocol('ECN with an option for TCP', IPPROTO_TCP, site);
  },

  save({ mask, set, ect }) {
    if (mask === BOTH && set === 0 && ect === undefined) return ' --ecn-tcp-remove';
    let text = '';
    for (const [name, bit] of TCP_BITS) if ((mask & bit) !== 0) text += ` ${name} ${(set & bit) === 0 ? 0 : 1}`;
    return ect === undefined ? text : `${text} --ecn-ip-ect ${ect}`;
  },

  apply({ mask, set, ect }, packet) {
    if (ect !== undefined) {
      const tos = packet.view.getUint8(packet.at + IPV4_TOS_AT);
      setTos(packet, (tos & ~ECT_MASK) | ect);
    }
    return mask === 0 || setFlags(packet, mask, set) ? Verdict.CONTINUE : Verdict.DROP;
  },

  effect: () => 'packet',
};

/** PARAMS with OPTION, which comes after them: --ecn-tcp-remove starts over, as in iptables. */
function withOption(params: EcnParams, { name, values }: ParsedOption): EcnParams {
  if (name === '--ecn-tcp-remove') return { mask: BOTH, set: 0, ect: undefined };
  const [word] = values;
  const most = name === '--ecn-ip-ect' ? ECT_MASK : 1;
  const value = parseNumber(word.text, most);
  if (value === undefined) throw new RuleFault(word, `bad value "${word.text}"`, `0–${most}`);
  if (name === '--ecn-ip-ect') return { ...params, ect: value };
  const bit = name === '--ecn-tcp-ece' ? TCP_ECE : TCP_CWR;
  return { ...params, mask: params.mask | bit, set: params.set | (value === 0 ? 0 : bit) };
}

/** Returns false if PACKET has no whole TCP header, and is dropped for that. */
function setFlags(packet: Packet, mask: number, set: number): boolean {
  if (packet.l4Available < TCP_LENGTH) return false;
  const { view, l4 } = packet;
  const at = l4 + TCP_DATA_OFFSET_AT;
  const old = view.getUint16(at);
  const changed = (old & ~mask) | set;
  if (changed === old) return true;
  view.setUint16(at, changed);
  updateTcpChecksum(packet, old, changed);
  noteRewritten(packet, TCP_LENGTH);
  return true;
}
