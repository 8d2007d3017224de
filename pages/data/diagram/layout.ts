/**
 * Where everything stands in the picture, in CSS pixels. It is drawn from left to right, the host's own
 * packets below, or, where that is too narrow, from top to bottom.
 */
import type { HookName } from '../../../core/hooks.js';
import type { Station } from '../../../explain/report/format/places.js';
import { type Line, WIDEST } from './bands.js';

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** How high the parts of the picture are. */
export interface Sizes {
  readonly hooks: Readonly<Record<HookName, number>>;
  readonly routing: number;
  readonly host: number;
  /** Of the cards of interfaces, in their order. */
  readonly inCards: readonly number[];
  readonly outCards: readonly number[];
  /** Below the bars where interfaces come together, for what ended there. */
  readonly link: number;
  readonly egress: number;
}

export type Shape = HookName | 'routing' | 'host' | 'link' | 'egress';

export interface LayoutEdge {
  readonly from: Station;
  readonly to: Station;
  readonly line: Line;
}

export interface Layout {
  readonly isTall: boolean;
  readonly width: number;
  readonly height: number;
  /** link and egress: bars. */
  readonly boxes: Readonly<Record<Shape, Box>>;
  readonly inCards: readonly Box[];
  readonly outCards: readonly Box[];
  readonly edges: readonly LayoutEdge[];
  /** Between each card and its bar. */
  readonly inEdges: readonly Line[];
  readonly outEdges: readonly Line[];
}

/** From this width on there is room from left to right. */
const WIDE_FROM = 1060;
const MOST_WIDE = 1760;
const MOST_TALL = 540;

/** The middle of the head of a hook, by which bands enter it. */
export const HEAD = 32;
const PORT = HEAD / 2;
const BAR = 6;
const CARD_GAP = 8;
/** Between two boxes, one above the other. */
const BETWEEN = 48;

/** The picture with parts of SIZES in WIDTH pixels. */
export function layoutOf(sizes: Sizes, width: number): Layout {
  const isTall = width < WIDE_FROM;
  const whole = Math.min(width, isTall ? MOST_TALL : MOST_WIDE);
  const { boxes, inCards, outCards } = isTall ? tallBoxes(sizes, whole) : wideBoxes(sizes, whole);
  const edges = EDGES.map(([from, to]) => ({ from, to, line: lineBetween(boxes[shapeOf(from)], boxes[shapeOf(to)]) }));
  const ends = [...Object.values(boxes), ...inCards, ...outCards].map(bottomOf);
  return {
    ...{ isTall, width: whole, boxes, inCards, outCards, edges },
    height: Math.max(...ends, bottomOf(boxes.link) + sizes.link, bottomOf(boxes.egress) + sizes.egress),
    inEdges: inCards.map((one) => lineBeside(one, boxes.link)),
    outEdges: outCards.map((one) => lineBeside(one, boxes.egress)),
  };
}

const EDGES: readonly (readonly [from: Exclude<Shape, 'host'> | 'own routing', to: Shape])[] = [
  ['link', 'PREROUTING'],
  ['PREROUTING', 'routing'],
  ['routing', 'FORWARD'],
  ['routing', 'INPUT'],
  ['FORWARD', 'POSTROUTING'],
  ['INPUT', 'host'],
  ['own routing', 'OUTPUT'],
  ['OUTPUT', 'POSTROUTING'],
  ['POSTROUTING', 'egress'],
];

function shapeOf(station: Shape | 'own routing'): Shape {
  return station === 'own routing' ? 'host' : station;
}

type Boxes = Pick<Layout, 'boxes' | 'inCards' | 'outCards'>;

function wideBoxes({ hooks, routing, host, ...sizes }: Sizes, width: number): Boxes {
  const cardWidth = Math.round(width * 0.142);
  const boxWidth = Math.round(width * 0.125);
  // Six columns; the outer gaps are wider, with a bar in each.
  const gap = (width - 2 * cardWidth - 4 * boxWidth) / 6.2;
  const outer = gap * 1.6;
  const box = (column: number, y: number, height: number): Box => ({
    x: cardWidth + outer + column * (boxWidth + gap),
    ...{ y, width: boxWidth, height },
  });
  const below = Math.max(routing, hooks.FORWARD, hooks.POSTROUTING) + BETWEEN;
  const inCards = stack(sizes.inCards, cardWidth, 0, 0);
  const outCards = stack(sizes.outCards, cardWidth, 0, width - cardWidth);
  const bar = (x: number, cards: readonly Box[]): Box => {
    const middles = cards.map((one) => one.y + one.height / 2 + WIDEST / 2);
    return { x, y: 0, width: BAR, height: Math.max(HEAD, ...middles) };
  };
  const boxes = {
    link: bar(cardWidth + outer * 0.42, inCards),
    PREROUTING: box(0, 0, hooks.PREROUTING),
    routing: box(1, 0, routing),
    FORWARD: box(2, 0, hooks.FORWARD),
    POSTROUTING: box(3, 0, hooks.POSTROUTING),
    INPUT: box(1, below, hooks.INPUT),
    host: box(2, below, host),
    OUTPUT: box(3, below, hooks.OUTPUT),
    egress: bar(width - cardWidth - outer * 0.42 - BAR, outCards),
  };
  return { boxes, inCards, outCards };
}

