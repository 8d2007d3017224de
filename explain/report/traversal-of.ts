/** The traversal of a packet, from its story: what it has in common with others is told with their values left out. */
import { counted } from '../../codecs/text.js';
import type { LeftEvent, PacketFields, RoutedEvent, TrackedEvent, TranslatedEvent } from '../../core/events.js';
import type { Host } from '../../core/host/host.js';
import { REASONS } from '../../core/reasons.js';
import { formatDecider } from '../story/decider.js';
import { NO_NAMES, packetWords } from '../story/packet-words.js';
import type { RuleEffect, RuleStep, Stage, Step, Story } from '../story/story.js';
import { invalidWords, timedOutWords } from '../story/tracked-words.js';
import { courseOf } from './course.js';
import type {
  RelatedTraversal,
  Traversal,
  TraversalDecider,
  TraversalRuleStep,
  TraversalStage,
  TraversalStep,
  Words,
} from './format/model.js';
import { compact, type PacketValues } from './packet-values.js';
import type { RuleBook } from './rule-book.js';

/** What words of a packet refer to. */
export interface TraversalContext {
  readonly rules: Pick<RuleBook, 'ofRule' | 'ofChain'>;
  readonly host: Host;
  /** Of the packet. */
  readonly values: PacketValues;
}

/** What the packet of STORY has in common with others; what it has not is in the details of CONTEXT's values then. */
export function traversalOf(story: Story, context: TraversalContext): Traversal {
  context.values.details.length = 0;
  return new Teller(context).tell(story);
}

/** The interface DEV where a packet left, as columns have it. */
export function outDevOf(left: Pick<LeftEvent, 'dev'> | undefined, host: Host): number {
  if (left === undefined) return -1;
  return left.dev === undefined ? -2 : host.knownIndex(left.dev);
}

class Teller {
  readonly #values: PacketValues;
  readonly #context: TraversalContext;

  constructor(context: TraversalContext) {
    this.#values = context.values;
    this.#context = context;
  }

  tell(story: Story): Traversal {
    return this.#withCourse(this.#told(story), story);
  }

