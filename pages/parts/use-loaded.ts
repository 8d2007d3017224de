import { useEffect, useRef, useState } from 'preact/hooks';

/** What a promise came to. While a newer one is on its way, the last value stays, so that nothing flickers. */
export interface Loaded<T> {
  readonly value?: T;
  readonly error?: unknown;
}

/** What LOAD comes to, which is called again when one of INPUTS is another one. */
export function useLoaded<T>(load: (signal: AbortSignal) => Promise<T>, inputs: readonly unknown[]): Loaded<T> {
  const [loaded, setLoaded] = useState<Loaded<T>>({});
  const latest = useRef(load);
  latest.current = load;
  useEffect(() => {
    const controller = new AbortController();
    const isCurrent = () => !controller.signal.aborted;
    latest.current(controller.signal).then(
      (value) => isCurrent() && setLoaded({ value }),
      (error) => isCurrent() && setLoaded({ error }),
    );
    return () => controller.abort();
  }, inputs);
  return loaded;
}
