import type { RefObject } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { TimeAxis } from '../../data/time-folding.js';
import { LEFT, RIGHT } from './place.js';

/** What is seen of the axis at least, in nanoseconds. */
const LEAST = 1000;

/** The part of an axis that is seen. */
export interface Zoom {
  readonly from: number;
  readonly to: number;
  readonly isWhole: boolean;
  /** Shows the axis from FROM to TO. */
  show(from: number, to: number): void;
  /** Shows FACTOR times as much as now. AT: the part of the width that stays where it is, from 0 to 1. */
  by(factor: number, at?: number): void;
  reset(): void;
}

/** The wheel over BOX zooms, with Ctrl, and moves to the sides. */
export function useZoom(axis: TimeAxis, box: RefObject<HTMLElement | null>): Zoom {
  const [shown, setShown] = useState<readonly [number, number]>();
  const { min, max } = axis;
  // Another axis has other places.
  useEffect(() => setShown(undefined), [axis.folded]);
  const from = Math.max(min, Math.min(shown?.[0] ?? min, max - LEAST));
  const to = Math.min(max, Math.max(shown?.[1] ?? max, from + LEAST));
  const show = (start: number, end: number) => {
    const isWhole = start <= min && end >= max;
    setShown(isWhole ? undefined : [start, Math.max(end, start + LEAST)]);
  };
  const zoom: Zoom = {
    from,
    to,
    isWhole: shown === undefined,
    show,
    by(factor, at = 0.5) {
      const middle = from + (to - from) * at;
      show(middle - (middle - from) * factor, middle + (to - middle) * factor);
    },
    reset: () => setShown(undefined),
  };
  useWheel(box, zoom);
  return zoom;
}

function useWheel(box: RefObject<HTMLElement | null>, zoom: Zoom): void {
  const latest = useRef(zoom);
  latest.current = zoom;
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const turn = (event: WheelEvent) => {
      const { from, to, by, show } = latest.current;
      const { left, width } = element.getBoundingClientRect();
      if (event.ctrlKey) by(1.002 ** event.deltaY, (event.clientX - left - LEFT) / (width - LEFT - RIGHT));
      else if (event.deltaX !== 0 && Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
        const step = ((to - from) * event.deltaX) / width;
        show(from + step, to + step);
      } else return;
      event.preventDefault();
    };
    element.addEventListener('wheel', turn, { passive: false });
    return () => element.removeEventListener('wheel', turn);
  }, [box]);
}
