/** What somebody looks at. It stands in the address of the page, so that it can be sent to others. */
import type { HookName, TableName } from '../core/hooks.js';
import type { Place } from '../explain/report/format/places.js';
import type { Verdict } from '../explain/story/story.js';
import type { ReportData } from './data/report-data.js';
import type { Result } from './data/result.js';

export type ViewName = 'Host' | 'Connections' | 'Rules' | 'Packets' | 'Timeline' | 'Comparison' | 'Bench';

/** Chooses packets; all that is there has to fit. Each view shows what it has of these packets. */
export interface Filter {
  /** Of packets: a sentence, or plain text. */
  readonly text?: string;
  /** From and to, in nanoseconds from the first packet. */
  readonly time?: readonly [number, number];
  readonly verdict?: Verdict;
  /** Packets that came through it. */
  readonly hook?: HookName;
  readonly table?: TableName;
  readonly chain?: number;
  /** Packets that a rule was compared with; or, if `isMatched`, that it matched. */
  readonly rule?: number;
  readonly isMatched?: boolean;
  readonly connection?: number;
  /** By which interface it came, and where it went, with the numbers of `inDev` and `outDev` of PACKET_COLUMNS. */
  readonly inDev?: number;
  readonly outDev?: number;
  /** Where in the host its traversal ended, by being dropped for instance. */
  readonly end?: Place;
}

export interface Selection {
  readonly view: ViewName;
  /** Which of the report's results; absent: the first. */
  readonly result?: number;
  /** All results are shown, one beside the other; what is chosen by number is of `result`. */
  readonly isBeside?: boolean;
  readonly filter: Filter;
  /** The row of the packet that is open. */
  readonly packet?: number;
  /** Which step of its traversal. */
  readonly step?: number;
  /** The connection that is open as a ladder; `filter.connection` is another matter. */
  readonly ladder?: number;
  /** The rule that is open in Rules. */
  readonly openRule?: number | undefined;
}

/** What each view is given. */
export interface ViewProps {
  readonly report: ReportData;
  readonly result: Result;
  readonly selection: Selection;
  /** The packets that the filter chooses; undefined: all. */
  readonly rows: Uint32Array | undefined;
  /** CHANGE takes the place of what the selection has by the same name. */
  readonly select: (change: Partial<Selection>) => void;
}
