/** The charts of a timeline. */
import type { ComponentChildren } from 'preact';
import { VERDICTS } from '../../../explain/report/format/model.js';
import type { Bars } from '../../data/timeline-bars.js';
import { bytesInWords, grouped } from '../../words/numbers.js';
import { firstTick, tickStep, timeWords } from '../../words/time-ticks.js';
import { duration } from '../../words/times.js';
import { type ChartPlace, LEFT, pixelOf, RIGHT } from './place.js';

export type Measure = 'packets' | 'bytes' | 'drops';

const BARS_HEIGHT = 240;
const LINE_HEIGHT = 90;
const TIMES_HEIGHT = 26;
const TOP = 8;
const TICK_PIXELS = 92;
const GRID_PIXELS = 36;
/** So much is always seen of something. */
const LEAST_PIXELS = 2;

const DROPS: readonly number[] = [VERDICTS.indexOf('dropped'), VERDICTS.indexOf('rejected')];
/** Drops are the lowest, where they can be compared from bar to bar. */
const STACKED = [...DROPS, ...VERDICTS.map((_, verdict) => verdict).filter((verdict) => !DROPS.includes(verdict))];

/** The verdicts that MEASURE shows, from the lowest of a bar to the highest. */
export function stacked(measure: Measure): readonly number[] {
  return measure === 'drops' ? DROPS : STACKED;
}

export function countsOf(bars: Bars, measure: Measure): readonly Float64Array[] {
  return measure === 'bytes' ? bars.bytes : bars.packets;
}

interface ChartProps {
  readonly place: ChartPlace;
  /** When something was changed. */
  readonly changes: readonly number[];
}

/** Packets by verdict. CHOSEN: what the filter chooses of the WHOLE; undefined: all. */
export function BarsChart(
  props: ChartProps & { readonly measure: Measure; readonly whole: Bars; readonly chosen: Bars | undefined },
) {
  const { place, measure, whole, chosen } = props;
  const verdicts = stacked(measure);
  const counts = countsOf(whole, measure);
  const totals = whole.starts.map((_, bar) => verdicts.reduce((sum, verdict) => sum + counts[verdict][bar], 0));
  const words = measure === 'bytes' ? bytesInWords : grouped;
  return (
    <Chart {...props} height={BARS_HEIGHT} most={Math.max(1, ...totals)} words={words} label={`${measure} by verdict`}>
      {(y) => {
        const bars = chosen ?? whole;
        const layers = verdicts.map((verdict) => countsOf(bars, measure)[verdict]);
        const paths = stack(bars, layers, place, y);
        return (
          <>
            {chosen && <path class="whole" d={stack(whole, [totals], place, y)[0]} />}
            {verdicts.map((verdict, i) => (
              <path key={verdict} class={VERDICTS[verdict]} d={paths[i]} />
            ))}
            <path fill="url(#stripes)" d={paths[0] + paths[1]} />
          </>
        );
      }}
    </Chart>
  );
}

/** How many ENTRIES the connection table had at which TIMES. */
export function LineChart(
  props: ChartProps & { readonly times: readonly number[]; readonly entries: readonly number[] },
) {
  const { place, times, entries } = props;
  return (
    <Chart {...props} height={LINE_HEIGHT} most={Math.max(1, ...entries)} words={grouped} label="connections" hasTimes>
      {(y) => {
        const points = times.map((timeNs, i) => `H${short(pixelOf(place, timeNs))}V${short(y(entries[i]))}`).join('');
        const line = `M${short(pixelOf(place, times[0]))} ${short(y(entries[0]))}${points}`;
        return <path class="entries" d={`${line}H${place.inner}`} />;
      }}
    </Chart>
  );
}

