/** The charts of a timeline: what of them is drawn on canvases. */
import uPlot from 'uplot';
import { VERDICTS } from '../../../explain/report/format/model.js';
import type { TimeAxis } from '../../data/time-folding.js';
import type { Bars } from '../../data/timeline-bars.js';
import type { Colors } from '../../parts/theme-colors.js';
import { bytesInWords, grouped } from '../../words/numbers.js';
import { firstTick, type StartTime, sinceStart, tickStep, timeOfDay } from '../../words/time-ticks.js';
import { duration } from '../../words/times.js';

export const COLORS = ['text', 'muted', 'line', 'surface', 'accent', ...VERDICTS] as const;
export type PlotColors = Colors<(typeof COLORS)[number]>;

export type Measure = 'packets' | 'bytes' | 'drops';

/** What both charts have in common. */
export interface PlotFrame {
  readonly width: number;
  readonly axis: TimeAxis;
  /** The part of the axis that is seen. */
  readonly from: number;
  readonly to: number;
  /** When the first packet came; undefined: times since then are written. */
  readonly start: StartTime | undefined;
  readonly colors: PlotColors;
  /** When something was changed. */
  readonly changes: readonly number[];
}

export interface BarsFrame extends PlotFrame {
  readonly measure: Measure;
  readonly whole: Bars;
  /** What the filter chooses of them; undefined: all. */
  readonly chosen: Bars | undefined;
}

export interface LineFrame extends PlotFrame {
  /** When the connection table had how many entries. */
  readonly times: readonly number[];
  readonly entries: readonly number[];
}

/** Room for the numbers left of the charts, and right of them. */
export const LEFT = 58;
export const RIGHT = 14;
const BARS_HEIGHT = 250;
const LINE_HEIGHT = 130;
const TICK_ROOM = 92;
/** So much is always seen of something. */
const LEAST_PIXELS = 2;
const DROPS: readonly number[] = [VERDICTS.indexOf('dropped'), VERDICTS.indexOf('rejected')];
/** Drops are the lowest, where they can be compared from bar to bar. */
const STACKED = [...DROPS, ...VERDICTS.map((_, verdict) => verdict).filter((verdict) => !DROPS.includes(verdict))];
/** Verdicts drawn with stripes. */
const STRIPED = DROPS;

/** The verdicts that MEASURE shows, from the lowest of a bar to the highest. */
export function stacked(measure: Measure): readonly number[] {
  return measure === 'drops' ? DROPS : STACKED;
}

export function countsOf(bars: Bars, measure: Measure): readonly Float64Array[] {
  return measure === 'bytes' ? bars.bytes : bars.packets;
}

/** One chart in a container. */
export interface Plot<Frame> {
  draw(frame: Frame): void;
  remove(): void;
}

export function barsPlot(container: HTMLElement, frame: BarsFrame): Plot<BarsFrame> {
  const options = { height: BARS_HEIGHT, hasTimes: false, most: mostInBar, paint: paintBars };
  return plot(container, frame, { ...options, words: (value, { measure }) => words(value, measure === 'bytes') });
}

export function linePlot(container: HTMLElement, frame: LineFrame): Plot<LineFrame> {
  const most = ({ entries }: LineFrame) => Math.max(...entries, 0);
  const options = { height: LINE_HEIGHT, hasTimes: true, most, paint: paintLine };
  return plot(container, frame, { ...options, words: (value) => words(value, false) });
}

interface PlotOptions<Frame> {
  readonly height: number;
  readonly hasTimes: boolean;
  /** The largest value. */
  readonly most: (frame: Frame) => number;
  readonly words: (value: number, frame: Frame) => string;
  readonly paint: (u: uPlot, frame: Frame) => void;
}