function tallBoxes({ hooks, ...sizes }: Sizes, width: number): Boxes {
  const half = (width - 12) / 2;
  const middle = (y: number, height: number): Box => {
    const own = Math.min(width, 340);
    return { x: (width - own) / 2, y, width: own, height };
  };
  const right = (y: number, height: number): Box => ({ x: width - half, y, width: half, height });
  const bar = (y: number, cards: readonly Box[]): Box => {
    return { x: (width - BAR) / 2, y, width: BAR, height: Math.max(y, ...cards.map(bottomOf)) - y };
  };
  // Cards are on both sides of a bar, with room for bands between.
  const cardWidth = Math.min(260, width / 2 - 24);
  const columns = [width / 2 - 24 - cardWidth, width / 2 + 24];
  const inCards = stack(sizes.inCards, cardWidth, 0, ...columns);
  const link = bar(0, inCards);
  const PREROUTING = middle(bottomOf(link) + sizes.link + BETWEEN, hooks.PREROUTING);
  const routing = middle(bottomOf(PREROUTING) + BETWEEN, sizes.routing);
  const INPUT = right(bottomOf(routing) + BETWEEN, hooks.INPUT);
  const FORWARD = { ...right(INPUT.y, hooks.FORWARD), x: 0 };
  const host = right(bottomOf(INPUT) + BETWEEN, sizes.host);
  const OUTPUT = right(bottomOf(host) + BETWEEN, hooks.OUTPUT);
  const POSTROUTING = middle(Math.max(bottomOf(OUTPUT), bottomOf(FORWARD)) + BETWEEN, hooks.POSTROUTING);
  const outCards = stack(sizes.outCards, cardWidth, bottomOf(POSTROUTING) + BETWEEN, ...columns);
  const egress = bar(bottomOf(POSTROUTING) + BETWEEN, outCards);
  return { boxes: { link, PREROUTING, routing, FORWARD, INPUT, host, OUTPUT, POSTROUTING, egress }, inCards, outCards };
}

/** From box FROM to box TO: level with their heads if they are side by side, else straight up or down. */
function lineBetween(from: Box, to: Box): Line {
  if (from.x + from.width <= to.x && (from.y === to.y || to.y + to.height > from.y + HEAD)) {
    const y = Math.max(from.y, to.y) + PORT;
    return { from: { x: from.x + from.width, y }, to: { x: to.x, y }, axis: 'x' };
  }
  const narrow = from.width < to.width ? from : to;
  const x = narrow.x + narrow.width / 2;
  const [start, end] = from.y < to.y ? [bottomOf(from), to.y] : [from.y, bottomOf(to)];
  return { from: { x, y: start }, to: { x, y: end }, axis: 'y' };
}

/** From the middle of CARD to the bar beside it. */
function lineBeside(card: Box, bar: Box): Line {
  const y = card.y + card.height / 2;
  const [from, to] = card.x < bar.x ? [card.x + card.width, bar.x] : [card.x, bar.x + bar.width];
  return { from: { x: from, y }, to: { x: to, y }, axis: 'x' };
}

/** Boxes of HEIGHTS, WIDTH wide, below each other in columns that begin at XS and Y; always in the shortest one. */
function stack(heights: readonly number[], width: number, y: number, ...xs: readonly number[]): Box[] {
  const bottoms = xs.map(() => y);
  return heights.map((height) => {
    const column = bottoms.indexOf(Math.min(...bottoms));
    const box = { x: xs[column], y: bottoms[column], width, height };
    bottoms[column] += height + CARD_GAP;
    return box;
  });
}

function bottomOf({ y, height }: Box): number {
  return y + height;
}
