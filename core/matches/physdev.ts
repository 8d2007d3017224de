/** `-m physdev`: the ports of a bridge that the packet came in or leaves by (xt_physdev). */
import { isLongerThan, startsWithBytes } from '../../codecs/text.js';
import { Hook } from '../hooks.js';
import type { MatchExtension, ParsedOption } from '../rules/extension.js';
import { listed } from '../rules/listing/listed-form.js';
import { RuleFault } from '../rules/parse/error.js';

/** In iptables-save order. */
const OPTIONS = [
  '--physdev-is-in',
  '--physdev-in',
  '--physdev-is-out',
  '--physdev-out',
  '--physdev-is-bridged',
] as const;
type Option = (typeof OPTIONS)[number];

interface PhysdevTest {
  readonly option: Option;
  readonly negated: boolean;
  /** The interface, as written, including a trailing `+`; empty for options without one. */
  readonly device: string;
}

interface PhysdevParams {
  /** In iptables-save order. */
  readonly tests: readonly PhysdevTest[];
}

const MAX_DEVICE_BYTES = 15;

export const physdev: MatchExtension<PhysdevParams> = {
  name: 'physdev',
  options: OPTIONS.map((name) => ({
    name,
    words: name.includes('-is-') ? 0 : 1,
    invertible: true,
    expected: 'the name of an interface',
  })),

  listed: listed(
    /PHYSDEV match/,
    [/(!)? ?--physdev-is-in(?= |$)/, '$1 --physdev-is-in'],
    [/(!)? ?--physdev-in (\S+)/, '$1 --physdev-in $2'],
    [/(!)? ?--physdev-is-out(?= |$)/, '$1 --physdev-is-out'],
    [/(!)? ?--physdev-out (\S+)/, '$1 --physdev-out $2'],
    [/(!)? ?--physdev-is-bridged/, '$1 --physdev-is-bridged'],
  ),

  parse(options) {
    if (options.all.length === 0) throw new RuleFault(options.word, 'physdev without an option', OPTIONS.join(', '));
    const tests = OPTIONS.flatMap((name) => {
      const option = options.get(name);
      return option === undefined ? [] : [{ option: name, negated: option.negated, device: parseDevice(option) }];
    });
    return { tests };
  },

  refuse({ tests }, { hooks }) {
    const asksOut = tests.some(({ option }) => option === '--physdev-out' || option === '--physdev-is-out');
    const isBridged = tests.some(({ option, negated }) => option === '--physdev-is-bridged' && !negated);
    if (!asksOut || isBridged || (hooks & (1 << Hook.OUTPUT)) === 0) return undefined;
    return '--physdev-out and --physdev-is-out need --physdev-is-bridged in OUTPUT, where the port is not known yet';
  },

  save({ tests }) {
    return tests
      .map(({ option, negated, device }) => {
        const name = option.includes('-is-') ? '' : ` ${device}`;
        return `${negated ? ' !' : ''} ${option}${name}`;
      })
      .join('');
  },

  lower({ tests }) {
    return {
      native: {
        reads: ['bridgePort'],
        check: (packet, { facts, interfaceNames }) => {
          const port = facts.bridgePort(packet);
          return tests.every((test) => holds(test, port < 0 ? undefined : interfaceNames[port]));
        },
        explanation: 'the packet came in by another port of the bridge, or by none',
      },
    };
  },
};

/** Whether TEST holds for a packet that came in by PORT and is routed, not bridged: it leaves by no port. */
function holds({ option, negated, device }: PhysdevTest, port: string | undefined): boolean {
  switch (option) {
    case '--physdev-is-in':
      return (port !== undefined) !== negated;
    case '--physdev-in':
      return (port !== undefined && isNamed(port, device)) !== negated;
    case '--physdev-out':
      // Without an output port it never holds, unless there is no bridge at all.
      return negated && port === undefined;
    default:
      return negated;
  }
}

/** Whether NAME is DEVICE, or starts like DEVICE if that ends with +. */
function isNamed(name: string, device: string): boolean {
  return device.endsWith('+') ? startsWithBytes(name, device.slice(0, -1)) : name === device;
}

function parseDevice({ values }: ParsedOption): string {
  if (values.length === 0) return '';
  const [word] = values;
  if (!isLongerThan(word.text, MAX_DEVICE_BYTES)) return word.text;
  throw new RuleFault(word, `the interface name "${word.text}" is too long`, 'at most 15 bytes');
}
