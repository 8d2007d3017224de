import type { RefObject } from 'preact';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import type { Plot, PlotFrame } from './plots.js';

/** A chart that MAKE makes in the element of the returned ref, and that shows FRAME. */
export function usePlot<Frame extends PlotFrame>(
  make: (container: HTMLElement, frame: Frame) => Plot<Frame>,
  frame: Frame,
): RefObject<HTMLDivElement | null> {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<Plot<Frame> | undefined>(undefined);
  useLayoutEffect(() => {
    if (frame.width === 0 || !box.current) return;
    if (plot.current) plot.current.draw(frame);
    else plot.current = make(box.current, frame);
  });
  useEffect(() => () => plot.current?.remove(), []);
  return box;
}
