/** Draws lines over a logarithmic x axis as a self-contained SVG. */
import { formatNumber } from '../cli/number.js';

export interface Line {
  readonly name: string;
  /** Sorted by x, which must be positive. */
  readonly points: readonly { x: number; y: number }[];
}

export interface Plot {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly lines: readonly Line[];
}

const WIDTH = 720;
const HEIGHT = 420;
const LEFT = 80;
const RIGHT = 48;
const TOP = 72;
const BOTTOM = 64;
const MAX_Y_TICKS = 6;
/** Told apart without colour vision too (Okabe and Ito). */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7'];

/** PLOT as a whole file. */
export function drawPlot({ title, xLabel, yLabel, lines }: Plot): string {
  const points = lines.flatMap((line) => line.points);
  if (points.length === 0) throw new Error('a plot without points');
  const decades = decadesOf(points.map(({ x }) => x));
  const yTicks = ticksUpTo(Math.max(...points.map(({ y }) => y)));
  const yTop = yTicks[yTicks.length - 1];
  const first = Math.log10(decades[0]);
  const span = Math.log10(decades[decades.length - 1]) - first;
  const xOf = (x: number) => round(LEFT + ((Math.log10(x) - first) / span) * (WIDTH - LEFT - RIGHT));
  const yOf = (y: number) => round(HEIGHT - BOTTOM - (y / yTop) * (HEIGHT - TOP - BOTTOM));

  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="13">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    text(WIDTH / 2, 24, title, 'middle', 'font-size="15" font-weight="bold"'),
    ...decades.flatMap((x) => [
      `<path d="M${xOf(x)} ${TOP}V${HEIGHT - BOTTOM}" stroke="#ddd"/>`,
      text(xOf(x), HEIGHT - BOTTOM + 20, formatNumber(x), 'middle'),
    ]),
    ...yTicks.flatMap((y) => [
      `<path d="M${LEFT} ${yOf(y)}H${WIDTH - RIGHT}" stroke="#ddd"/>`,
      text(LEFT - 8, yOf(y) + 4, formatNumber(y), 'end'),
    ]),
    `<path d="M${LEFT} ${TOP}V${HEIGHT - BOTTOM}H${WIDTH - RIGHT}" fill="none" stroke="#333"/>`,
    text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 16, xLabel, 'middle'),
    text(
      20,
      (TOP + HEIGHT - BOTTOM) / 2,
      yLabel,
      'middle',
      `transform="rotate(-90 20 ${(TOP + HEIGHT - BOTTOM) / 2})"`,
    ),
    ...lines.flatMap((line, i) => drawLine(line, COLOURS[i % COLOURS.length], xOf, yOf)),
    ...lines.flatMap(({ name }, i) => legend(name, COLOURS[i % COLOURS.length], i)),
    '</svg>',
    '',
  ].join('\n');
}

function drawLine({ points }: Line, colour: string, xOf: (x: number) => number, yOf: (y: number) => number): string[] {
  const path = points.map(({ x, y }, i) => `${i === 0 ? 'M' : 'L'}${xOf(x)} ${yOf(y)}`).join('');
  return [
    `<path d="${path}" fill="none" stroke="${colour}" stroke-width="2"/>`,
    ...points.flatMap(({ x, y }) => [
      `<circle cx="${xOf(x)}" cy="${yOf(y)}" r="4" fill="${colour}"/>`,
      text(xOf(x), round(yOf(y) - 9), formatNumber(y), 'middle', `fill="${colour}" font-size="11"`),
    ]),
  ];
}

function legend(name: string, colour: string, index: number): string[] {
  const x = LEFT + 12 + index * 280;
  return [`<path d="M${x} 44h24" stroke="${colour}" stroke-width="2"/>`, text(x + 30, 48, name, 'start')];
}

function text(x: number, y: number, words: string, anchor: string, more = ''): string {
  return `<text x="${x}" y="${y}" text-anchor="${anchor}"${more === '' ? '' : ` ${more}`}>${escaped(words)}</text>`;
}

function escaped(words: string): string {
  return words.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** The powers of ten around XS: at least two. */
function decadesOf(xs: readonly number[]): number[] {
  const first = Math.floor(Math.log10(Math.min(...xs)));
  const last = Math.max(first + 1, Math.ceil(Math.log10(Math.max(...xs))));
  return Array.from({ length: last - first + 1 }, (_, i) => 10 ** (first + i));
}

/** 0 and on in steps of 1, 2 or 5 times a power of ten, the last at or above MOST. */
export function ticksUpTo(most: number): number[] {
  const rough = Math.max(most, 1e-9) / MAX_Y_TICKS;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((one) => one >= rough)!;
  return Array.from({ length: Math.ceil(most / step) + 1 }, (_, i) => i * step);
}

const round = (value: number) => Math.round(value * 10) / 10;
