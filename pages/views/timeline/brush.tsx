import { useRef, useState } from 'preact/hooks';
import type { Range } from '../../data/timeline-bars.js';
import { type ChartPlace, timeAt, wordsOf } from './place.js';

/** A pointer that moved less has only clicked. */
const CLICK_PIXELS = 4;

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
  const { axis, from, to, inner } = place;
  const area = useRef<HTMLDivElement>(null);
  /** Where the pointer went down. */
  const origin = useRef<number | undefined>(undefined);
  const [draft, setDraft] = useState<Range>();
  const [at, setAt] = useState<number>();
  const snapped = (a: number, b: number): Range => {
    const first = Math.floor(Math.min(a, b) / widthNs);
    return [first * widthNs, Math.max(Math.ceil(Math.max(a, b) / widthNs), first + 1) * widthNs - 1];
  };
  const all: Range = [axis.toTime(axis.min), axis.toTime(axis.max) - 1];
  const shown = draft ?? time;
  /** Keys may come faster than the page is rendered. */
  const latest = useRef(shown);
  latest.current = shown;
  const moved = (end: number, timeNs: number) => {
    const other = (latest.current ?? all)[1 - end];
    latest.current = snapped(timeNs, end === 0 ? Math.max(timeNs, other) : Math.min(timeNs, other));
    choose(latest.current);
  };

  const move = (event: PointerEvent) => {
    const x = Math.max(0, Math.min(event.clientX - area.current!.getBoundingClientRect().left, inner));
    if (event.type === 'pointerdown' && event.button === 0) {
      area.current!.setPointerCapture(event.pointerId);
      origin.current = x;
    }
    setAt(x);
    hover(timeAt(place, x));
    const start = origin.current;
    if (start !== undefined && Math.abs(x - start) >= CLICK_PIXELS)
      setDraft(snapped(timeAt(place, start), timeAt(place, x)));
  };
  const up = () => {
    if (draft || (time && origin.current !== undefined)) choose(draft);
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

  const places = (shown ?? all).map((timeNs, end) => axis.toPlace(timeNs + end));
  const [left, right] = places.map((one) => Math.max(0, Math.min(((one - from) / (to - from)) * inner, inner)));
  return (
    <>
      <div
        class="brush"
        ref={area}
        onPointerDown={move}
        onPointerMove={move}
        onPointerUp={up}
        onPointerCancel={cancel}
        onPointerLeave={leave}
      >
        {at !== undefined && (
          <div class="brush-at" style={{ left: `${at}px` }}>
            <span>{wordsOf(place, timeAt(place, at))}</span>
          </div>
        )}
        {shown && <div class="brush-range" style={{ left: `${left}px`, width: `${right - left}px` }} />}
      </div>
      {['from', 'to'].map((name, end) => (
        <input
          type="range"
          key={name}
          class={`brush-end${shown ? '' : ' idle'}`}
          aria-label={`Choose time ${name}`}
          aria-valuetext={wordsOf(place, (shown ?? all)[end])}
          min={from}
          max={to}
          step={widthNs}
          value={places[end]}
          onInput={(event) => moved(end, axis.toTime(Number(event.currentTarget.value)) - end)}
          onKeyDown={({ key }) => key === 'Escape' && choose(undefined)}
        />
      ))}
    </>
  );
}
