/**
 * Sets as `ipset list` and `ipset save` print them: a set's header, then its elements. What memory a kernel needs
 * for a set is not printed.
 */
import { ADDRESS_BITS, prefixMask } from '../../codecs/address.js';
import { formatLoaded, toLoaded } from '../../codecs/byte-order.js';
import { type Element, NONE } from '../sets/element.js';
import type { IpSet } from '../sets/ip-set.js';
import type { OutputMode } from './command-line.js';
import { formatElement } from './element-words.js';
import { KEYWORDS, type KeywordName } from './keywords.js';
import { sortElements } from './sort-elements.js';
import { typeWords } from './type-words.js';

export interface ListingOptions {
  readonly mode: OutputMode;
  /** `-name`: only the names. */
  readonly isNames: boolean;
  /** `-terse`: without the heading of the elements. */
  readonly isTerse: boolean;
  /** Whether the elements are printed. `save` prints them even if terse. */
  readonly hasElements: boolean;
  /** `-sorted`: hash sets are printed in order. */
  readonly isSorted: boolean;
}

/** An option and its value; undefined: it has none. */
type OptionText = readonly [name: string, value: string | undefined];

/** SETS with the lists last, as the kernel prints all of them. REFERENCES: how many refer to the set of that name. */
export function* listSets(
  sets: readonly IpSet[],
  references: (name: string) => number,
  options: ListingOptions,
): Generator<string> {
  const { mode } = options;
  const isNames = options.isNames && mode !== 'save';
  const { isTerse, hasElements } = options;
  if (mode === 'xml') yield '<ipsets>\n';
  const lists = sets.filter(({ type }) => type.method === 'list');
  const others = sets.filter(({ type }) => type.method !== 'list');
  for (const [i, set] of [...others, ...lists].entries()) {
    if (isNames) yield mode === 'xml' ? `<ipset name="${set.name}"/>\n` : `${set.name}\n`;
    else {
      if (i > 0 && mode === 'plain') yield '\n';
      yield headerOf(set, references(set.name), mode, isTerse);
      if (hasElements) yield* elementsOf(set, options);
      if (mode === 'xml') yield isTerse ? '</ipset>\n' : '</members>\n</ipset>\n';
    }
  }
  if (mode === 'xml') yield '</ipsets>\n';
}

function headerOf(set: IpSet, references: number, mode: OutputMode, isTerse: boolean): string {
  const { name, type } = set;
  const options = headerOptions(set);
  const words = options.map(([option, value]) => (value === undefined ? ` ${option}` : ` ${option} ${value}`)).join('');
  if (mode === 'save') return `create ${name} ${type.name}${words}\n`;
  const { revision } = typeWords(type);
  if (mode === 'plain') {
    return (
      `Name: ${name}\nType: ${type.name}\nRevision: ${revision}\nHeader:${words}\n` +
      `References: ${references}\nNumber of entries: ${set.size}\n${isTerse ? '' : 'Members:\n'}`
    );
  }
  return (
    `<ipset name="${name}">\n<type>${type.name}</type>\n<revision>${revision}</revision>\n` +
    `<header>${options.map(tagged).join('')}\n<references>${references}</references>\n` +
    `<numentries>${set.size}</numentries>\n</header>\n${isTerse ? '' : '<members>\n'}`
  );
}

function tagged([name, value]: OptionText): string {
  return value === undefined ? `<${name}/>` : `<${name}>${value}</${name}>`;
}

/** What the kernel says about how SET was created. */
function headerOptions(set: IpSet): OptionText[] {
  return typeWords(set.type).create.flatMap((name): OptionText[] => {
    const value = HEADER_OPTIONS[name]?.(set);
    if (value === undefined || value === false) return [];
    return [[KEYWORDS[name].name, value === true ? undefined : value]];
  });
}

