/**
 * Where everything stands in the picture, in CSS pixels. It is drawn from left to right, the host's own
 * packets below, or, where that is too narrow, from top to bottom.
 */
import type { HookName } from '../../../core/hooks.js';
import type { Station } from '../../../explain/report/format/course.js';
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

export interface CardEdge {
  readonly card: number;
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
  readonly inEdges: readonly CardEdge[];
  readonly outEdges: readonly CardEdge[];
}

/** From this width on there is room from left to right. */
export const WIDE_FROM = 1060;
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
  return width >= WIDE_FROM ? wideLayout(sizes, Math.min(width, MOST_WIDE)) : tallLayout(sizes, width);
}

function wideLayout({ hooks, routing, host, inCards, outCards, link, egress }: Sizes, width: number): Layout {
  const cardWidth = Math.round(width * 0.142);
  const boxWidth = Math.round(width * 0.125);
  // Six columns; the outer gaps are wider, with a bar in each.
  const gap = (width - 2 * cardWidth - 4 * boxWidth) / 6.2;
  const outer = gap * 1.6;
  const column = (i: number): number => cardWidth + outer + i * (boxWidth + gap);
  const box = (i: number, y: number, height: number): Box => ({ x: column(i), y, width: boxWidth, height });
  const top = {
    PREROUTING: box(0, 0, hooks.PREROUTING),
    routing: box(1, 0, routing),
    FORWARD: box(2, 0, hooks.FORWARD),
    POSTROUTING: box(3, 0, hooks.POSTROUTING),
  };
  const below = Math.max(routing, hooks.FORWARD, hooks.POSTROUTING) + BETWEEN;
  const low = {
    INPUT: box(1, below, hooks.INPUT),
    host: box(2, below, host),
    OUTPUT: box(3, below, hooks.OUTPUT),
  };
  const ins = stack(inCards, 0, cardWidth);
  const outs = stack(outCards, width - cardWidth, cardWidth);
  const bars = {
    link: barBeside(ins, cardWidth + outer * 0.42),
    egress: barBeside(outs, width - cardWidth - outer * 0.42 - BAR),
  };
  const boxes = { ...top, ...low, ...bars };
  const along = (from: keyof typeof boxes, to: keyof typeof boxes): Line => ({
    from: { x: boxes[from].x + boxes[from].width, y: (from in bars ? 0 : boxes[from].y) + PORT },
    to: { x: boxes[to].x, y: (to in bars ? 0 : boxes[to].y) + PORT },
    axis: 'x',
  });
  const bottoms = [...Object.values({ ...top, ...low }), ...ins, ...outs].map((one) => one.y + one.height);
  return {
    isTall: false,
    width,
    height: Math.max(...bottoms, bottomOf(bars.link) + link, bottomOf(bars.egress) + egress),
    boxes,
    inCards: ins,
    outCards: outs,
    edges: [
      { from: 'link', to: 'PREROUTING', line: along('link', 'PREROUTING') },
      { from: 'PREROUTING', to: 'routing', line: along('PREROUTING', 'routing') },
      { from: 'routing', to: 'FORWARD', line: along('routing', 'FORWARD') },
      { from: 'FORWARD', to: 'POSTROUTING', line: along('FORWARD', 'POSTROUTING') },
      { from: 'POSTROUTING', to: 'egress', line: along('POSTROUTING', 'egress') },
      { from: 'routing', to: 'INPUT', line: { from: under(boxes.routing), to: over(boxes.INPUT), axis: 'y' } },
      { from: 'INPUT', to: 'host', line: along('INPUT', 'host') },
      { from: 'own routing', to: 'OUTPUT', line: along('host', 'OUTPUT') },
      {
        from: 'OUTPUT',
        to: 'POSTROUTING',
        line: { from: over(boxes.OUTPUT), to: under(boxes.POSTROUTING), axis: 'y' },
      },
    ],
    inEdges: ins.map((one, card) => ({ card, line: level(one.x + one.width, bars.link.x, one) })),
    outEdges: outs.map((one, card) => ({ card, line: level(bars.egress.x + BAR, one.x, one) })),
  };
}

