import type { RefObject } from 'preact';
import { useEffect, useState } from 'preact/hooks';

/** As wide as paper is: nobody is told before something is printed. */
const PAPER_PX = 700;

/** How wide the element of REF is, in CSS pixels; 0 until it is there. */
export function useWidth(ref: RefObject<HTMLElement | null>): number {
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const element = ref.current;
    if (!element) return;
    const measure = () => setWidth(Math.floor(element.clientWidth));
    const print = () => setWidth(Math.min(element.clientWidth, PAPER_PX));
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    addEventListener('beforeprint', print);
    addEventListener('afterprint', measure);
    return () => {
      observer.disconnect();
      removeEventListener('beforeprint', print);
      removeEventListener('afterprint', measure);
    };
  }, [ref]);
  return width;
}
