/** Colours of the theme for what is drawn on a canvas, which knows no variables. */
import { useEffect, useState } from 'preact/hooks';

export type Colors<Name extends string> = Readonly<Record<Name, string>>;

/** What the variables NAMES, without their dashes, stand for now: each as `rgb(…)`. */
function readColors<Name extends string>(names: readonly Name[]): Colors<Name> {
  const probe = document.createElement('i');
  document.body.append(probe);
  const colors = names.map((name) => {
    probe.style.color = `var(--${name})`;
    return [name, getComputedStyle(probe).color];
  });
  probe.remove();
  return Object.fromEntries(colors) as Colors<Name>;
}

/** The same; renders again when the theme changes, or the page is printed. NAMES: the same at each call. */
export function useColors<Name extends string>(names: readonly Name[]): Colors<Name> {
  const [colors, setColors] = useState(() => readColors(names));
  useEffect(() => {
    const read = () => setColors(readColors(names));
    const queries = ['(prefers-color-scheme: dark)', 'print'].map((query) => matchMedia(query));
    for (const query of queries) query.addEventListener('change', read);
    const observer = new MutationObserver(read);
    observer.observe(document.documentElement, { attributeFilter: ['data-theme'] });
    return () => {
      for (const query of queries) query.removeEventListener('change', read);
      observer.disconnect();
    };
  }, [names]);
  return colors;
}
