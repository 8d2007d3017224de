/** `-m devgroup`: the groups of the packet's interfaces (xt_devgroup; `ip link set DEV group N`). */
import { Hook } from '../hooks.js';
import { type Condition, equals } from '../rules/condition.js';
import type { MatchExtension, ParsedOption, ParsedOptions } from '../rules/extension.js';
import { listedParts } from '../rules/listing/listed-form.js';
import { RuleFault } from '../rules/parse/error.js';
import { type NamedValue, parseNamed, saveNamed } from '../rules/parse/named-values.js';

interface DevgroupParams {
  readonly source: NamedValue | undefined;
  readonly destination: NamedValue | undefined;
}

const expected = 'value[/mask] or the name of a group';

export const devgroup: MatchExtension<DevgroupParams> = {
  name: 'devgroup',
  options: [
    { name: '--src-group', words: 1, invertible: true, expected },
    { name: '--dst-group', words: 1, invertible: true, expected },
  ],

  listed: listedParts([/(!)? ?src-group (\S+)/, '$1 --src-group $2'], [/(!)? ?dst-group (\S+)/, '$1 --dst-group $2']),

  parse(options) {
    const source = options.get('--src-group');
    const destination = options.get('--dst-group');
    if (source === undefined && destination === undefined) {
      throw new RuleFault(options.word, 'devgroup without a group', '--src-group or --dst-group');
    }
    return {
      source: source && parseGroup(source, options),
      destination: destination && parseGroup(destination, options),
    };
  },

  refuse({ source, destination }, { hooks }) {
    if (source !== undefined && (hooks & ((1 << Hook.OUTPUT) | (1 << Hook.POSTROUTING))) !== 0) {
      return '--src-group cannot be used in OUTPUT and POSTROUTING';
    }
    if (destination !== undefined && (hooks & ((1 << Hook.PREROUTING) | (1 << Hook.INPUT))) !== 0) {
      return '--dst-group cannot be used in PREROUTING and INPUT: their packets have no output interface';
    }
    return undefined;
  },

  save({ source, destination }) {
    const saved = source === undefined ? '' : saveNamed('--src-group', source);
    return destination === undefined ? saved : saved + saveNamed('--dst-group', destination);
  },

  lower({ source, destination }) {
    const conditions = [
      ...(source === undefined ? [] : [lowerGroup('inGroup', source)]),
      ...(destination === undefined ? [] : [lowerGroup('outGroup', destination)]),
    ];
    return { conditions };
  },
};

/** Bits of the value outside of its mask do not count. */
function lowerGroup(field: 'inGroup' | 'outGroup', { value, mask, negated }: NamedValue): Condition {
  return equals(field, value & mask, negated, mask);
}

function parseGroup({ values, negated }: ParsedOption, { names }: ParsedOptions): NamedValue {
  return parseNamed(values[0], negated, 'deviceGroups', names);
}
