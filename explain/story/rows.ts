/** The way of a packet through the hooks as rows of text: what happened, and at its right, why or what came of it. */
import { counted } from '../../codecs/text.js';
import type { RoutedEvent, TrackedEvent, TranslatedEvent } from '../../core/events.js';
import type { HookName, TableName } from '../../core/hooks.js';
import { VERDICT_NAMES, Verdict } from '../../core/hooks.js';
import { REASONS } from '../../core/reasons.js';
import type { Rule, Target } from '../../core/rules/model.js';
import type { Names } from '../../replay/names.js';
import { type Item, itemsOf } from './folding.js';
import { endWords } from './packet-words.js';
import { missWords, type RuleParts, ruleParts, ruleText, topicsOf } from './rule-words.js';
import type { RuleEffect, RuleStep, Stage, Step, Story } from './story.js';
import { invalidWords, timedOutWords } from './tracked-words.js';

/**
 * How a row is emphasized: it let the packet through, stopped it, acted on it, passed it over or nearly did not, or only
 * says something.
 */
export type Tone = 'accept' | 'stop' | 'act' | 'miss' | 'nearest' | 'note';

export interface Row {
  /** On the first row of a hook. */
  readonly hook?: HookName | 'local';
  readonly label: string;
  /** In two parts if the first may be shortened. */
  readonly text: string | RuleParts;
  readonly right: string;
  readonly tone: Tone;
  /** What does not fit on a line is left out. */
  readonly isOneLine?: boolean;
}

export interface RowOptions {
  /** Show each rule, and each policy. */
  readonly isUnfolded?: boolean;
  /** Rules that are shown by themselves, with what is said at their right. */
  readonly marked?: ReadonlyMap<Rule, string>;
  readonly names: Names;
}

/** The rows of STORY. Hooks at which nothing happened are left out. */
export function rowsOf(story: Story, options: RowOptions): Row[] {
  const builder = new RowBuilder(story, options);
  return story.stages.flatMap((stage, i) => {
    const [first, ...rest] = builder.rowsOf(stage, story.stages[i + 1]);
    return first === undefined ? [] : [{ ...first, hook: stage.hook ?? 'local' }, ...rest];
  });
}

class RowBuilder {
  readonly #story: Story;
  readonly #options: RowOptions;
  /** What conntrack said last: over lo, a packet passes it twice. */
  #tracked: TrackedEvent | undefined;

  constructor(story: Story, options: RowOptions) {
    this.#story = story;
    this.#options = options;
  }

