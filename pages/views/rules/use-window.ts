/** Which lines of a long list are in sight. */
import type { RefObject } from 'preact';
import { useLayoutEffect, useState } from 'preact/hooks';

const MORE = 12;

/** The first line in sight of the element of REF, and the one behind the last, of COUNT lines HEIGHT pixels high. */
export function useWindow(
  ref: RefObject<HTMLElement | null>,
  count: number,
  height: number,
): readonly [number, number] {
  const [range, setRange] = useState<readonly [number, number]>([0, 60]);
  useLayoutEffect(() => {
    const element = ref.current!;
    const look = () => {
      const first = Math.max(0, Math.floor(element.scrollTop / height) - MORE);
      const end = Math.ceil((element.scrollTop + element.clientHeight) / height) + MORE;
      setRange((before) => (before[0] === first && before[1] === end ? before : [first, end]));
    };
    look();
    const observer = new ResizeObserver(look);
    observer.observe(element);
    element.addEventListener('scroll', look, { passive: true });
    return () => {
      observer.disconnect();
      element.removeEventListener('scroll', look);
    };
  }, [ref, height]);
  return [Math.min(range[0], Math.max(0, count - 1)), Math.min(range[1], count)];
}

/** Whether the page fits QUERY, such as `(max-width: 700px)`. */
export function useMedia(query: string): boolean {
  const [fits, setFits] = useState(() => matchMedia(query).matches);
  useLayoutEffect(() => {
    const list = matchMedia(query);
    const look = () => setFits(list.matches);
    look();
    list.addEventListener('change', look);
    return () => list.removeEventListener('change', look);
  }, [query]);
  return fits;
}

/** The height from the top of the element of REF to the bottom of the window, in pixels. */
export function useRestOfWindow(ref: RefObject<HTMLElement | null>): number {
  const [height, setHeight] = useState(600);
  useLayoutEffect(() => {
    const look = () => setHeight(innerHeight - ref.current!.getBoundingClientRect().top - scrollY);
    look();
    const observer = new ResizeObserver(look);
    observer.observe(document.documentElement);
    addEventListener('resize', look);
    return () => {
      observer.disconnect();
      removeEventListener('resize', look);
    };
  }, [ref]);
  return height;
}