/** What is printed of an option; undefined, false: nothing; true: its name. ipset 7.17 does not print forceadd. */
const HEADER_OPTIONS: Partial<Record<KeywordName, (set: IpSet) => string | boolean | undefined>> = {
  family: ({ options }) => (options.family === 'ipv6' ? 'inet6' : 'inet'),
  hashsize: (set) => String(set.hashsize),
  maxelem: ({ options }) => String(options.maxelem),
  bucketsize: (set) => String(set.bucketSize),
  initval: ({ options }) => hex32(options.initval ?? 0),
  markmask: ({ options }) => (options.markmask === undefined ? undefined : hex32(options.markmask)),
  size: ({ options }) => String(options.size),
  ipRange: ({ options }) => options.range && `${ip(options.range.first)}-${ip(options.range.last)}`,
  portRange: ({ options }) => options.range && `${options.range.first}-${options.range.last}`,
  // Masks that mask nothing are not printed.
  netmask: ({ options: { netmask, family } }) =>
    netmask === undefined || netmask === ADDRESS_BITS[family] ? undefined : String(netmask),
  bitmask: ({ options: { bitmask, family } }) =>
    bitmask?.equals(prefixMask(family, ADDRESS_BITS[family])) ? undefined : bitmask?.toString(),
  timeout: ({ options }) => options.timeout?.toString(),
  counters: ({ options }) => options.counters,
  createComment: ({ options }) => options.comment,
  skbinfo: ({ options }) => options.skbinfo,
};

function* elementsOf(set: IpSet, { mode, isSorted }: ListingOptions): Generator<string> {
  const { type, options } = set;
  const family = type.families.length === 0 ? undefined : options.family;
  const names = typeWords(type).add;
  const lines: string[] = [];
  set.forEach((element) => {
    const text = formatElement(element, type, family);
    lines.push(
      mode === 'xml' ? `<elem>${text}</elem>${xmlOptions(element, names)}` : text + lineOptions(element, names),
    );
  });
  if (isSorted && type.method === 'hash') sortElements(lines, mode === 'xml' ? '<elem>'.length : 0);
  for (const line of lines) {
    if (mode === 'save') yield `add ${set.name} ${line}\n`;
    else yield mode === 'xml' ? `<member>${line}</member>\n` : `${line}\n`;
  }
}

function lineOptions(element: Element, names: readonly KeywordName[]): string {
  let text = '';
  for (const name of names) {
    const value = ELEMENT_OPTIONS[name]?.(element);
    if (value === true) text += ` ${KEYWORDS[name].name}`;
    else if (typeof value === 'string') text += ` ${KEYWORDS[name].name} ${value}`;
  }
  return text;
}

function xmlOptions(element: Element, names: readonly KeywordName[]): string {
  let text = '';
  for (const name of names) {
    const value = ELEMENT_OPTIONS[name]?.(element);
    if (value !== undefined && value !== false)
      text += tagged([KEYWORDS[name].name, value === true ? undefined : value]);
  }
  return text;
}

/** What is printed of an option of an element; undefined, false: nothing; true: its name. */
const ELEMENT_OPTIONS: Partial<Record<KeywordName, (element: Element) => string | boolean | undefined>> = {
  timeout: ({ timeout }) => (timeout === NONE ? undefined : String(timeout)),
  nomatch: ({ isNomatch }) => isNomatch,
  wildcard: ({ isWildcard }) => isWildcard,
  packets: ({ packets }) => packets?.toString(),
  bytes: ({ bytes }) => bytes?.toString(),
  comment: ({ comment }) => (comment === undefined ? undefined : `"${comment}"`),
  skbmark: formatSkbMark,
  skbprio: formatSkbPrio,
  skbqueue: ({ skbQueue }) => (skbQueue > 0 ? String(skbQueue) : undefined),
};

/** Without a mask and a mark, there is nothing to print. */
function formatSkbMark({ skbMark, skbMarkMask }: Element): string | undefined {
  if (skbMark === NONE || (skbMark === 0 && skbMarkMask === 0)) return undefined;
  const mark = `0x${skbMark.toString(16)}`;
  return skbMarkMask === 0xffff_ffff ? mark : `${mark}/0x${skbMarkMask.toString(16)}`;
}

function formatSkbPrio({ skbPrio }: Element): string | undefined {
  return skbPrio > 0 ? `${(skbPrio >>> 16).toString(16)}:${(skbPrio & 0xffff).toString(16)}` : undefined;
}

function hex32(value: number): string {
  return `0x${value.toString(16).padStart(8, '0')}`;
}

function ip(address: number): string {
  return formatLoaded(toLoaded(address));
}
