/** Searches the smallest case that still shows a failure. */
import { isOfFullDisk } from '../../io/file-error.js';
import { pathWithin } from '../../io/path.js';
import { type GoldenCase, optionsOf } from '../../replay/golden-case.js';
import { replay } from '../../replay/replay.js';
import type { TemporaryFolder } from '../../replay/temporary-folder.js';
import type { CaseContent, CaseFile } from '../../replay/write-case.js';
import { CandidateFolder } from './candidate-folder.js';
import { type CaseModel, type ModelFile, wordsOf } from './case-model.js';
import { type Failure, NothingToShowError } from './failure.js';
import { readModel } from './read-case.js';
import { Reduction, type Stage, type Step, Tester } from './reduce.js';
import { likelyFrames } from './traffic.js';
import { Selection, UNIT_KINDS, type UnitKind } from './units.js';

/** How many units of a kind there were, and are. */
export interface Counted {
  readonly kind: UnitKind;
  readonly before: number;
  readonly after: number;
}

export interface ShrinkCounts {
  readonly counted: readonly Counted[];
  /** How many candidates were replayed, how many of these failed to be a case, and how many were known before. */
  readonly tried: number;
  readonly faulty: number;
  readonly known: number;
}

/** Where rules and hosts are smaller, the replays that look for packets are quicker: but packets are most. */
const STAGES: readonly (readonly [name: string, kinds: readonly UnitKind[]])[] = [
  ['claims', ['claim', 'name']],
  ['packets', ['packet']],
  ['inputs', ['input']],
  ['tables', ['table']],
  ['chains', ['chain']],
  ['rules', ['rule', 'command']],
  ['sets', ['set']],
  ['set entries', ['set entry']],
  ['interfaces', ['interface']],
  ['the host', ['address', 'route', 'routing rule', 'neighbour', 'sysctl', 'container', 'connection', 'other fact']],
  ['options', ['option']],
  ['comments', ['comment']],
];

/** A search, from its first test to the smallest case. It may be ended at any time. */
export class Shrinking {
  readonly model: CaseModel;
  readonly #failure: Failure;
  readonly #files: readonly ModelFile[];
  readonly #folder: CandidateFolder;
  readonly #tester: Tester;
  readonly #whole: Selection;
  /** Units that stay. */
  readonly #fixed: readonly number[];
  #reduction: Reduction | undefined;
  #faulty = 0;

  /**
   * @param golden the case, which shows FAILURE
   * @param folder where candidates are written
   * @throws as `readModel`
   */
  constructor(golden: GoldenCase, failure: Failure, folder: TemporaryFolder) {
    this.model = readModel(golden);
    this.#failure = failure;
    this.#files = [...this.model.files, ...failure.files(this.model)];
    this.#folder = new CandidateFolder(this.model, this.#files, folder);
    this.#tester = new Tester((selection) => this.#shows(selection));
    this.#whole = Selection.all(this.model.units);
    const { frames, units } = this.model.order;
    this.#fixed = units.filter((_, i) => failure.isFixed(frames[i]));
  }

  /**
   * Searches, a test with each step.
   * @throws {NothingToShowError} if the case, written as smaller ones are, does not show the failure
   */
  *steps(): Generator<Step, void, void> {
    yield { stage: 'the whole case', left: this.#whole.units.count, of: this.#whole.units.count };
    const reduction = new Reduction(this.#start(), this.#stages(), this.#tester);
    this.#reduction = reduction;
    // A guess that passes is quicker to replay than the whole case.
    yield* reduction.guesses();
    if (reduction.best === this.#whole && !this.#tester.passes(this.#whole)) throw this.#notShown();
    yield* reduction.steps();
  }

  /** Whether nothing can be left out any more. */
  get isDone(): boolean {
    return this.#reduction?.isDone ?? false;
  }

  get counts(): ShrinkCounts {
    const { units } = this.model;
    const best = this.#best;
    const counted = UNIT_KINDS.map((kind) => {
      const list = units.ofKind(kind);
      return { kind, before: list.length, after: best.countOf(list) };
    });
    const { tried, known } = this.#tester;
    return { counted: counted.filter(({ before }) => before > 0), tried, known, faulty: this.#faulty };
  }

  /** The smallest case so far. */
  content(): CaseContent {
    const best = this.#best;
    const golden = this.#folder.write(best);
    const files = this.#files.flatMap(({ name, content }): CaseFile[] => {
      const bytes = content(best);
      return bytes === undefined ? [] : [{ name, bytes }];
    });
    return { files: [...files, ...this.#failure.finish(golden)], options: wordsOf(this.model, best) };
  }

  get #best(): Selection {
    return this.#reduction?.best ?? this.#whole;
  }

  #shows(selection: Selection): boolean {
    // An input takes its packets along.
    if (selection.countOf(this.#fixed) < this.#fixed.length) return false;
    try {
      return this.#failure.isShownBy(this.#folder.write(selection));
    } catch (error) {
      if (isOfFullDisk(error)) throw error;
      // What is no case, or cannot be replayed, shows nothing.
      this.#faulty++;
      return false;
    }
  }

  #notShown(): NothingToShowError {
    const { notes, golden } = this.model;
    const forms = notes.length === 0 ? '' : ` (${notes.join('; ')})`;
    let why = 'the failure is another or none';
    try {
      this.#folder.write(this.#whole);
      replay(optionsOf(this.#folder.write(this.#whole)));
    } catch (error) {
      why = error instanceof Error ? error.message.replaceAll(`${this.#folder.path}/`, '') : String(error);
    }
    return new NothingToShowError(`${golden.dir}, written as a case of its own${forms}, does not show it: ${why}`);
  }

  /** Without the packets that options leave out, and without these options, if that makes no difference. */
  #start(): Selection {
    const { frames, options } = this.model.unselected;
    if (options.length === 0) return this.#whole;
    const selected = this.#whole.without([...frames, ...options]);
    return this.#tester.passes(selected) ? selected : this.#whole;
  }

  #stages(): Stage[] {
    const { units } = this.model;
    const fixed = new Set(this.#fixed);
    return STAGES.map(([name, kinds]) => ({
      ...{ name, units: kinds.flatMap((kind) => units.ofKind(kind)).filter((unit) => !fixed.has(unit)) },
      guesses: () => this.#guesses(name),
    }));
  }

  #guesses(stage: string): readonly (readonly number[])[] {
    const { order } = this.model;
    if (stage === 'packets') return likelyFrames(order, (frame) => this.#failure.isOffender(frame));
    if (stage !== 'rules') return [];
    try {
      return [this.#matchedRules()];
    } catch {
      // The failure is that it cannot be replayed.
      return [];
    }
  }

  /** The rules that have matched a packet of the smallest case so far. */
  #matchedRules(): number[] {
    const golden = this.#folder.write(this.#best);
    const matched = new Map<string, Set<number>>();
    for (const { file, line } of replay(optionsOf(golden)).rules) {
      const name = pathWithin(golden.dir, file) ?? file;
      matched.set(name, (matched.get(name) ?? new Set()).add(line));
    }
    return this.#files.flatMap(({ name, unitsAt }) => unitsAt?.(this.#best, matched.get(name) ?? new Set()) ?? []);
  }
}
