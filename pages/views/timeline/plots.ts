/** The charts of a timeline: what of them is drawn on canvases. */
import { VERDICTS } from '../../../explain/report/format/model.js';
import type { TimeAxis } from '../../data/time-folding.js';
import type { Bars } from '../../data/timeline-bars.js';
import { ChartCanvas, roundTicks } from '../../parts/chart-canvas.js';
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
  readonly paint: (chart: ChartCanvas, frame: Frame) => void;
}

function plot<Frame extends PlotFrame>(
  container: HTMLElement,
  first: Frame,
  { height, hasTimes, most, words, paint }: PlotOptions<Frame>,
): Plot<Frame> {
  const chart = new ChartCanvas(container);
  const draw = (frame: Frame) => {
    const { width, from, to, colors } = frame;
    const margin = { top: 10, right: RIGHT, bottom: hasTimes ? 38 : 6, left: LEFT };
    const top = Math.max(1, most(frame)) * 1.06;
    const ticks = ticksOf(frame);
    const labels = hasTimes ? labelsOf(frame, ticks) : [];
    chart.draw(
      {
        ...{ width, height, margin, colors, x: [from, to], y: [0, top] },
        xTicks: ticks.map((at, i) => ({ at, label: labels[i] ?? '' })),
        yTicks: roundTicks(top, height - margin.top - margin.bottom).map((at) => ({ at, label: words(at, frame) })),
      },
      () => {
        paintSilences(chart, frame);
        paint(chart, frame);
        paintChanges(chart, frame);
      },
    );
  };
  draw(first);
  return { draw, remove: () => chart.remove() };
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

function paintBars(chart: ChartCanvas, frame: BarsFrame): void {
  const { whole, chosen, measure, colors } = frame;
  const verdicts = stacked(measure);
  if (chosen !== undefined) {
    const counts = countsOf(whole, measure);
    const totals = whole.starts.map((_, bar) => verdicts.reduce((sum, verdict) => sum + counts[verdict][bar], 0));
    paintStack(chart, frame, whole, [{ values: totals, fill: colors.line }]);
  }
  const bars = chosen ?? whole;
  const counts = countsOf(bars, measure);
  const layers = verdicts.map((verdict) => {
    const color = colors[VERDICTS[verdict]];
    return {
      values: counts[verdict],
      fill: STRIPED.includes(verdict) ? stripes(chart.ctx, color, colors.surface) : color,
    };
  });
  paintStack(chart, frame, bars, layers);
}

interface Layer {
  readonly values: ArrayLike<number>;
  readonly fill: string | CanvasPattern;
}

function paintStack(
  chart: ChartCanvas,
  { axis }: PlotFrame,
  { starts, widthNs }: Bars,
  layers: readonly Layer[],
): void {
  const { ctx } = chart;
  const least = LEAST_PIXELS * devicePixelRatio;
  const x = (timeNs: number) => Math.round(chart.x(axis.toPlace(timeNs)));
  for (const [bar, start] of starts.entries()) {
    const left = x(start);
    const width = Math.max(x(start + widthNs) - left - devicePixelRatio, least);
    let below = 0;
    let bottom = chart.y(0);
    for (const { values, fill } of layers) {
      const value = values[bar];
      if (value === 0) continue;
      below += value;
      const top = Math.min(chart.y(below), bottom - least);
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
function paintSilences(chart: ChartCanvas, { axis, colors }: PlotFrame): void {
  const { ctx } = chart;
  const { top, height } = chart.box;
  ctx.font = `${11 * devicePixelRatio}px system-ui, sans-serif`;
  ctx.textAlign = 'center';
  for (const [from, to] of axis.folded) {
    const [left, right] = [from, to].map((timeNs) => chart.x(axis.toPlace(timeNs)));
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

function paintChanges(chart: ChartCanvas, { axis, changes, colors }: PlotFrame): void {
  const { ctx } = chart;
  const { top, height } = chart.box;
  ctx.strokeStyle = colors.accent;
  ctx.lineWidth = devicePixelRatio;
  ctx.setLineDash([3 * devicePixelRatio, 3 * devicePixelRatio]);
  ctx.beginPath();
  for (const timeNs of changes) {
    const x = chart.x(axis.toPlace(timeNs));
    ctx.moveTo(x, top);
    ctx.lineTo(x, top + height);
  }
  ctx.stroke();
  ctx.setLineDash([]);
}

/** How many entries there are, as steps. */
function paintLine(chart: ChartCanvas, { axis, times, entries, colors, to }: LineFrame): void {
  if (times.length === 0) return;
  const { ctx } = chart;
  const x = (timeNs: number) => chart.x(axis.toPlace(timeNs));
  const y = (value: number) => chart.y(value);
  const end = Math.min(chart.x(to), chart.x(axis.max));
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