/** Axes, and between them what CHILDREN draws; Y: where values are. */
function Chart(
  props: ChartProps & {
    readonly height: number;
    readonly most: number;
    readonly words: (value: number) => string;
    readonly label: string;
    readonly hasTimes?: boolean;
    readonly children: (y: (value: number) => number) => ComponentChildren;
  },
) {
  const { place, changes, height, most, words, label, hasTimes, children } = props;
  const { inner, axis } = place;
  const y = (value: number) => height - (value / most) * (height - TOP);
  const ticks = ticksOf(place);
  const step = roundAbove((most * GRID_PIXELS) / height);
  const values = Array.from({ length: Math.floor(most / step) + 1 }, (_, i) => i * step);
  const all = height + (hasTimes ? TIMES_HEIGHT : 4);
  return (
    <svg class="chart" width={LEFT + inner + RIGHT} height={all} role="img" aria-label={`${label} over time`}>
      <pattern id="stripes" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
        <path class="stripe" d="M0 0h2v5h-2z" />
      </pattern>
      {values.map((value) => (
        <text key={value} class="value" x={LEFT - 8} y={y(value) + 4}>
          {words(value)}
        </text>
      ))}
      {hasTimes &&
        ticks.map(({ x, text }) => (
          <text key={text} x={LEFT + x} y={height + 20}>
            {text}
          </text>
        ))}
      <svg x={LEFT} width={inner} height={height} aria-hidden="true">
        <path
          class="grid"
          d={
            values.map((value) => `M0 ${short(y(value))}H${inner}`).join('') +
            ticks.map(({ x }) => upright(x, height)).join('')
          }
        />
        {axis.folded.map(([from, to]) => {
          const [left, right] = [pixelOf(place, from), pixelOf(place, to)];
          return (
            <g key={from} class="silence" transform={`translate(${short(left)})`}>
              <rect width={Math.max(0, right - left)} height={height} />
              <text transform={`translate(${short((right - left) / 2 + 4)} ${height / 2})rotate(-90)`}>
                {hasTimes ? '' : `${duration(to - from)} silent`}
              </text>
            </g>
          );
        })}
        {children(y)}
        <path class="changes" d={changes.map((timeNs) => upright(pixelOf(place, timeNs), height)).join('')} />
      </svg>
    </svg>
  );
}

const short = (value: number): number => Math.round(value * 10) / 10;
const upright = (x: number, height: number): string => `M${short(x)} 0V${height}`;

/** 1, 2 or 5 times a power of ten, a whole number that is at least VALUE. */
function roundAbove(value: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, value)));
  return ([1, 2, 5].find((times) => times * power >= value) ?? 10) * power;
}

/** Bars with LAYERS on each other, the first at the bottom: a path for each of them. */
function stack(
  { starts, widthNs }: Bars,
  layers: readonly ArrayLike<number>[],
  place: ChartPlace,
  y: (value: number) => number,
): string[] {
  const paths = layers.map(() => '');
  for (const [bar, start] of starts.entries()) {
    const left = Math.round(pixelOf(place, start));
    const width = Math.max(Math.round(pixelOf(place, start + widthNs)) - left - 1, LEAST_PIXELS);
    let below = 0;
    let bottom = short(y(0));
    for (const [i, values] of layers.entries()) {
      if (values[bar] === 0) continue;
      below += values[bar];
      const top = short(Math.min(y(below), bottom - LEAST_PIXELS));
      paths[i] += `M${left} ${top}h${width}V${bottom}h${-width}z`;
      bottom = top;
    }
  }
  return paths;
}

function ticksOf(place: ChartPlace): { x: number; text: string }[] {
  const { axis, from, to, inner, start } = place;
  const step = tickStep(((to - from) * TICK_PIXELS) / inner);
  const ticks: { x: number; text: string }[] = [];
  let next = firstTick(axis.toTime(from), step, start);
  for (let before = Number.NEGATIVE_INFINITY; axis.toPlace(next) <= to; ) {
    const x = pixelOf(place, next);
    const silence = axis.folded.find(([begin, end]) => next > begin && next < end);
    if (silence === undefined && x - before > TICK_PIXELS / 2) {
      ticks.push({ x, text: timeWords(Math.round(next), step, start) });
      before = x;
    }
    next = silence === undefined ? next + step : Math.max(next + step, firstTick(silence[1], step, start));
  }
  return ticks;
}