  /** The rows of STAGE, which is followed by NEXT. */
  rowsOf(stage: Stage, next: Stage | undefined): Row[] {
    const rows: Row[] = [];
    const shown = new Set<TableName>();
    for (const step of stage.steps) {
      if (step.kind !== 'rule') rows.push(...this.#rowsOfStep(step, stage, next));
      else if (!shown.has(step.table)) {
        shown.add(step.table);
        rows.push(...this.#rowsOfTable(stage, step.table));
      }
    }
    return rows;
  }

  #rowsOfTable({ steps }: Stage, table: TableName): Row[] {
    const tried = steps.filter((step): step is RuleStep => step.kind === 'rule' && step.table === table);
    const { isUnfolded = false, marked = new Map() } = this.#options;
    return itemsOf(tried, { isUnfolded, isKept: ({ rule }) => marked.has(rule) }).flatMap((item) =>
      this.#rowsOfItem(item),
    );
  }

  #rowsOfItem(item: Item): Row[] {
    const label = labelOf(item);
    if (item.kind === 'folded')
      return [
        { label, text: `${counted(item.steps.length, 'rule')} about ${topicsOf(item.steps)}`, right: '', tone: 'miss' },
      ];
    const { step } = item;
    const text = this.#options.isUnfolded ? ruleText(step.rule) : ruleParts(step);
    if (item.kind === 'passed') {
      const right = item.rules === 0 ? 'comes back' : `no match in ${counted(item.rules, 'rule')}`;
      return [{ label, text, right, tone: 'miss' }];
    }
    if (!step.isMatched) {
      const isMarked = this.#options.marked?.has(step.rule) === true;
      const tone = step.isHotdrop ? 'stop' : isMarked ? 'nearest' : 'miss';
      return [{ label, text, right: this.#missRight(step), tone }];
    }
    const row: Row = { label, text: ruleText(step.rule), right: resultOf(step.rule.target), tone: this.#toneOf(step) };
    return [row, ...step.effects.flatMap((effect) => this.#effectRows(effect))];
  }

  #missRight(step: RuleStep): string {
    const mark = this.#options.marked?.get(step.rule);
    if (step.isHotdrop) return `${step.failures[0]?.text ?? 'malformed'}: DROP`;
    const words = step.rule.unsupported === undefined ? missWords(step) : 'uncertain';
    return mark === undefined ? words : `${words}  ← ${mark}`;
  }

  #toneOf({ rule }: RuleStep): Tone {
    const { target } = rule;
    const { drop } = this.#story;
    if (drop?.rule === rule) return 'stop';
    return target.kind === 'verdict' && target.verdict === Verdict.ACCEPT ? 'accept' : 'act';
  }

  #effectRows(effect: RuleEffect): Row[] {
    // What TRACE logs of each rule, the rows say anyway.
    if (effect.kind === 'logged' && effect.isTrace && !this.#options.isUnfolded) return [];
    const isOneLine = effect.kind === 'logged' && this.#options.isUnfolded !== true;
    return [{ label: '', text: this.#effectText(effect), right: '', tone: 'note', isOneLine }];
  }

  #effectText(effect: RuleEffect): string {
    if (effect.kind === 'translated') return this.#translation(effect);
    if (effect.kind === 'logged')
      return effect.line === undefined ? `to netlink group ${effect.group}: ${effect.prefix}` : `log: ${effect.line}`;
    const { set, from, to } = effect;
    const what = set === undefined ? effect.what : `entries of set ${set}`;
    if (from === undefined) return to === undefined ? `${what} changed` : `${what} ${to}`;
    return `${what} ${from} → ${to ?? 'none'}`;
  }

  #translation({ end, from, to }: TranslatedEvent): string {
    const { names } = this.#options;
    return `${end} ${endWords(from, names)} → ${endWords(to, names)}`;
  }

  #rowsOfStep(step: Exclude<Step, RuleStep>, stage: Stage, next: Stage | undefined): Row[] {
    switch (step.kind) {
      case 'tracked':
        return this.#trackedRows(step);
      case 'timed-out':
        return [{ label: 'conntrack', text: timedOutWords(step), right: '', tone: 'act' }];
      case 'policy': {
        const isDecider = this.#story.decider.kind === 'policy' && this.#story.decider.chain === step.chain;
        const isDrop = step.chain.policy === Verdict.DROP;
        if (!isDecider && !isDrop && !this.#options.isUnfolded) return [];
        const verdict = VERDICT_NAMES[step.chain.policy];
        return [{ label: step.table, text: `policy ${verdict}`, right: verdict, tone: isDrop ? 'stop' : 'accept' }];
      }
      case 'routed':
        return [this.#routeRow(step, next)];
      case 'translated':
        return [{ label: 'nat', text: this.#translation(step), right: 'as its connection', tone: 'act' }];
      case 'changed':
      case 'logged':
        return this.#effectRows(step);
      case 'held':
        return [{ label: 'fragments', text: 'waits for the rest of its packet', right: 'held', tone: 'stop' }];
      case 'reassembled':
        return [{ label: 'fragments', text: `complete: ${step.packet.lengthBytes} bytes`, right: '', tone: 'note' }];
      case 'expired':
        return [
          {
            label: 'fragments',
            text: `${counted(step.fragments, 'fragment')} waited too long`,
            right: '',
            tone: 'note',
          },
        ];
      case 'idle':
        return [{ label: 'idle', text: `the timer ${step.label} has expired`, right: '', tone: 'note' }];
      case 'dropped': {
        const { reason, rule, policy } = step.cause;
        const isRouted = stage.steps.some((other) => other.kind === 'routed' && other.to === 'nowhere');
        if (rule !== undefined || policy !== undefined || isRouted) return [];
        return [{ label: 'host', text: REASONS[reason], right: 'DROP', tone: 'stop' }];
      }
      default:
        return [];
    }
  }

  #trackedRows(step: TrackedEvent): Row[] {
    const { ctstate, stateBefore, stateAfter, invalid } = step;
    const before = this.#tracked;
    this.#tracked = step;
    if (before?.ctstate === ctstate && before.stateAfter === stateAfter) return [];
    const isSame = stateBefore === stateAfter || ctstate === 'INVALID';
    const states = isSame ? stateBefore : `${stateBefore ?? 'none'} → ${stateAfter ?? 'none'}`;
    const isNews = states !== undefined && states !== ctstate;
    const isShown = isNews && (stateBefore !== undefined || this.#options.isUnfolded);
    const text = invalid === undefined ? ctstate : `${ctstate}: ${invalidWords(step)}`;
    return [{ label: 'conntrack', text, right: isShown ? states : '', tone: invalid === undefined ? 'note' : 'act' }];
  }

  #routeRow({ to, dev, nextHop, reason, isAgain }: RoutedEvent, next: Stage | undefined): Row {
    const label = isAgain ? 'route again' : 'route';
    if (to === 'nowhere')
      return { label, text: reason === undefined ? 'nowhere' : REASONS[reason], right: 'DROP', tone: 'stop' };
    const destination = next?.packet?.destination ?? this.#story.packet?.destination ?? '';
    const right = isAgain || next === undefined ? '' : `→ ${next.hook}`;
    if (to === 'host') return { label, text: `${this.#address(destination)} is local`, right, tone: 'note' };
    const via = nextHop === destination ? 'direct' : `via ${nextHop}`;
    return { label, text: `${this.#address(destination)} ${via} out ${dev}`, right, tone: 'note' };
  }

  #address(address: string): string {
    return endWords({ address }, this.#options.names);
  }
}

/** What a rule with TARGET did with a packet that matched. */
function resultOf(target: Target): string {
  switch (target.kind) {
    case 'none':
      return 'counted';
    case 'verdict':
      return VERDICT_NAMES[target.verdict];
    case 'jump':
    case 'goto':
      return `→ ${target.chain}`;
    default:
      return target.extension.name;
  }
}

/** `filter 2-5`; in a chain that the packet entered, only the numbers, further in for each chain. */
function labelOf(item: Item): string {
  const steps = item.kind === 'folded' ? item.steps : [item.step];
  const [{ table, rule, level }] = steps;
  const last = steps[steps.length - 1].rule.number;
  const numbers = last === rule.number ? String(rule.number) : `${rule.number}-${last}`;
  return level === 0 ? `${table} ${numbers}` : '  '.repeat(level) + numbers;
}
