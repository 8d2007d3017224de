/** `-j TTL`: sets, increments or decrements the time to live (ttl_tg in xt_HL). */
import { IPV4_TTL_AT } from '../../codecs/layouts.js';
import { Verdict } from '../hooks.js';
import type { TargetExtension } from '../rules/extension.js';
import { setTtl } from './header-change.js';
import { type HopChange, hopOptions, listedHopChange, MAX_HOPS, parseHopChange, saveHopChange } from './hop-change.js';

export const ttl: TargetExtension<HopChange> = {
  name: 'TTL',
  families: ['ipv4'],
  tables: ['mangle'],
  terminates: false,
  options: hopOptions('ttl', 'TTL'),

  listed: listedHopChange('TTL', 'ttl'),

  parse: (options) => parseHopChange(options, 'ttl', 'TTL'),
  save: (change) => saveHopChange('ttl', change),

  apply({ operation, value }, packet) {
    const old = packet.view.getUint8(packet.at + IPV4_TTL_AT);
    if (operation === 'set') setTtl(packet, value);
    else if (operation === 'inc') setTtl(packet, Math.min(old + value, MAX_HOPS));
    else setTtl(packet, Math.max(old - value, 0));
    return Verdict.CONTINUE;
  },

  effect: () => 'packet',
};
