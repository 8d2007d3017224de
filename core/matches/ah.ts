/** `-m ah`: the authentication header (ipt_ah, ip6t_ah; RFC 4302). */
import { IPPROTO_AH } from '../../codecs/layouts.js';
import type { MatchExtension } from '../rules/extension.js';
import { listed } from '../rules/listing/listed-form.js';
import { type NumberTest, numberOption, parseNumberTest, saveNumberTest } from './number-tests.js';
import { refuseProtocol } from './protocol-need.js';
import { lowerSpis, parseSpis, type SpiMatch, saveSpis, spiOption } from './spis.js';

interface AhParams {
  readonly spi: SpiMatch;
  /** ip6tables only: the length of the header, and whether its reserved field is zero. */
  readonly length: NumberTest | undefined;
  readonly reserved: boolean;
}

export const ah: MatchExtension<AhParams> = {
  name: 'ah',
  options: [
    spiOption('--ahspi'),
    { ...numberOption('--ahlen'), families: ['ipv6'] },
    { name: '--ahres', words: 0, families: ['ipv6'] },
  ],

  listed: listed(
    /ah/,
    [/spis?:(!)?(\d+(?::\d+)?)/, '$1 --ahspi $2'],
    [/length:(!)?(\d+)/, '$1 --ahlen $2'],
    [/reserved/, '--ahres'],
  ),

  parse(options) {
    const length = parseNumberTest(options, '--ahlen');
    return {
      spi: parseSpis(options, '--ahspi'),
      // The length 0 is any.
      length: length?.min === 0 && !length.negated ? undefined : length,
      reserved: options.get('--ahres') !== undefined,
    };
  },

  refuse: (_params, site) => (site.family === 'ipv4' ? refuseProtocol('-m ah', IPPROTO_AH, site) : undefined),

  save: ({ spi, length, reserved }) =>
    saveSpis('--ahspi', spi) + saveNumberTest('--ahlen', length) + (reserved ? ' --ahres' : ''),

  lower: ({ spi }) => ({ header: 'ah', conditions: [lowerSpis('ahSpi', spi)] }),
};
