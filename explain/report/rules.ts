/** The rules of a replay: all that were in force at some time, with what they counted. */
import type { Emulator } from '../../core/emulator.js';
import type { TableName } from '../../core/hooks.js';
import type { SavedCounters } from '../../core/rules/model.js';
import type { ReplacedRules } from '../../replay/changes/changed-rules.js';
import { mayChangeHost } from '../../replay/changes/planned-change.js';
import type { WatchedRun } from '../../replay/replay.js';
import { finalCounters } from '../../replay/result-texts.js';
import { RuleBook } from './rule-book.js';
import { type RulePictureList, RulePictures, type RulesState } from './rule-pictures.js';

type Counters = ReadonlyMap<TableName, SavedCounters>;

export class ReportRules {
  /** Which numbers they have. */
  readonly book: RuleBook;
  readonly #pictures: RulePictures;
  readonly #loaded: Counters | undefined;
  /** What the counters of the rules in force show; undefined: no rules have been replaced. */
  #shown: (() => Counters) | undefined;
  /** The counters at the end. */
  #final: Counters | undefined;

  constructor({ setting }: Pick<WatchedRun, 'setting'>) {
    const { ruleset, host, changes, loaded } = setting;
    this.book = new RuleBook(ruleset);
    this.#pictures = new RulePictures(this.book, changes.some(mayChangeHost) ? undefined : host);
    this.#loaded = loaded;
  }

  replaced(replaced: ReplacedRules): void {
    this.book.replaced(replaced);
    this.#shown = replaced.shown;
  }

  /** The rules in force count COUNTERS, in the end, as iptables shows them. */
  counted(counters: Counters): void {
    this.#final = counters;
  }

  /** As it is now, when EMULATOR has the rules in force. */
  section(emulator: Emulator, state: Omit<RulesState, 'counters' | 'isEnd'>): RulePictureList {
    const counters = this.#final ?? this.#shown?.() ?? finalCounters(emulator, this.#loaded);
    return this.#pictures.section({ ...state, counters, isEnd: this.#final !== undefined });
  }
}
