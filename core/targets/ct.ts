/** `-j CT`: how conntrack treats a packet (xt_CT, revision 2). */
import type { Word } from '../../codecs/iptables-save.js';
import { cutToBytes } from '../../codecs/text.js';
import { Verdict } from '../hooks.js';
import { formatNames, type NamedBits } from '../matches/ctstates.js';
import type { ParsedOption, ParsedOptions, TargetExtension } from '../rules/extension.js';
import { listed } from '../rules/listing/listed-form.js';
import { RuleFault, unknownName } from '../rules/parse/error.js';
import { parseNumber } from '../rules/parse/values.js';
import { doNotTrack } from './notrack.js';

/** What the kernel keeps of the names, without the terminating zero. */
const MAX_HELPER_BYTES = 15;
const MAX_TIMEOUT_BYTES = 31;
const MAX_ZONE = 0xffff;

const bits = (...names: string[]): NamedBits => names.map((name, bit) => [name, 1 << bit] as const);
/** In iptables-save order. */
const EVENTS = bits(
  ...['new', 'related', 'destroy', 'reply', 'assured', 'protoinfo', 'helper', 'mark', 'natseqinfo', 'secmark'],
);
const EXPECTATION_EVENTS = bits('new');

/** The options that set the zone, and for which direction; the last one given decides about the zone itself. */
const ZONE_OPTIONS = { '--zone': 'both', '--zone-orig': 'original', '--zone-reply': 'reply' } as const;

interface Zone {
  readonly id: number;
  /** The zone is the packet's mark. */
  readonly isMark: boolean;
  readonly direction: 'both' | 'original' | 'reply';
}

interface CtParams {
  readonly isUntracked: boolean;
  readonly helper: string;
  readonly timeout: string;
  readonly events: number;
  readonly expectationEvents: number;
  readonly zone: Zone | undefined;
}

export const ct: TargetExtension<CtParams> = {
  name: 'CT',
  tables: ['raw'],
  terminates: false,
  options: [
    { name: '--notrack', words: 0 },
    { name: '--helper', words: 1, expected: 'the name of a helper' },
    { name: '--timeout', words: 1, expected: 'the name of a timeout policy' },
    { name: '--ctevents', words: 1, expected: 'comma-separated events' },
    { name: '--expevents', words: 1, expected: 'comma-separated events' },
    { name: '--zone-orig', words: 1, expected: `mark or a zone, 0–${MAX_ZONE}` },
    { name: '--zone-reply', words: 1, expected: `mark or a zone, 0–${MAX_ZONE}` },
    { name: '--zone', words: 1, expected: `mark or a zone, 0–${MAX_ZONE}` },
  ],

  listed: listed(
    /CT/,
    [/notrack/, '--notrack'],
    [/helper (\S+)/, '--helper $1'],
    [/timeout (\S+)/, '--timeout $1'],
    [/ctevents (\S+)/, '--ctevents $1'],
    [/expevents (\S+)/, '--expevents $1'],
    [/(zone(?:-orig|-reply)?) (\S+)/, '--$1 $2'],
  ),

  parse(options) {
    const nameOf = (option: string, maxBytes: number): string =>
      cutToBytes(options.get(option)?.values[0].text ?? '', maxBytes);
    return {
      isUntracked: options.get('--notrack') !== undefined,
      helper: nameOf('--helper', MAX_HELPER_BYTES),
      timeout: nameOf('--timeout', MAX_TIMEOUT_BYTES),
      events: parseEvents(options.get('--ctevents'), EVENTS),
      expectationEvents: parseEvents(options.get('--expevents'), EXPECTATION_EVENTS),
      zone: parseZone(options),
    };
  },

  /** Helpers and timeout policies exist by protocol. */
  refuse({ isUntracked, helper, timeout }, { base: { protocol } }) {
    if (isUntracked || (helper === '' && timeout === '')) return undefined;
    const isKnown = protocol !== undefined && !protocol.negated && protocol.number !== 0;
    return isKnown ? undefined : 'a helper or timeout policy needs -p with one protocol, without !';
  },

  unsupported({ isUntracked, helper, timeout, events, expectationEvents, zone }) {
    if (isUntracked) return undefined;
    const needs = [
      ...(helper === '' ? [] : ["conntrack's helpers"]),
      ...(timeout === '' ? [] : ["conntrack's timeout policies"]),
      ...(isZero(zone) ? [] : ["conntrack's zones"]),
      ...(events === 0 && expectationEvents === 0 ? [] : ["conntrack's events"]),
    ];
    // Even without an option, later rules of the table see the template of a connection.
    return needs.length > 0 ? needs.join(', ') : "conntrack's templates";
  },

  save({ isUntracked, helper, timeout, events, expectationEvents, zone }) {
    return [
      isUntracked ? ' --notrack' : '',
      helper === '' ? '' : ` --helper ${helper}`,
      timeout === '' ? '' : ` --timeout ${timeout}`,
      events === 0 ? '' : ` --ctevents ${formatNames(events, EVENTS)}`,
      expectationEvents === 0 ? '' : ` --expevents ${formatNames(expectationEvents, EXPECTATION_EVENTS)}`,
      zone === undefined || isZero(zone) ? '' : formatZone(zone),
    ].join('');
  },

  apply({ isUntracked }, packet) {
    return isUntracked ? doNotTrack(packet) : Verdict.CONTINUE;
  },

  effect: () => 'packet',

  changesState: true,
};

function parseEvents(option: ParsedOption | undefined, known: NamedBits): number {
  if (option === undefined) return 0;
  const [word] = option.values;
  return word.text.split(',').reduce((events, part) => {
    const found = known.find(([name]) => name === part);
    if (found !== undefined) return events | found[1];
    const names = known.map(([name]) => name);
    throw unknownName(word, 'event', part, names, `${names.join(', ')}, comma-separated`);
  }, 0);
}

/** Each of the options sets the zone, and adds its direction. */
function parseZone({ all }: ParsedOptions): Zone | undefined {
  let id = 0;
  let isMark = false;
  const directions = new Set<Zone['direction']>();
  for (const { name, values } of all) {
    if (!(name in ZONE_OPTIONS)) continue;
    directions.add(ZONE_OPTIONS[name as keyof typeof ZONE_OPTIONS]);
    const isOfMark = values[0].text.toLowerCase() === 'mark';
    isMark ||= isOfMark;
    id = isOfMark ? 0 : parseZoneId(values[0]);
  }
  if (directions.size === 0) return undefined;
  const isOriginal = directions.has('original');
  const isReply = directions.has('reply');
  return { id, isMark, direction: isOriginal === isReply ? 'both' : isOriginal ? 'original' : 'reply' };
}

function parseZoneId(word: Word): number {
  const id = parseNumber(word.text, MAX_ZONE);
  if (id === undefined) throw new RuleFault(word, `bad zone "${word.text}"`, `mark or a zone, 0–${MAX_ZONE}`);
  return id;
}

/** iptables-save leaves zone 0 out. */
function isZero(zone: Zone | undefined): boolean {
  return zone === undefined || (zone.id === 0 && !zone.isMark);
}

function formatZone({ id, isMark, direction }: Zone): string {
  const suffix = { both: '', original: '-orig', reply: '-reply' }[direction];
  return ` --zone${suffix} ${isMark ? 'mark' : id}`;
}
