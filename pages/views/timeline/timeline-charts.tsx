import { useMemo, useRef, useState } from 'preact/hooks';
import { binWidthOf } from '../../../explain/report/format/bin-widths.js';
import { type RulesSection, type TimelineEvent, VERDICTS } from '../../../explain/report/format/model.js';
import type { Result, TimelineColumns } from '../../data/result.js';
import { silencesIn, timeAxis } from '../../data/time-folding.js';
import { type Bars, barsOfBins, barsOfPackets, hasPackets, type Range } from '../../data/timeline-bars.js';
import { useLoaded } from '../../parts/use-loaded.js';
import { useWidth } from '../../parts/use-width.js';
import type { ViewProps } from '../../selection.js';
import { duration } from '../../words/times.js';
import { BarsTable } from './bars-table.js';
import { Brush } from './brush.js';
import { BarsChart, LineChart, type Measure } from './charts.js';
import { EventLane, EventList } from './events.js';
import { Legend } from './legend.js';
import { LEFT, RIGHT, wordsOf } from './place.js';
import { Toolbar } from './toolbar.js';
import { useZoom } from './use-zoom.js';

/** A bar is at least so wide. */
const BAR_PIXELS = 5;

export interface TimelineChartsProps extends ViewProps {
  readonly timeline: TimelineColumns;
  readonly events: readonly TimelineEvent[];
  readonly rules: RulesSection;
}

export function TimelineCharts(props: TimelineChartsProps) {
  const { result, rows, selection, select, timeline, events, rules } = props;
  const { start, timeline: bins } = result.index;
  const measure = useState<Measure>('packets');
  const isAbsolute = useState(false);
  const [isFolding, setFolding] = useState<boolean>();
  const [hovered, setHovered] = useState<number>();
  const box = useRef<HTMLDivElement>(null);
  const width = useWidth(box);
  const { time } = selection.filter;

  const { binNs } = bins;
  const { bin } = timeline;
  // Bins may be there for the size of the connection table alone.
  const silences = useMemo(
    () =>
      silencesIn(
        bin.filter((_, row) => hasPackets(timeline, row)),
        binNs,
      ),
    [timeline],
  );
  const isFolded = isFolding ?? silences.areLong;
  const axis = useMemo(
    () => timeAxis(bin[0] * binNs, (bin[bin.length - 1] + 1) * binNs, isFolded ? silences.list : []),
    [silences, isFolded],
  );
  const zoom = useZoom(axis, box);
  const inner = Math.max(1, width - LEFT - RIGHT);
  const wanted = binWidthOf(((zoom.to - zoom.from) * BAR_PIXELS) / inner);
  const { whole, chosen } = useBars(result, {
    timeline,
    rows,
    range: [axis.toTime(zoom.from), axis.toTime(zoom.to)],
    wanted,
  });

  const changes = useMemo(() => events.flatMap(({ kind, timeNs }) => (kind === 'change' ? [timeNs] : [])), [events]);
  const choose = (range: Range | undefined) => {
    const { time: _, ...rest } = selection.filter;
    // A rule that is open may not have been there then.
    select({ filter: range === undefined ? rest : { ...rest, time: range }, openRule: undefined });
  };
  const place = { axis, from: zoom.from, to: zoom.to, inner, start: isAbsolute[0] ? start : undefined };
  const entries = useMemo(() => entriesOf(timeline, binNs), [timeline]);
  return (
    <>
      <Toolbar
        {...{ measure, isAbsolute, axis, zoom, time, choose }}
        isFolding={silences.list[0] && [isFolded, setFolding]}
      />
      <Legend {...{ whole, chosen, hovered }} measure={measure[0]} />
      <div class="timeline-plots" ref={box}>
        <p class="plot-title">
          {measure[0]} per {duration(whole.widthNs)}
        </p>
        {width > 0 && <BarsChart {...{ place, changes, whole, chosen }} measure={measure[0]} />}
        <EventLane {...{ events, place, choose }} />
        <p class="plot-title">connections</p>
        {width > 0 && entries.times.length > 0 && <LineChart {...{ place, changes }} {...entries} />}
        <Brush {...{ place, time, choose, widthNs: whole.widthNs }} hover={setHovered} />
      </div>
      <p class="timeline-note">
        Drag to select a time range. Ctrl + wheel zooms. Click an event to select the time after it.
      </p>
      <EventList {...{ events, rules, selection, select, choose, place }} />
      <BarsTable {...{ timeline, binNs }} bars={whole} name={(timeNs) => wordsOf(place, timeNs)} />
    </>
  );
}

interface WantedBars {
  readonly timeline: TimelineColumns;
  readonly rows: Uint32Array | undefined;
  readonly range: Range;
  /** How wide they would be best. */
  readonly wanted: number;
}

/** All packets as bars, and those that the filter chooses. */
function useBars(result: Result, { timeline, rows, range, wanted }: WantedBars): { whole: Bars; chosen?: Bars } {
  const { packets, timeline: bins } = result.index;
  // Bins may be wider than wanted: packets tell more, if all are there.
  const isFine = wanted < bins.binNs && packets.leftOut === 0;
  const isNeeded = isFine || rows !== undefined;
  const { value: detail } = useLoaded(async () => (isNeeded ? packetsOf(result) : undefined), [result, isNeeded]);
  const widthNs = isFine && detail ? wanted : Math.max(wanted, bins.binNs);
  const inputs = [range[0], range[1], widthNs, detail];
  const whole = useMemo(() => {
    if (isFine && detail) return barsOfPackets(detail.packets, detail.verdictOf, undefined, range, widthNs);
    return barsOfBins(timeline, bins.binNs, range, widthNs);
  }, [timeline, ...inputs]);
  const chosen = useMemo(
    () => (rows && detail ? barsOfPackets(detail.packets, detail.verdictOf, rows, range, widthNs) : undefined),
    [rows, ...inputs],
  );
  return { whole, ...(chosen && { chosen }) };
}

async function packetsOf(result: Result) {
  const [packets, traversals] = await Promise.all([result.packets(), result.traversals()]);
  return { packets, verdictOf: Uint8Array.from(traversals, ({ verdict }) => VERDICTS.indexOf(verdict)) };
}

/** When the connection table had how many entries, as far as that was counted. */
function entriesOf({ bin, connections }: TimelineColumns, binNs: number): { times: number[]; entries: number[] } {
  const counted = Array.from(bin.keys()).filter((row) => connections[row] >= 0);
  return { times: counted.map((row) => (bin[row] + 1) * binNs), entries: counted.map((row) => connections[row]) };
}
