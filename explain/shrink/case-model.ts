/** A case taken apart: its files, what of them can be left out, and how the rest is written as a case again. */
import type { GoldenCase } from '../../replay/golden-case.js';
import type { FrameOrder } from './frame-order.js';
import type { Selection, Units } from './units.js';

/** A file of the case, of which a part can be left out. */
export interface ModelFile {
  /** Its path in the folder, with `/`. */
  readonly name: string;
  /** What its content depends on. */
  readonly units: readonly number[];
  /** What SELECTION keeps of it; undefined: no such file. */
  content(selection: Selection): Uint8Array | string | undefined;
  /** Of a text: the units of LINES, from 1, of what SELECTION keeps of it. */
  unitsAt?(selection: Selection, lines: ReadonlySet<number>): number[];
}

/** Words of case.json that belong together. */
export interface ModelOption {
  /** Undefined: it stays. */
  readonly unit: number | undefined;
  words(selection: Selection): readonly string[];
}

export interface CaseModel {
  readonly golden: GoldenCase;
  readonly units: Units;
  readonly files: readonly ModelFile[];
  readonly options: readonly ModelOption[];
  readonly order: FrameOrder;
  /** The frames that the replay leaves out, by their units (`--filter`, `--limit` …), and the options that say so. */
  readonly unselected: { readonly frames: readonly number[]; readonly options: readonly number[] };
  /** What was brought into another form so that parts of it can be left out. */
  readonly notes: readonly string[];
}

/** The options of case.json that SELECTION keeps of MODEL. */
export function wordsOf({ options }: CaseModel, selection: Selection): string[] {
  return options.flatMap(({ unit, words }) => (unit === undefined || selection.has(unit) ? words(selection) : []));
}
