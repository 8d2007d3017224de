/** All that is drawn of a host: its hooks, its interfaces, and where they stand. */
import type { HookName } from '../../../core/hooks.js';
import type { HostPicture } from '../../../explain/report/format/host-picture.js';
import type { RulesSection } from '../../../explain/report/format/model.js';
import { HOOKS, type Place } from '../../../explain/report/format/places.js';
import { counted } from '../../words/numbers.js';
import { type HookEntries, hookEntriesOf } from './hook-entries.js';
import { type Amounts, ANSWERS, edgeName, type HostFlow, STRANDS, sumOf } from './host-flow.js';
import { type InterfaceCard, interfaceCards } from './interface-cards.js';
import { HEAD, type Layout, layoutOf } from './layout.js';

/** How high a line of a box is, one of what ended there, and a line of a card. */
const ROW = 26;
const ENDS = 22;
const CARD_LINE = 17;
const NOTE = 18;
const FOOT = 6;

export interface DiagramCard extends InterfaceCard {
  /** What else is known of it, a line each: its network, its address, who is behind it. */
  readonly lines: readonly string[];
}

export interface DiagramModel {
  readonly entries: HookEntries;
  readonly inCards: readonly DiagramCard[];
  readonly outCards: readonly DiagramCard[];
  readonly layout: Layout;
}

export interface DiagramSources {
  readonly picture: HostPicture;
  readonly rules: RulesSection;
  /** Of all packets: what is filtered does not move anything. */
  readonly flow: HostFlow;
  /** Only interfaces that saw packets. */
  readonly isSparse?: boolean;
}

/** The picture of the host in SOURCES in WIDTH pixels. */
export function diagramModel({ picture, rules, flow, isSparse = false }: DiagramSources, width: number): DiagramModel {
  const entries = hookEntriesOf(picture, rules, flow);
  const cardsOf = (side: 'in' | 'out'): DiagramCard[] => {
    const packets = picture.interfaces.map((_, dev) => packetsBy(flow, side, [dev]));
    const cards = interfaceCards(picture.interfaces, packets, 8);
    const seen = isSparse ? cards.filter(({ devs }) => devs.some((dev) => packets[dev] > 0)) : cards;
    return seen.map((card) => ({ ...card, lines: linesOf(card, picture) }));
  };
  const [inCards, outCards] = [cardsOf('in'), cardsOf('out')];
  const endsHeight = (...places: Place[]): number =>
    places.some((place) => flow.places.get(place)?.ended.some((packets) => packets > 0)) ? ENDS : 0;
  const hookHeight = (hook: HookName): number =>
    HEAD + Math.max(1, entries[hook].length) * ROW + FOOT + sum(entries[hook].map(({ place }) => endsHeight(place)));
  const heights = Object.fromEntries(HOOKS.map((hook) => [hook, hookHeight(hook)])) as Record<HookName, number>;
  const layout = layoutOf(
    {
      hooks: heights,
      routing: HEAD + FOOT + ROW - 4 + endsHeight('routing'),
      host: HEAD + FOOT + 2 * ROW + (hasAnswers(flow) ? NOTE : 0) + endsHeight('own routing', 'host'),
      inCards: inCards.map(cardHeight),
      outCards: outCards.map(cardHeight),
      link: endsHeight('link') + 4,
      egress: endsHeight('egress') + 4,
    },
    width,
  );
  return { entries, inCards, outCards, layout };
}

/** What went along the edges called NAMES. */
export function amountsOf(flow: HostFlow, names: readonly string[]): Amounts {
  const all = new Float64Array(STRANDS.length);
  for (const name of names) for (const [i, amount] of (flow.edges.get(name)?.amounts ?? []).entries()) all[i] += amount;
  return all;
}

/** The edges between the interfaces DEVS and the host, on one SIDE of it. */
export function edgesOf(side: 'in' | 'out', devs: readonly number[]): string[] {
  return devs.map((dev) => (side === 'in' ? edgeName(`in ${dev}`, 'link') : edgeName('egress', `out ${dev}`)));
}

/** How many packets came in, or went out, by DEVS. */
export function packetsBy(flow: HostFlow, side: 'in' | 'out', devs: readonly number[]): number {
  return sumOf(amountsOf(flow, edgesOf(side, devs)));
}

/** What the host sends takes it. */
export const HOST_EDGE = edgeName('host', 'own routing');

function hasAnswers(flow: HostFlow): boolean {
  return amountsOf(flow, [HOST_EDGE])[ANSWERS] > 0;
}

function cardHeight({ lines }: DiagramCard): number {
  return 30 + lines.length * CARD_LINE;
}

const MOST_NAMES = 2;

function linesOf({ devs, ports }: InterfaceCard, { interfaces }: HostPicture): string[] {
  if (devs.length > 1) return [`${devs.length} interfaces`];
  const { network, addresses, neighbours, vlanId, lower, bridge, isUp, isTemporary } = interfaces[devs[0]];
  const names = [...new Set(neighbours.map(({ name }) => name))];
  const place = [
    network && `network ${network}`,
    vlanId && `VLAN ${vlanId}${lower ? ` on ${lower}` : ''}`,
    bridge && `port of ${bridge}`,
    isTemporary ? 'temporary' : !isUp && 'down',
    ports > 0 && counted(ports, 'port'),
  ];
  return [
    [addresses[0], addresses.length > 1 && `+${addresses.length - 1}`].filter(Boolean).join(' '),
    place.filter(Boolean).join(' · '),
    [...names.slice(0, MOST_NAMES), names.length > MOST_NAMES && `+${names.length - MOST_NAMES}`]
      .filter(Boolean)
      .join(', '),
  ].filter((line) => line !== '');
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, one) => all + one, 0);
}