function plot<Frame extends PlotFrame>(
  container: HTMLElement,
  first: Frame,
  { height, hasTimes, most, words, paint }: PlotOptions<Frame>,
): Plot<Frame> {
  let frame = first;
  const line = () => frame.colors.line;
  const grid = { stroke: line, width: 1 };
  const common = { stroke: () => frame.colors.muted, grid, ticks: { ...grid, size: 4 } };
  const font = '11px system-ui, sans-serif';
  const u = new uPlot(
    {
      width: first.width,
      height,
      padding: [10, RIGHT, hasTimes ? 0 : 6, 0],
      cursor: { show: false },
      legend: { show: false },
      scales: {
        x: { time: false, range: () => [frame.from, frame.to] },
        y: { range: () => [0, Math.max(1, most(frame)) * 1.06] },
      },
      series: [{}, { paths: () => null, points: { show: false } }],
      axes: [
        {
          ...common,
          font,
          size: hasTimes ? 38 : 0,
          splits: () => ticksOf(frame),
          values: (_, places) => (hasTimes ? labelsOf(frame, places) : places.map(() => '')),
        },
        {
          ...common,
          font,
          size: LEFT,
          incrs: Array.from({ length: 45 }, (_, i) => [1, 2, 5][i % 3] * 10 ** Math.floor(i / 3)),
          values: (_, values) => values.map((value) => words(value, frame)),
        },
      ],
      hooks: {
        draw: [
          (self) => {
            const { left, top, width, height } = self.bbox;
            self.ctx.save();
            self.ctx.beginPath();
            self.ctx.rect(left, top - LEAST_PIXELS, width, height + LEAST_PIXELS);
            self.ctx.clip();
            paintSilences(self, frame);
            paint(self, frame);
            paintChanges(self, frame);
            self.ctx.restore();
          },
        ],
      },
    },
    dataOf(first),
    container,
  );
  return {
    draw(next) {
      const isWider = next.width !== frame.width;
      frame = next;
      u.batch(() => {
        if (isWider) u.setSize({ width: next.width, height });
        u.setData(dataOf(next));
      });
    },
    remove: () => u.destroy(),
  };
}

/** Everything is drawn by `paint`: data is only there for the scales. */
function dataOf({ from, to }: PlotFrame): uPlot.AlignedData {
  return [
    [from, to],
    [0, 0],
  ];
}

function words(value: number, isBytes: boolean): string {
  if (isBytes) return bytesInWords(value);
  return value >= 1e6 ? `${value / 1e6} M` : grouped(value);
}

/** Places of ticks. */
function ticksOf({ axis, from, to, width, start }: PlotFrame): number[] {
  const step = stepOf({ from, to, width });
  const least = ((to - from) * TICK_ROOM) / width / 1.6;
  const ticks: number[] = [];
  let next = firstTick(axis.toTime(from), step, start);
  while (axis.toPlace(next) <= to && ticks.length < 200) {
    const place = axis.toPlace(next);
    const silence = axis.folded.find(([begin, end]) => next > begin && next < end);
    if (silence === undefined && (ticks.length === 0 || place - ticks[ticks.length - 1] >= least)) ticks.push(place);
    next = silence === undefined ? next + step : Math.max(next + step, firstTick(silence[1], step, start));
  }
  return ticks;
}

function stepOf({ from, to, width }: Pick<PlotFrame, 'from' | 'to' | 'width'>): number {
  return tickStep(((to - from) * TICK_ROOM) / Math.max(1, width - LEFT - RIGHT));
}

function labelsOf(frame: PlotFrame, places: readonly number[]): string[] {
  const { axis, start } = frame;
  const step = stepOf(frame);
  let day = Number.NaN;
  return places.map((place) => {
    const time = Math.round(axis.toTime(place));
    if (start === undefined) return sinceStart(time, step);
    const today = Math.floor((start.sec + (start.nsec + time) / 1e9) / 86_400);
    const isNew = today !== day;
    day = today;
    return timeOfDay(time, step, start, isNew);
  });
}

function mostInBar({ whole, measure }: BarsFrame): number {
  const counts = countsOf(whole, measure);
  const totals = whole.starts.map((_, bar) => stacked(measure).reduce((sum, verdict) => sum + counts[verdict][bar], 0));
  return totals.reduce((most, total) => Math.max(most, total), 0);
}

function paintBars(u: uPlot, frame: BarsFrame): void {
  const { whole, chosen, measure, colors } = frame;
  const verdicts = stacked(measure);
  if (chosen !== undefined) {
    const counts = countsOf(whole, measure);
    const totals = whole.starts.map((_, bar) => verdicts.reduce((sum, verdict) => sum + counts[verdict][bar], 0));
    paintStack(u, frame, whole, [{ values: totals, fill: colors.line }]);
  }
  const bars = chosen ?? whole;
  const counts = countsOf(bars, measure);
  const layers = verdicts.map((verdict) => {
    const color = colors[VERDICTS[verdict]];
    return { values: counts[verdict], fill: STRIPED.includes(verdict) ? stripes(u.ctx, color, colors.surface) : color };
  });
  paintStack(u, frame, bars, layers);
}

interface Layer {
  readonly values: ArrayLike<number>;
  readonly fill: string | CanvasPattern;
}

