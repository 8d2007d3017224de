/** A report as it is made, before it is written into a page or served to one. */
import type { ReportIndex } from './model.js';

export interface Report {
  readonly index: ReportIndex;
  /** By name (`0/packets/3`, `comparison`), each compressed: deflate without a header (RFC 1951). */
  readonly sections: ReadonlyMap<string, Uint8Array>;
}
