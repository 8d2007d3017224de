/** What the parts of the picture have in common. */
import type { Place, Stop } from '../../../explain/report/format/places.js';
import type { HostFlow, Strand } from '../../data/diagram/host-flow.js';
import type { Box } from '../../data/diagram/layout.js';
import type { DiagramModel, DiagramSources } from '../../data/diagram/model.js';

export interface DiagramProps extends DiagramSources {
  /** Of the packets that a filter chooses; the same as `flow` without one. */
  readonly chosen: HostFlow;
  /** Where the open packet came through, and the position in that where it is. */
  readonly course?: readonly Stop[] | undefined;
  readonly reached?: number | undefined;
  /** What is looked at: its place, or `in 3,4` for interfaces that share a card. */
  readonly looked?: string | undefined;
  /** Without numbers. */
  readonly isQuiet?: boolean;
  readonly onPlace: (place: string) => void;
  readonly onEnd?: (place: Place, kind: Strand) => void;
}

/** What parts of the picture are given. */
export interface PartProps extends DiagramProps {
  readonly model: DiagramModel;
  /** The places that the open packet came through. */
  readonly visited: ReadonlySet<string>;
}

/** Where a box stands. */
export function boxStyle({ x, y, width, height }: Box) {
  return { left: `${x}px`, top: `${y}px`, width: `${width}px`, height: `${height}px` };
}

/** The classes of a part at PLACE. */
export function partClass(place: string, { visited, looked, course, reached = -1 }: PartProps): string {
  const { place: at, station } = course?.[reached] ?? {};
  return [
    looked === place ? ' looked' : '',
    visited.has(place) ? ' visited' : course ? ' aside' : '',
    at === place ? ' at' : station === place ? ' around' : '',
  ].join('');
}