function paintStack(u: uPlot, { axis }: PlotFrame, { starts, widthNs }: Bars, layers: readonly Layer[]): void {
  const { ctx } = u;
  const least = LEAST_PIXELS * devicePixelRatio;
  const x = (timeNs: number) => Math.round(u.valToPos(axis.toPlace(timeNs), 'x', true));
  for (const [bar, start] of starts.entries()) {
    const left = x(start);
    const width = Math.max(x(start + widthNs) - left - devicePixelRatio, least);
    let below = 0;
    let bottom = u.valToPos(0, 'y', true);
    for (const { values, fill } of layers) {
      const value = values[bar];
      if (value === 0) continue;
      below += value;
      const top = Math.min(u.valToPos(below, 'y', true), bottom - least);
      ctx.fillStyle = fill;
      ctx.fillRect(left, top, width, bottom - top);
      bottom = top;
    }
  }
}

/** Stripes of COLOR, so that drops are told by more than their colour. */
function stripes(ctx: CanvasRenderingContext2D, color: string, surface: string): CanvasPattern | string {
  const size = 6;
  const tile = document.createElement('canvas');
  tile.width = size;
  tile.height = size;
  const draw = tile.getContext('2d')!;
  draw.fillStyle = color;
  draw.fillRect(0, 0, size, size);
  draw.strokeStyle = surface;
  draw.globalAlpha = 0.45;
  for (const shift of [-size, 0, size]) {
    draw.moveTo(shift, size);
    draw.lineTo(shift + size, 0);
  }
  draw.stroke();
  return ctx.createPattern(tile, 'repeat') ?? color;
}

/** Marks where the axis is folded, and says how long nothing happened. */
function paintSilences(u: uPlot, { axis, colors }: PlotFrame): void {
  const { ctx } = u;
  const { top, height } = u.bbox;
  ctx.font = `${11 * devicePixelRatio}px system-ui, sans-serif`;
  ctx.textAlign = 'center';
  for (const [from, to] of axis.folded) {
    const [left, right] = [from, to].map((timeNs) => u.valToPos(axis.toPlace(timeNs), 'x', true));
    ctx.fillStyle = stripes(ctx, colors.surface, colors.line);
    ctx.fillRect(left, top, right - left, height);
    ctx.fillStyle = colors.muted;
    ctx.save();
    ctx.translate((left + right) / 2, top + height / 2);
    ctx.rotate(-Math.PI / 2);
    ctx.fillText(`${duration(to - from)} silent`, 0, 4 * devicePixelRatio);
    ctx.restore();
  }
}

function paintChanges(u: uPlot, { axis, changes, colors }: PlotFrame): void {
  const { ctx } = u;
  const { top, height } = u.bbox;
  ctx.strokeStyle = colors.accent;
  ctx.lineWidth = devicePixelRatio;
  ctx.setLineDash([3 * devicePixelRatio, 3 * devicePixelRatio]);
  ctx.beginPath();
  for (const timeNs of changes) {
    const x = u.valToPos(axis.toPlace(timeNs), 'x', true);
    ctx.moveTo(x, top);
    ctx.lineTo(x, top + height);
  }
  ctx.stroke();
  ctx.setLineDash([]);
}

/** How many entries there are, as steps. */
function paintLine(u: uPlot, { axis, times, entries, colors, to }: LineFrame): void {
  if (times.length === 0) return;
  const { ctx } = u;
  const x = (timeNs: number) => u.valToPos(axis.toPlace(timeNs), 'x', true);
  const y = (value: number) => u.valToPos(value, 'y', true);
  const end = Math.min(u.valToPos(to, 'x', true), u.valToPos(axis.max, 'x', true));
  ctx.beginPath();
  ctx.moveTo(x(times[0]), y(entries[0]));
  for (let i = 1; i < times.length; i++) {
    ctx.lineTo(x(times[i]), y(entries[i - 1]));
    ctx.lineTo(x(times[i]), y(entries[i]));
  }
  ctx.lineTo(end, y(entries[entries.length - 1]));
  ctx.strokeStyle = colors.accent;
  ctx.lineWidth = 1.5 * devicePixelRatio;
  ctx.stroke();
  ctx.lineTo(end, y(0));
  ctx.lineTo(x(times[0]), y(0));
  ctx.fillStyle = colors.accent;
  ctx.globalAlpha = 0.14;
  ctx.fill();
  ctx.globalAlpha = 1;
}