function tallLayout(sizes: Sizes, whole: number): Layout {
  const width = Math.min(whole, MOST_TALL);
  const { hooks } = sizes;
  const middle = width / 2;
  const half = (width - 12) / 2;
  const centred = (y: number, most: number, height: number): Box => {
    const own = Math.min(width, most);
    return { x: middle - own / 2, y, width: own, height };
  };
  const ins = twoColumns(sizes.inCards, 0, width);
  const link = { x: middle - BAR / 2, y: 0, width: BAR, height: Math.max(0, ...ins.map(bottomOf)) };
  const PREROUTING = centred(bottomOf(link) + sizes.link + BETWEEN, 340, hooks.PREROUTING);
  const routing = centred(bottomOf(PREROUTING) + BETWEEN, 340, sizes.routing);
  const split = bottomOf(routing) + BETWEEN + 8;
  const FORWARD = { x: 0, y: split, width: half, height: hooks.FORWARD };
  const beside = (y: number, height: number): Box => ({ x: width - half, y, width: half, height });
  const INPUT = beside(split, hooks.INPUT);
  const host = beside(bottomOf(INPUT) + BETWEEN, sizes.host);
  const OUTPUT = beside(bottomOf(host) + BETWEEN, hooks.OUTPUT);
  const POSTROUTING = centred(Math.max(bottomOf(OUTPUT), bottomOf(FORWARD)) + BETWEEN + 8, 340, hooks.POSTROUTING);
  const last = bottomOf(POSTROUTING) + sizes.egress + BETWEEN;
  const outs = twoColumns(sizes.outCards, last, width);
  const egress = { x: middle - BAR / 2, y: last, width: BAR, height: Math.max(last, ...outs.map(bottomOf)) - last };
  const boxes = { link, PREROUTING, routing, FORWARD, INPUT, host, OUTPUT, POSTROUTING, egress };
  const down = (from: Box, to: Box, fromAt = 0.5, toAt = 0.5): Line => ({
    from: under(from, fromAt),
    to: over(to, toAt),
    axis: 'y',
  });
  // Where the middles of the two columns are, seen from a box above or below them.
  const aside = Math.min(0.38, (half / 2 + 6) / routing.width);
  const [left, right] = [0.5 - aside, 0.5 + aside];
  const isLeft = (card: Box): boolean => card.x < middle - card.width / 2;
  return {
    isTall: true,
    width,
    height: Math.max(bottomOf(egress), last),
    boxes,
    inCards: ins,
    outCards: outs,
    edges: [
      { from: 'link', to: 'PREROUTING', line: down(link, PREROUTING) },
      { from: 'PREROUTING', to: 'routing', line: down(PREROUTING, routing) },
      { from: 'routing', to: 'FORWARD', line: down(routing, FORWARD, left) },
      { from: 'routing', to: 'INPUT', line: down(routing, INPUT, right) },
      { from: 'INPUT', to: 'host', line: down(INPUT, host) },
      { from: 'own routing', to: 'OUTPUT', line: down(host, OUTPUT) },
      { from: 'FORWARD', to: 'POSTROUTING', line: down(FORWARD, POSTROUTING, 0.5, left) },
      { from: 'OUTPUT', to: 'POSTROUTING', line: down(OUTPUT, POSTROUTING, 0.5, right) },
      { from: 'POSTROUTING', to: 'egress', line: down(POSTROUTING, egress) },
    ],
    inEdges: ins.map((one, card) => ({
      card,
      line: isLeft(one) ? level(one.x + one.width, link.x, one) : level(one.x, link.x + BAR, one),
    })),
    outEdges: outs.map((one, card) => ({
      card,
      line: isLeft(one) ? level(egress.x, one.x + one.width, one) : level(egress.x + BAR, one.x, one),
    })),
  };
}

/** Boxes of HEIGHTS, one below the other. */
function stack(heights: readonly number[], x: number, width: number): Box[] {
  let y = 0;
  return heights.map((height) => {
    const box = { x, y, width, height };
    y += height + CARD_GAP;
    return box;
  });
}

/** Boxes of HEIGHTS in two columns, always in the shorter one, with room for a bar and the bands to it between them. */
function twoColumns(heights: readonly number[], y: number, width: number): Box[] {
  const own = Math.min(260, width / 2 - 24);
  const bottoms = [y, y];
  return heights.map((height) => {
    const side = bottoms[0] <= bottoms[1] ? 0 : 1;
    const box = { x: side === 0 ? width / 2 - 24 - own : width / 2 + 24, y: bottoms[side], width: own, height };
    bottoms[side] += height + CARD_GAP;
    return box;
  });
}

/** A bar that reaches past all CARDS, and the head of the hooks. */
function barBeside(cards: readonly Box[], x: number): Box {
  const middles = cards.map((one) => one.y + one.height / 2 + WIDEST / 2);
  return { x, y: 0, width: BAR, height: Math.max(HEAD, ...middles) };
}

function level(from: number, to: number, { y, height }: Box): Line {
  const middle = y + height / 2;
  return { from: { x: from, y: middle }, to: { x: to, y: middle }, axis: 'x' };
}

function under({ x, y, width, height }: Box, at = 0.5) {
  return { x: x + width * at, y: y + height };
}

function over({ x, y, width }: Box, at = 0.5) {
  return { x: x + width * at, y };
}

function bottomOf({ y, height }: Box): number {
  return y + height;
}
