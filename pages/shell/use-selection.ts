import { useCallback, useEffect, useState } from 'preact/hooks';
import { fromHash, toHash } from '../data/address-bar.js';
import type { Selection, ViewName } from '../selection.js';

/** The selection in the address of the page, and what changes it. FIRST: the view if the address names none. */
export function useSelection(first: ViewName): [Selection, (change: Partial<Selection>) => void] {
  const [selection, setSelection] = useState(() => fromHash(location.hash, first));
  useEffect(() => {
    const read = () => setSelection(fromHash(location.hash, first));
    addEventListener('popstate', read);
    return () => removeEventListener('popstate', read);
  }, [first]);
  const select = useCallback(
    (change: Partial<Selection>) => {
      const before = fromHash(location.hash, first);
      const next = { ...before, ...change };
      const isStep = next.view === before.view && next.filter === before.filter && next.packet === before.packet;
      history[isStep ? 'replaceState' : 'pushState'](null, '', toHash(next));
      setSelection(next);
    },
    [first],
  );
  return [selection, select];
}
