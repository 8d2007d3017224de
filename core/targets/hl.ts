/** `-j HL`: sets, increments or decrements the hop limit of IPv6 (hl_tg6 in xt_HL). */
import { Verdict } from '../hooks.js';
import type { TargetExtension } from '../rules/extension.js';
import { IPV6_ONLY } from '../rules/ipv6-only.js';
import { type HopChange, hopOptions, listedHopChange, parseHopChange, saveHopChange } from './hop-change.js';

export const hl: TargetExtension<HopChange> = {
  name: 'HL',
  ...IPV6_ONLY,
  tables: ['mangle'],
  terminates: false,
  options: hopOptions('hl', 'hop limit'),

  listed: listedHopChange('HL', 'hl'),

  parse: (options) => parseHopChange(options, 'hl', 'hop limit'),
  save: (change) => saveHopChange('hl', change),
  apply: () => Verdict.CONTINUE,
};
