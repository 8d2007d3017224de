/** `-j SET`: adds the packet to a set of ipset, takes it out, or takes marks from the set (xt_set, revision 3). */

import { Hook, Verdict } from '../hooks.js';
import {
  directionsOf,
  formatSetReference,
  parseSetReference,
  SET_EXPECTED,
  type SetReference,
} from '../matches/set-reference.js';
import type { ParsedOptions, TargetExtension } from '../rules/extension.js';
import { listedParts } from '../rules/listing/listed-form.js';
import { RuleFault } from '../rules/parse/error.js';
import { parseNumber } from '../rules/parse/values.js';
import { NO_TIMEOUT, PLAIN_LOOKUP, type SetLookup } from '../sets/ip-set.js';

const MAX_TIMEOUT = 0xfffffffe;
const MAPS = ['--map-mark', '--map-prio', '--map-queue'] as const;
/** Which options need which other one. */
const NEEDED = {
  '--exist': '--add-set',
  '--timeout': '--add-set',
  ...Object.fromEntries(MAPS.map((name) => [name, '--map-set'])),
};
/** The hooks whose packets have no device to leave by. */
const BEFORE_ROUTING = (1 << Hook.PREROUTING) | (1 << Hook.INPUT);

/** A set, and how the target asks it. */
interface SetUse extends SetReference {
  readonly lookup: SetLookup;
}

interface SetTargetParams {
  readonly added: SetUse | undefined;
  readonly deleted: SetUse | undefined;
  readonly mapped: SetUse | undefined;
  /** What of the entry becomes the packet's: `--map-…`, in iptables-save order. */
  readonly maps: readonly (typeof MAPS)[number][];
  readonly renews: boolean;
  /** In seconds; undefined: the set's own. */
  readonly timeout: number | undefined;
}

export const setTarget: TargetExtension<SetTargetParams> = {
  name: 'SET',
  terminates: false,
  // iptables ignores a ! before any of them.
  options: [
    { name: '--add-set', words: 2, invertible: true, expected: SET_EXPECTED },
    { name: '--del-set', words: 2, invertible: true, expected: SET_EXPECTED },
    { name: '--exist', words: 0, invertible: true, repeatable: true },
    { name: '--timeout', words: 1, invertible: true, repeatable: true, expected: `seconds, 0–${MAX_TIMEOUT}` },
    { name: '--map-set', words: 2, invertible: true, expected: SET_EXPECTED },
    ...MAPS.map((name) => ({ name, words: 0, invertible: true, repeatable: true }) as const),
  ],

  listed: listedParts(
    [/add-set (\S+) (\S+)/, '--add-set $1 $2'],
    [/exist/, '--exist'],
    [/timeout (\d+)/, '--timeout $1'],
    [/del-set (\S+) (\S+)/, '--del-set $1 $2'],
    [/map-set (\S+) (\S+)/, '--map-set $1 $2'],
    [/map-mark/, '--map-mark'],
    [/map-prio/, '--map-prio'],
    [/map-queue/, '--map-queue'],
  ),

  parse(options) {
    checkNeeded(options);
    const renews = options.get('--exist') !== undefined;
    const timeout = parseTimeout(options);
    const useOf = (name: string, asked: Partial<SetLookup> = {}): SetUse | undefined => {
      const option = options.get(name);
      if (option === undefined) return undefined;
      const reference = parseSetReference(option);
      return { ...reference, lookup: { ...PLAIN_LOOKUP, ...directionsOf(reference), ...asked } };
    };
    return {
      added: useOf('--add-set', { renews, timeout: timeout ?? NO_TIMEOUT }),
      deleted: useOf('--del-set'),
      mapped: useOf('--map-set'),
      maps: MAPS.filter((name) => options.get(name) !== undefined),
      renews,
      timeout,
    };
  },

  refuse({ mapped, maps }, { table, hooks }) {
    if (mapped === undefined) return undefined;
    if (table !== 'mangle') return '--map-set is for the table mangle';
    const isOfDevice = maps.some((name) => name !== '--map-mark');
    return isOfDevice && (hooks & BEFORE_ROUTING) !== 0 ? `${maps.join(', ')} before routing` : undefined;
  },

  save({ added, deleted, mapped, maps, renews, timeout }) {
    return [
      added === undefined ? '' : ` --add-set ${formatSetReference(added)}`,
      renews ? ' --exist' : '',
      timeout === undefined ? '' : ` --timeout ${timeout}`,
      deleted === undefined ? '' : ` --del-set ${formatSetReference(deleted)}`,
      mapped === undefined ? '' : ` --map-set ${formatSetReference(mapped)}`,
      ...maps.map((name) => ` ${name}`),
    ].join('');
  },

  sets: ({ added, deleted, mapped }) => [added, deleted, mapped].filter((reference) => reference !== undefined),

  apply({ added, deleted, mapped, maps }, packet, { sets }) {
    if (added !== undefined && sets.get(added.name)?.addPacket(packet, added.lookup) === true) {
      sets.changes.byPackets(added.name).added++;
    }
    if (deleted !== undefined && sets.get(deleted.name)?.delPacket(packet, deleted.lookup) === true) {
      sets.changes.byPackets(deleted.name).deleted++;
    }
    if (mapped !== undefined && sets.get(mapped.name)?.testPacket(packet, mapped.lookup) === true) {
      const { mark, markMask } = sets.found;
      // Nothing in the emulated host reads a packet's priority or its queue.
      if (maps.includes('--map-mark')) packet.mark = (packet.mark & ~markMask) ^ mark;
    }
    return Verdict.CONTINUE;
  },

  effect: () => 'outside',
};

/** set_target_check_v3. */
function checkNeeded(options: ParsedOptions): void {
  const isGiven = (name: string): boolean => options.get(name) !== undefined;
  if (!['--add-set', '--del-set', '--map-set'].some(isGiven)) {
    throw new RuleFault(options.word, 'SET without a set', '--add-set, --del-set or --map-set');
  }
  for (const [name, needed] of Object.entries(NEEDED)) {
    const option = options.get(name);
    if (option !== undefined && !isGiven(needed)) {
      throw new RuleFault(option.word, `${name} can be used with ${needed} only`, needed);
    }
  }
  const map = options.get('--map-set');
  if (map !== undefined && !MAPS.some(isGiven))
    throw new RuleFault(map.word, '--map-set needs a flag', MAPS.join(', '));
}

function parseTimeout({ all }: ParsedOptions): number | undefined {
  let timeout: number | undefined;
  for (const { name, values } of all) {
    if (name !== '--timeout') continue;
    timeout = parseNumber(values[0].text, MAX_TIMEOUT);
    if (timeout === undefined) {
      throw new RuleFault(values[0], `bad timeout "${values[0].text}"`, `seconds, 0–${MAX_TIMEOUT}`);
    }
  }
  return timeout;
}
