/** A report that is served while it grows. */
import type { ReportIndex } from '../../explain/report/format/model.js';
import type { SectionSource } from '../data/report-data.js';

export const SERVED: SectionSource = {
  async load(name) {
    const answer = await fetch(`sections/${name}`, { cache: 'no-store' });
    if (!answer.ok) throw new Error(`${name}: ${answer.status} ${answer.statusText}`);
    return new Uint8Array(await answer.arrayBuffer());
  },
};

export async function servedIndex(): Promise<ReportIndex> {
  const answer = await fetch('index', { cache: 'no-store' });
  if (!answer.ok) throw new Error(`${answer.status} ${answer.statusText}`);
  return (await answer.json()) as ReportIndex;
}

/** Calls GREW whenever the report has grown, and LOST when nobody serves it any more. Returns what ends that. */
export function watchServed(grew: () => void, lost: (isLost: boolean) => void): () => void {
  const events = new EventSource('events');
  events.addEventListener('grew', grew);
  events.addEventListener('open', () => lost(false));
  events.addEventListener('error', () => lost(true));
  return () => events.close();
}
