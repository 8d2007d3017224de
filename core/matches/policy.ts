/** `-m policy`: the IPsec policy that the packet was decrypted by, or will be encrypted by (xt_policy). */
import type { Address } from '../../codecs/address.js';
import { type IpsecMode, TRANSFORMS, type TransformDescription } from '../../codecs/host/ipsec.js';
import type { Word } from '../../codecs/iptables-save.js';
import { Hook } from '../hooks.js';
import type { MatchExtension, OptionSpec, ParsedOption, ParsedOptions } from '../rules/extension.js';
import { type ListedPart, listed } from '../rules/listing/listed-form.js';
import { RuleFault } from '../rules/parse/error.js';
import { formatHostMask, type HostMask, parseHostMask } from '../rules/parse/host-values.js';
import { formatHex, parseNumber, parseOneOf, parseProtocol } from '../rules/parse/values.js';

interface Test<Value> {
  readonly value: Value;
  readonly negated: boolean;
}

/** What one transformation has to be. */
interface PolicyElement {
  readonly reqid?: Test<number>;
  readonly spi?: Test<number>;
  readonly proto?: Test<number>;
  readonly mode?: Test<IpsecMode>;
  readonly destination?: Test<HostMask>;
  readonly source?: Test<HostMask>;
}

interface PolicyParams {
  readonly direction: 'in' | 'out';
  readonly isNone: boolean;
  /** Whether the elements are all the transformations there are, in their order. */
  readonly isStrict: boolean;
  /** 1–4, or none for `--pol none`. */
  readonly elements: readonly PolicyElement[];
}

const MODES: readonly IpsecMode[] = ['transport', 'tunnel'];
const MAX_ELEMENTS = 4;

/** The options of an element: each may be given once an element. */
const ELEMENT_OPTIONS = [
  { name: '--reqid', words: 1, invertible: true, repeatable: true, expected: 'a number of 32 bits' },
  { name: '--spi', words: 1, invertible: true, repeatable: true, expected: 'a number of 32 bits' },
  { name: '--tunnel-src', words: 1, invertible: true, repeatable: true, expected: 'address[/mask]' },
  { name: '--tunnel-dst', words: 1, invertible: true, repeatable: true, expected: 'address[/mask]' },
  { name: '--proto', words: 1, invertible: true, repeatable: true, expected: 'esp, ah or ipcomp' },
  { name: '--mode', words: 1, invertible: true, repeatable: true, expected: 'transport or tunnel' },
] as const satisfies readonly OptionSpec[];

/** How `iptables -L` prints an element. */
const LISTED_ELEMENT: readonly ListedPart[] = [
  [/(!)? ?reqid (\d+)/, '$1 --reqid $2'],
  [/(!)? ?spi (0x\S+)/, '$1 --spi $2'],
  [/(!)? ?proto (\S+)/, '$1 --proto $2'],
  [/(!)? ?mode (\S+)/, '$1 --mode $2'],
  [/(!)? ?tunnel-dst (\S+)/, '$1 --tunnel-dst @2'],
  [/(!)? ?tunnel-src (\S+)/, '$1 --tunnel-src @2'],
];
/** Several have their positions before them. */
const LISTED_ELEMENTS: readonly ListedPart[] = Array.from({ length: MAX_ELEMENTS }, (_, position): ListedPart[] => [
  [new RegExp(`\\[${position}\\]`), position === 0 ? '' : '--next'],
  ...LISTED_ELEMENT,
]).flat();

export const policy: MatchExtension<PolicyParams> = {
  name: 'policy',
  options: [
    { name: '--dir', words: 1, expected: 'in or out' },
    { name: '--pol', words: 1, expected: 'none or ipsec' },
    { name: '--strict', words: 0 },
    ...ELEMENT_OPTIONS,
    { name: '--next', words: 0, repeatable: true },
  ],

  listed: listed(
    /policy match/,
    [/dir (in|out)/, '--dir $1'],
    [/pol (none|ipsec)/, '--pol $1'],
    [/strict/, '--strict'],
    ...LISTED_ELEMENTS,
  ),

  parse(options) {
    const direction = options.get('--dir');
    const pol = options.get('--pol');
    const strict = options.get('--strict');
    const next = options.get('--next');
    if (direction === undefined)
      throw new RuleFault(options.word, 'policy without a direction', '--dir in or --dir out');
    const isNone = pol !== undefined && parseOneOf(pol.values[0], 'policy', ['none', 'ipsec']) === 'none';
    const elements = parseElements(options);
    if (isNone && (strict ?? next) !== undefined) {
      const { word } = (strict ?? next)!;
      throw new RuleFault(word, `${word.text} cannot be used together with --pol none`);
    }
    if (next !== undefined && strict === undefined) {
      throw new RuleFault(next.word, '--next needs --strict', '--strict');
    }
    if (!isNone) for (const [i, element] of elements.entries()) checkElement(options, element, i, strict);
    return {
      direction: parseOneOf(direction.values[0], 'direction', ['in', 'out']),
      isNone,
      isStrict: strict !== undefined,
      elements: isNone ? [] : elements,
    };
  },

  refuse({ direction }, { hooks }) {
    if (direction === 'out' && (hooks & ((1 << Hook.PREROUTING) | (1 << Hook.INPUT))) !== 0) {
      return '--dir out cannot be used in PREROUTING and INPUT';
    }
    if (direction === 'in' && (hooks & ((1 << Hook.POSTROUTING) | (1 << Hook.OUTPUT))) !== 0) {
      return '--dir in cannot be used in POSTROUTING and OUTPUT';
    }
    return undefined;
  },

  save({ direction, isNone, isStrict, elements }) {
    const head = ` --dir ${direction} --pol ${isNone ? 'none' : 'ipsec'}${isStrict ? ' --strict' : ''}`;
    return head + elements.map(saveElement).join(' --next');
  },

  lower(params) {
    const { direction, isNone } = params;
    const kept = isNone ? 'is protected by IPsec' : 'is not protected like that';
    return {
      native: {
        reads: ['source', 'destination', 'ipsec'],
        check: (packet, { facts }) => matchesPolicy(params, facts.ipsec(packet, direction)),
        explanation: `the packet ${kept} on its way ${direction}`,
      },
    };
  },
};

