import type { RefObject } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { ScrollPosition } from '../data/row-window.js';

/** How long nobody has to scroll before the scroll bar is brought to where the rows are. */
const SETTLE_MS = 150;

export interface ScrolledTable {
  readonly scroller: RefObject<HTMLDivElement | null>;
  readonly head: RefObject<HTMLTableSectionElement | null>;
  readonly position: ScrollPosition;
  /** Of what shows the table, in pixels; 0: not known yet. */
  readonly width: number;
  readonly onScroll: () => void;
  /** Carries out MOVE, which returns the scrollTop that the scroller has to have, and draws the rows again. */
  readonly move: (move: (position: ScrollPosition) => number) => void;
}

/** The scroll position of a table of ROWS rows, in the elements that it returns. */
export function useScrollPosition(rows: number, rowHeight: (width: number) => number): ScrolledTable {
  const scroller = useRef<HTMLDivElement>(null);
  const head = useRef<HTMLTableSectionElement>(null);
  const timer = useRef(0);
  const wanted = useRef(-1);
  const [position] = useState(() => new ScrollPosition());
  const [size, setSize] = useState({ width: 0, height: 0 });
  const [, draw] = useState(0);
  const move: ScrolledTable['move'] = (change) => {
    const scrollTop = change(position);
    const element = scroller.current;
    if (element && element.scrollTop !== scrollTop) {
      element.scrollTop = scrollTop;
      // As long as what is scrolled has not grown yet, it cannot be scrolled that far.
      if (element.scrollTop < scrollTop) wanted.current = scrollTop;
    }
    draw((version) => version + 1);
  };
  useLayoutEffect(() => {
    if (wanted.current >= 0 && scroller.current) scroller.current.scrollTop = wanted.current;
    wanted.current = -1;
  });
  useEffect(() => {
    const element = scroller.current;
    if (!element) return;
    const measure = () => {
      const { clientWidth: width, clientHeight } = element;
      setSize({ width, height: Math.max(0, clientHeight - (head.current?.offsetHeight ?? 0)) });
    };
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    measure();
    return () => {
      observer.disconnect();
      clearTimeout(timer.current);
    };
  }, []);
  useLayoutEffect(() => {
    move((it) => it.resize({ rows, rowHeight: rowHeight(size.width), viewHeight: size.height }));
  }, [rows, rowHeight, size.width, size.height]);
  const onScroll = () => {
    const scrollTop = scroller.current?.scrollTop ?? 0;
    move((it) => it.scrolled(scrollTop));
    clearTimeout(timer.current);
    timer.current = setTimeout(() => move((it) => it.settled()), SETTLE_MS) as unknown as number;
  };
  return { scroller, head, position, width: size.width, onScroll, move };
}
