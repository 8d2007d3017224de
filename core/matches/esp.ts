/** `-m esp`: the security parameter index of an encapsulating security payload (xt_esp; RFC 4303). */
import { IPPROTO_ESP } from '../../codecs/layouts.js';
import type { MatchExtension } from '../rules/extension.js';
import { listed } from '../rules/listing/listed-form.js';
import { refuseProtocol } from './protocol-need.js';
import { lowerSpis, parseSpis, type SpiMatch, saveSpis, spiOption } from './spis.js';

export const esp: MatchExtension<SpiMatch> = {
  name: 'esp',
  options: [spiOption('--espspi')],
  listed: listed(/esp/, [/spis?:(!)?(\d+(?::\d+)?)/, '$1 --espspi $2']),

  parse: (options) => parseSpis(options, '--espspi'),
  refuse: (_params, site) => refuseProtocol('-m esp', IPPROTO_ESP, site),
  save: (match) => saveSpis('--espspi', match),
  lower: (match) => ({ header: 'esp', conditions: [lowerSpis('espSpi', match)] }),
};