/** policy_mt: TRANSFORMS are those of the packet, from the innermost. */
function matchesPolicy(
  { isNone, isStrict, elements }: PolicyParams,
  transforms: readonly TransformDescription[],
): boolean {
  if (transforms.length === 0) return isNone;
  if (isNone) return false;
  if (!isStrict) return transforms.some((transform) => isLike(transform, elements[0]));
  return transforms.length === elements.length && transforms.every((transform, i) => isLike(transform, elements[i]));
}

function isLike(transform: TransformDescription, element: PolicyElement): boolean {
  const { reqid, spi, proto, mode, source, destination } = element;
  const fits = <Value>(test: Test<Value> | undefined, value: Value): boolean =>
    test === undefined || (test.value === value) !== test.negated;
  return (
    fits(reqid, transform.reqid) &&
    fits(spi, transform.spi) &&
    fits(proto, transform.protocol) &&
    fits(mode, transform.mode) &&
    isWithin(source, transform.source) &&
    isWithin(destination, transform.destination)
  );
}

function isWithin(test: Test<HostMask> | undefined, address: Address | undefined): boolean {
  if (test === undefined) return true;
  const { mask } = test.value;
  const isIn = address?.masked(mask).equals(test.value.address.masked(mask)) ?? false;
  return isIn !== test.negated;
}

/** The elements that --next parts. Without --strict there is one. */
function parseElements(options: ParsedOptions): PolicyElement[] {
  const elements: PolicyElement[] = [{}];
  for (const option of options.all) {
    if (option.name === '--next') {
      if (elements.length === MAX_ELEMENTS) {
        throw new RuleFault(option.word, 'too many elements of a policy', `at most ${MAX_ELEMENTS}`);
      }
      elements.push({});
      continue;
    }
    const last = elements.length - 1;
    const part = parsePart(option, options);
    if (part === undefined) continue;
    if (Object.keys(part).some((key) => key in elements[last])) {
      throw new RuleFault(option.word, `policy: ${option.name} can only be used once an element`, '--next before it');
    }
    elements[last] = { ...elements[last], ...part };
  }
  return elements;
}

function parsePart({ name, values, negated }: ParsedOption, { family }: ParsedOptions): PolicyElement | undefined {
  const [word] = values;
  switch (name as (typeof ELEMENT_OPTIONS)[number]['name']) {
    case '--reqid':
      return { reqid: { value: parseId(word), negated } };
    case '--spi':
      return { spi: { value: parseId(word), negated } };
    case '--tunnel-src':
      return { source: { value: parseHostMask(word, family), negated } };
    case '--tunnel-dst':
      return { destination: { value: parseHostMask(word, family), negated } };
    case '--proto':
      return { proto: { value: parseTransform(word), negated } };
    case '--mode':
      return { mode: { value: parseOneOf(word, 'mode', MODES), negated } };
    default:
      return undefined;
  }
}

function checkElement(
  options: ParsedOptions,
  { mode, source, destination, ...others }: PolicyElement,
  index: number,
  strict: ParsedOption | undefined,
): void {
  const isEmpty = (mode ?? source ?? destination) === undefined && Object.keys(others).length === 0;
  if (isEmpty && strict !== undefined) {
    const expected = '--reqid, --spi, --proto, --mode, --tunnel-src or --tunnel-dst';
    throw new RuleFault(strict.word, `element ${index + 1} of the policy is empty`, expected);
  }
  const isTunnel = mode !== undefined && (mode.value === 'tunnel') !== mode.negated;
  if ((source ?? destination) !== undefined && !isTunnel) {
    throw new RuleFault(options.word, 'only tunnels have addresses', '--mode tunnel');
  }
}

function parseId(word: Word): number {
  const id = parseNumber(word.text, 0xffffffff);
  if (id === undefined) throw new RuleFault(word, `bad number "${word.text}"`, 'a number of 32 bits');
  return id;
}

function parseTransform(word: Word): number {
  const number = parseProtocol(word);
  if (!TRANSFORMS.has(number)) throw new RuleFault(word, `"${word.text}" is no part of IPsec`, 'esp, ah or ipcomp');
  return number;
}

function saveElement({ reqid, spi, proto, mode, destination, source }: PolicyElement): string {
  let text = '';
  const add = <Value>(test: Test<Value> | undefined, option: string, format: (value: Value) => string): void => {
    if (test !== undefined) text += `${test.negated ? ' !' : ''} ${option} ${format(test.value)}`;
  };
  add(reqid, '--reqid', String);
  add(spi, '--spi', formatHex);
  add(proto, '--proto', (number) => TRANSFORMS.get(number)!);
  add(mode, '--mode', String);
  add(destination, '--tunnel-dst', formatHostMask);
  add(source, '--tunnel-src', formatHostMask);
  return text;
}
