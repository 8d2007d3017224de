/** `-m ipcomp`: the compression parameter index of IP payload compression (xt_ipcomp; RFC 3173). */
import { IPPROTO_IPCOMP } from '../../codecs/layouts.js';
import type { MatchExtension } from '../rules/extension.js';
import { listed } from '../rules/listing/listed-form.js';
import { refuseProtocol } from './protocol-need.js';
import { lowerSpis, parseSpis, type SpiMatch, saveSpis, spiOption } from './spis.js';

/** Without --ipcompspi, only the index 0 matches. */
const ZERO: SpiMatch = { min: 0, max: 0, negated: false };

interface IpcompParams {
  readonly cpis: SpiMatch;
  /** `--compres`, which the kernel ignores. */
  readonly reserved: boolean;
}

export const ipcomp: MatchExtension<IpcompParams> = {
  name: 'ipcomp',
  options: [spiOption('--ipcompspi'), { name: '--compres', words: 0 }],

  // Without the option, 0 is meant, and printed; all indexes are not.
  listed: listed(
    /comp/,
    [/(?!spis?:)/, '--ipcompspi 0:4294967295'],
    [/spis?:(!)?(\d+(?::\d+)?)/, '$1 --ipcompspi $2'],
    [/reserved/, '--compres'],
  ),

  parse(options) {
    return { cpis: parseSpis(options, '--ipcompspi', ZERO), reserved: options.get('--compres') !== undefined };
  },

  refuse: (_params, site) => refuseProtocol('-m ipcomp', IPPROTO_IPCOMP, site),

  save({ cpis, reserved }) {
    return `${saveSpis('--ipcompspi', cpis)}${reserved ? ' --compres' : ''}`;
  },

  lower: ({ cpis }) => ({ header: 'ipcomp', conditions: [lowerSpis('ipcompCpi', cpis)] }),
};
