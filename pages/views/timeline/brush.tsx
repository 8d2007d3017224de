import { useRef, useState } from 'preact/hooks';
import type { Range } from '../../data/timeline-bars.js';
import { type ChartPlace, pixelOf, timeAt, wordsOf } from './place.js';

/** A pointer that moved less has only clicked. */
const CLICK_PIXELS = 4;
const LARGE_STEP = 10;

interface BrushProps {
  readonly place: ChartPlace;
  readonly time: Range | undefined;
  /** Of a bar: choices begin and end with bars. */
  readonly widthNs: number;
  readonly choose: (time: Range | undefined) => void;
  /** The pointer is at this time. */
  readonly hover: (timeNs: number | undefined) => void;
}

/** Lies over the charts. Chooses a time by mouse, finger (up and down still scrolls the page) or keys. */
export function Brush({ place, time, widthNs, choose, hover }: BrushProps) {
  const { axis, inner } = place;
  const area = useRef<HTMLDivElement>(null);
  /** Where the pointer went down, and the other end of what it draws. */
  const origin = useRef<{ x: number; timeNs: number; isHandle: boolean } | undefined>(undefined);
  const [draft, setDraft] = useState<Range>();
  const [at, setAt] = useState<number>();
  /** Keys may come faster than the page is rendered. */
  const latest = useRef(time);
  latest.current = time;
  const snapped = (a: number, b: number): Range => {
    const first = Math.floor(Math.min(a, b) / widthNs);
    return [first * widthNs, Math.max(Math.ceil(Math.max(a, b) / widthNs), first + 1) * widthNs - 1];
  };
  const xOf = (event: PointerEvent) => event.clientX - (area.current?.getBoundingClientRect().left ?? 0);
  const all: Range = [axis.toTime(axis.min), axis.toTime(axis.max) - 1];
  const shown = draft ?? time;

  const down = (event: PointerEvent, other?: number) => {
    if (event.button !== 0) return;
    event.stopPropagation();
    const x = xOf(event);
    area.current?.setPointerCapture(event.pointerId);
    origin.current = { x, timeNs: other ?? timeAt(place, x), isHandle: other !== undefined };
  };
  const move = (event: PointerEvent) => {
    const x = xOf(event);
    const timeNs = timeAt(place, x);
    const from = origin.current;
    setAt(x);
    hover(timeNs);
    if (from && (from.isHandle || Math.abs(x - from.x) >= CLICK_PIXELS)) setDraft(snapped(from.timeNs, timeNs));
  };
  const up = () => {
    const isClick = draft === undefined && origin.current?.isHandle === false;
    if (draft) choose(draft);
    else if (isClick && time) choose(undefined);
    cancel();
  };
  const cancel = () => {
    origin.current = undefined;
    setDraft(undefined);
  };
  const leave = () => {
    setAt(undefined);
    hover(undefined);
  };
  const key = (event: KeyboardEvent, end: 0 | 1) => {
    const bars = MOVES[event.key];
    if (event.key === 'Escape') choose(undefined);
    if (!bars) return;
    event.preventDefault();
    const before = latest.current ?? all;
    const next = before[end] + bars * widthNs * (event.shiftKey ? LARGE_STEP : 1);
    const other = before[1 - end];
    const [first, last] = end === 0 ? [Math.min(next, other), other] : [other, Math.max(next, other)];
    latest.current = snapped(Math.max(first, all[0]), Math.min(last, all[1]));
    choose(latest.current);
  };

  const edges = (shown ?? all).map((timeNs, end) => Math.max(0, Math.min(pixelOf(place, timeNs + end), inner)));
  return (
    <div
      class="brush"
      ref={area}
      onPointerDown={(event) => down(event)}
      onPointerMove={move}
      onPointerUp={up}
      onPointerCancel={cancel}
      onPointerLeave={leave}
    >
      {at !== undefined && (
        <div class="brush-at" style={{ left: `${Math.max(0, Math.min(at, inner))}px` }}>
          <span>{wordsOf(place, timeAt(place, at))}</span>
        </div>
      )}
      {shown && <div class="brush-range" style={{ left: `${edges[0]}px`, width: `${edges[1] - edges[0]}px` }} />}
      {([0, 1] as const).map((end) => (
        <div
          key={end}
          class={`brush-handle${shown ? '' : ' idle'}`}
          role="slider"
          tabIndex={0}
          aria-label={end === 0 ? 'Choose time from' : 'Choose time to'}
          aria-valuemin={all[0] / 1e9}
          aria-valuemax={all[1] / 1e9}
          aria-valuenow={(shown ?? all)[end] / 1e9}
          aria-valuetext={wordsOf(place, (shown ?? all)[end])}
          style={{ left: `${edges[end]}px` }}
          onPointerDown={(event) => down(event, (time ?? all)[1 - end])}
          onKeyDown={(event) => key(event, end)}
        />
      ))}
    </div>
  );
}

/** Where keys move an end. */
const MOVES: Readonly<Record<string, number>> = {
  ArrowLeft: -1,
  ArrowDown: -1,
  ArrowRight: 1,
  ArrowUp: 1,
  Home: Number.NEGATIVE_INFINITY,
  End: Number.POSITIVE_INFINITY,
};
