/** A report that is served while it grows (cli/view): its index, its sections, and word of each new version. */
import type { ReportIndex } from '../../explain/report/format/model.js';
import type { SectionSource } from '../data/report-data.js';

/** How long what has just come stays, before newer things take its place. */
const PAUSE_MS = 400;

export interface Served {
  readonly index: ReportIndex;
  /** Its sections, of the same moment as the index. */
  readonly source: SectionSource;
}

/** Undefined: nothing has been read yet. */
async function readServed(): Promise<Served | undefined> {
  const answer = await fetch('index', { cache: 'no-store' });
  if (answer.status === 503) return undefined;
  const version = answer.headers.get('X-Report-Version');
  return { index: await answer.json(), source: sourceOf(version === null ? '' : `?version=${version}`) };
}

function sourceOf(query: string): SectionSource {
  return {
    async load(name) {
      const answer = await fetch(`sections/${name}${query}`, { cache: 'no-store' });
      if (!answer.ok) throw new Error(`${name}: ${await answer.text()}`);
      return new Uint8Array(await answer.arrayBuffer());
    },
  };
}

/** How it is with whoever serves the report: still there, away for the moment, or gone for good. */
export type Connection = 'open' | 'lost' | 'ended';

/**
 * Calls CAME with the report as it is now, and with each newer one, however many there were in between; TOLD when the
 * connection is lost, found again, or ended. Returns what ends that.
 */
export function watchServed(came: (served: Served) => void, told: (connection: Connection) => void): () => void {
  const events = new EventSource('events');
  let isReading = false;
  let isNewer = false;
  const readAll = async () => {
    isNewer = true;
    if (isReading) return;
    isReading = true;
    while (isNewer) {
      isNewer = false;
      try {
        const served = await readServed();
        if (served) came(served);
        told('open');
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      } catch {
        told('lost');
      }
    }
    isReading = false;
  };
  events.addEventListener('grew', readAll);
  events.addEventListener('open', () => told('open'));
  events.addEventListener('error', () => told('lost'));
  events.addEventListener('end', () => {
    events.close();
    told('ended');
  });
  readAll();
  return () => events.close();
}
