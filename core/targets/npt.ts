/** `-j SNPT` and `-j DNPT`: translate the prefix of an IPv6 address without state (ip6t_NPT; RFC 6296). */
import { type Address, maskLength, prefixMask } from '../../codecs/address.js';
import { Hook, Verdict } from '../hooks.js';
import type { ParsedOptions, TargetExtension } from '../rules/extension.js';
import { IPV6_ONLY } from '../rules/ipv6-only.js';
import { listed } from '../rules/listing/listed-form.js';
import { parseHostMask } from '../rules/parse/host-values.js';

interface Prefix {
  readonly address: Address;
  readonly length: number;
}

interface PrefixParams {
  readonly from: Prefix;
  readonly to: Prefix;
}

const MAX_LENGTH = 64;
const MAX_HOST_LENGTH = 128;

export const snpt = prefixTarget('SNPT', [Hook.INPUT, Hook.POSTROUTING]);
export const dnpt = prefixTarget('DNPT', [Hook.PREROUTING, Hook.OUTPUT]);

function prefixTarget(name: 'SNPT' | 'DNPT', hooks: readonly Hook[]): TargetExtension<PrefixParams> {
  return {
    name,
    ...IPV6_ONLY,
    tables: ['mangle'],
    hooks,
    terminates: false,
    options: [
      { name: '--src-pfx', words: 1, required: true, expected: 'prefix/length' },
      { name: '--dst-pfx', words: 1, required: true, expected: 'prefix/length' },
    ],

    listed: listed([/[SD]NPT src-pfx (\S+) dst-pfx (\S+)/, '--src-pfx $1 --dst-pfx $2']),

    parse: (options) => ({ from: parsePrefix(options, '--src-pfx'), to: parsePrefix(options, '--dst-pfx') }),

    refuse({ from, to }) {
      for (const { address, length } of [from, to]) {
        if (length > MAX_LENGTH) return `a prefix of ${name} has at most ${MAX_LENGTH} bits`;
        if (!address.masked(prefixMask('ipv6', length)).equals(address)) {
          return `${address}/${length} has bits behind the prefix`;
        }
      }
      return undefined;
    },

    save: ({ from, to }) => savePrefix('--src-pfx', from) + savePrefix('--dst-pfx', to),
    apply: () => Verdict.CONTINUE,
  };
}

function parsePrefix(options: ParsedOptions, name: string): Prefix {
  const { address, mask } = parseHostMask(options.get(name)!.values[0], options.family);
  return { address, length: maskLength(mask) ?? MAX_HOST_LENGTH };
}

function savePrefix(option: string, { address, length }: Prefix): string {
  return address.isUnspecified && length === 0 ? '' : ` ${option} ${address}/${length}`;
}