  #withCourse<T extends Omit<Traversal, 'course'>>(traversal: T, { decider }: Story): T & Pick<Traversal, 'course'> {
    const loopback = this.#context.host.interfaces.findIndex(({ isLoopback }) => isLoopback);
    const table = 'table' in decider ? decider.table : undefined;
    return { ...traversal, course: courseOf(traversal, table, Math.max(0, loopback)) };
  }

  #told(story: Story): Omit<Traversal, 'course'> {
    const { verdict, tracked, stages, related, uncertain } = story;
    return {
      verdict,
      decider: this.#decider(story),
      inDev: story.inDev === undefined ? -1 : this.#context.host.knownIndex(story.inDev),
      ...(tracked === undefined ? {} : { ctstate: tracked.ctstate }),
      stages: this.#stages(stages, story),
      related: related.map((one) => this.#related(one)),
      uncertain: uncertain.map(({ reason }) => reason),
    };
  }

  #related(story: Story): RelatedTraversal {
    const { origin, packet } = story;
    const told = {
      ...this.#told(story),
      origin: origin === 'frame' ? ('loopback' as const) : origin,
      words: packet === undefined ? '' : this.#packet(packet),
      outDev: outDevOf(story.left, this.#context.host),
    };
    return this.#withCourse(told, story);
  }

  #packet(packet: PacketFields): Words {
    const { source, destination, sport, dport } = packet;
    const words = packetWords(packet, {}, NO_NAMES);
    const from = sport === undefined ? source : `${source}:${sport}`;
    const to = dport === undefined ? destination : `${destination}:${dport}`;
    const at = words.indexOf(`${from} → ${to}`);
    if (at < 0) return words;
    const ends = [...this.#values.end(endOf(source, sport)), ' → ', ...this.#values.end(endOf(destination, dport))];
    return compact([words.slice(0, at), ...ends, words.slice(at + `${from} → ${to}`.length)]);
  }

  #decider(story: Story): TraversalDecider {
    const { rules } = this.#context;
    const { decider } = story;
    switch (decider.kind) {
      case 'rule': {
        const { hook, rule, reason } = decider;
        return { kind: 'rule', hook, rule: rules.ofRule(rule), ...(reason === undefined ? {} : { reason }) };
      }
      case 'policy':
        return { kind: 'policy', hook: decider.hook, chain: rules.ofChain(decider.chain) };
      case 'none':
        return { kind: 'none' };
      default: {
        const reason =
          decider.kind === 'host' ? decider.reason : decider.kind === 'link' ? decider.skip : decider.entry;
        const hook = 'hook' in decider && decider.hook !== undefined ? { hook: decider.hook } : {};
        return { kind: 'host', words: formatDecider(decider), reason, ...hook };
      }
    }
  }

  #stages(stages: readonly Stage[], story: Story): TraversalStage[] {
    let destination = story.packet?.destination ?? '';
    return stages.map(({ hook, packet, steps }) => {
      destination = packet?.destination ?? destination;
      const told = steps.map((step) => {
        const words = this.#step(step, story, destination);
        for (const { end, to } of translationsIn(step)) if (end === 'destination') destination = to.address;
        return words;
      });
      return { ...(hook === undefined ? {} : { hook }), steps: told };
    });
  }

  /** DESTINATION: of the packet, as it comes to STEP of STORY. */
  #step(step: Step, story: Story, destination: string): TraversalStep {
    const { rules, host } = this.#context;
    switch (step.kind) {
      case 'rule':
        return this.#rule(step);
      case 'policy':
        return { kind: 'policy', table: step.table, chain: rules.ofChain(step.chain) };
      case 'translated':
        return { kind: 'translated', end: step.end, words: this.#translation(step) };
      case 'tracked':
        return this.#tracked(step);
      case 'routed':
        return this.#routed(step, destination);
      case 'dropped':
        return { kind: 'dropped', words: REASONS[step.cause.reason] };
      case 'left':
        return { kind: 'left', dev: step.dev === undefined ? -2 : host.knownIndex(step.dev) };
      case 'related':
        return { kind: 'related', related: story.related.indexOf(step.story) };
      case 'changed':
      case 'logged':
        return { kind: 'other', words: this.#effect(step) };
      case 'uncertain':
        return { kind: 'other', words: `uncertain: ${step.cause.reason}` };
      case 'timed-out':
        return { kind: 'other', words: [this.#values.detail(timedOutWords(step))] };
      case 'held':
        return { kind: 'other', words: 'waits for the other fragments' };
      case 'reassembled':
        return { kind: 'other', words: ['complete: ', this.#values.detail(`${step.packet.lengthBytes} bytes`)] };
      case 'expired':
        return { kind: 'other', words: `${counted(step.fragments, 'fragment')} waited too long` };
      case 'idle':
        return { kind: 'other', words: `the timer ${step.label} has expired` };
    }
  }

  #rule({ table, rule, level, isMatched, failures, effects }: RuleStep): TraversalRuleStep {
    return {
      kind: 'rule',
      table,
      rule: this.#context.rules.ofRule(rule),
      level,
      isMatched,
      failed: failures.map((failed) => this.#values.failure(failed)),
      effects: effects.map((effect) => this.#effect(effect)),
    };
  }

  #effect(effect: RuleEffect): Words {
    if (effect.kind === 'translated') return this.#translation(effect);
    if (effect.kind === 'logged') {
      const { line, group, prefix } = effect;
      return line === undefined ? `to netlink group ${group}: ${prefix}` : ['log: ', this.#values.detail(line)];
    }
    const { set, from, to } = effect;
    const what = set === undefined ? effect.what : `entries of set ${set}`;
    const word = (text: string): string | number => this.#values.word(effect.what, text);
    if (from === undefined) return to === undefined ? `${what} changed` : compact([`${what} `, word(to)]);
    return compact([`${what} `, word(from), ' → ', to === undefined ? 'none' : word(to)]);
  }

  #translation({ end, from, to }: TranslatedEvent): Words {
    return compact([`${end} `, ...this.#values.end(from), ' → ', ...this.#values.end(to)]);
  }

  #tracked(step: TrackedEvent): TraversalStep {
    const { ctstate, stateBefore, stateAfter, invalid } = step;
    const isSame = stateBefore === stateAfter || ctstate === 'INVALID';
    const states = isSame ? stateBefore : `${stateBefore ?? 'none'} → ${stateAfter ?? 'none'}`;
    const words = states === undefined || states === ctstate ? '' : states;
    if (invalid === undefined) return { kind: 'tracked', ctstate, words, isInvalid: false };
    return { kind: 'tracked', ctstate, words: [this.#values.detail(invalidWords(step))], isInvalid: true };
  }

  #routed({ to, dev, nextHop, reason, isAgain }: RoutedEvent, address: string): TraversalStep {
    const again = isAgain ? 'again: ' : '';
    if (to === 'nowhere')
      return { kind: 'routed', to, words: `${again}${reason === undefined ? 'nowhere' : REASONS[reason]}` };
    const destination = this.#values.end({ address });
    if (to === 'host') return { kind: 'routed', to, words: compact([again, ...destination, ' is local']) };
    const via = nextHop === address ? 'direct' : `via ${nextHop}`;
    return {
      ...{ kind: 'routed', to },
      ...(dev === undefined ? {} : { dev: this.#context.host.knownIndex(dev) }),
      words: compact([again, ...destination, ` ${via} out ${dev}`]),
    };
  }
}

function translationsIn(step: Step): readonly TranslatedEvent[] {
  if (step.kind === 'translated') return [step];
  return step.kind === 'rule' ? step.effects.filter((effect) => effect.kind === 'translated') : [];
}

function endOf(address: string, port: number | undefined): { address: string; port?: number } {
  return { address, ...(port === undefined ? {} : { port }) };
}
