/** `-m ah`: the security parameter index of an authentication header (ipt_ah; RFC 4302). */
import { IPPROTO_AH } from '../../codecs/layouts.js';
import type { MatchExtension } from '../rules/extension.js';
import { refuseProtocol } from './protocol-need.js';
import { lowerSpis, parseSpis, type SpiMatch, saveSpis, spiOption } from './spis.js';

export const ah: MatchExtension<SpiMatch> = {
  name: 'ah',
  families: ['ipv4'],
  options: [spiOption('--ahspi')],
  parse: (options) => parseSpis(options, '--ahspi'),
  refuse: (_params, site) => refuseProtocol('-m ah', IPPROTO_AH, site),
  save: (match) => saveSpis('--ahspi', match),
  lower: (match) => ({ header: 'ah', conditions: [lowerSpis('ahSpi', match)] }),
};
