/** Makes stories of packets from the events of the emulator. */
import type {
  DroppedEvent,
  FrameEvent,
  LeftEvent,
  PacketEvent,
  PacketFields,
  RuleEvent,
  TrackedEvent,
  TranslatedEvent,
} from '../../core/events.js';
import type { HookName, TableName } from '../../core/hooks.js';
import type { LinkSkip } from '../../core/link/locate-ip.js';
import type { UncertainCause } from '../../core/uncertainty.js';
import { NotFollowedError } from '../../replay/errors.js';
import { deciderOfDrop } from './decider.js';
import type { Decider, RuleEffect, RuleStep, Stage, Step, Story, Verdict } from './story.js';

/** Hears events (`hear` is the observer) and tells the story of each packet that is received or sent. */
export class StoryTeller {
  readonly #onStory: ((story: Story) => void) | undefined;
  /** The stories under way, by depth. */
  #drafts: Draft[] = [];

  /** ON_STORY: called with each story, when the next frame comes or at `finish`. */
  constructor(onStory?: (story: Story) => void) {
    this.#onStory = onStory;
  }

  readonly hear = (event: PacketEvent): void => {
    if (event.kind === 'frame') {
      this.finish();
      this.#drafts = [new Draft('frame', event, event.dev)];
      return;
    }
    if (this.#drafts.length === 0) return;
    const { depth } = event;
    if (event.kind === 'answered') this.#begin('answer', depth, event.packet);
    else if (event.kind === 'copied') this.#begin(event.by === 'tee' ? 'copy' : 'broadcast', depth, event.packet);
    else this.#at(depth).hear(event);
  };

  /** Returns the story of the frame that the emulator took last; undefined if it was told already, or there is none. */
  finish(): Story | undefined {
    const draft = this.#drafts[0];
    if (draft === undefined) return undefined;
    this.#drafts = [];
    const story = draft.tell();
    this.#onStory?.(story);
    return story;
  }

  #begin(origin: Story['origin'], depth: number, packet: PacketFields | undefined): void {
    const parent = this.#at(depth - 1);
    const draft = new Draft(origin, parent.frame, undefined);
    draft.packet = packet;
    parent.relate(draft);
    this.#drafts[depth] = draft;
    this.#drafts.length = depth + 1;
  }

  /** The story at DEPTH. What the host makes without an event is a fragment that comes back over lo. */
  #at(depth: number): Draft {
    if (this.#drafts[depth] === undefined) this.#begin('loopback', depth, undefined);
    return this.#drafts[depth];
  }
}

interface DraftStage extends Stage {
  readonly steps: Step[];
}

interface DraftRule extends RuleStep {
  readonly effects: RuleEffect[];
}

/** A packet that meets more rules has a story that nobody reads, and for which there may be no memory. */
const MOST_RULES = 1_000_000;

/** A story under way. */
class Draft {
  readonly frame: FrameEvent;
  packet: PacketFields | undefined;
  readonly #origin: Story['origin'];
  readonly #inDev: string | undefined;
  readonly #stages: DraftStage[] = [];
  readonly #related: Draft[] = [];
  /** Where the related stories belong as soon as they are told. */
  readonly #relatedSteps: { kind: 'related'; story: Story }[] = [];
  readonly #translations: TranslatedEvent[] = [];
  readonly #uncertain: UncertainCause[] = [];
  readonly #chains = new ChainStack();
  #rules = 0;
  /** The rule that matched last, until something happens that it cannot be the cause of. */
  #matched: DraftRule | undefined;
  /** What ended the last filter hook so far. */
  #filter: Decider = { kind: 'none' };
  #tracked: TrackedEvent | undefined;
  #end: DroppedEvent | LeftEvent | 'held' | undefined;
  #skip: LinkSkip | undefined;

  constructor(origin: Story['origin'], frame: FrameEvent, inDev: string | undefined) {
    this.#origin = origin;
    this.frame = frame;
    this.#inDev = inDev;
  }

  relate(draft: Draft): void {
    const step = { kind: 'related' } as { kind: 'related'; story: Story };
    this.#related.push(draft);
    this.#relatedSteps.push(step);
    this.#steps.push(step);
  }

  hear(event: PacketEvent): void {
    switch (event.kind) {
      case 'frame':
      case 'answered':
      case 'copied':
        return;
      case 'skipped':
        this.#skip = event.reason;
        return;
      case 'decoded':
        this.packet = event.packet;
        return;
      case 'hook':
        this.packet ??= event.packet;
        this.#matched = undefined;
        this.#chains.leave();
        this.#stages.push({ hook: event.hook, packet: event.packet, steps: [] });
        return;
      case 'rule':
        this.#try(event);
        return;
      case 'policy': {
        const { table, chain } = event;
        this.#matched = undefined;
        this.#chains.leave();
        if (table === 'filter')
          this.#filter = chain.isAbsent ? { kind: 'none' } : { kind: 'policy', hook: this.#hook, table, chain };
        break;
      }
      case 'translated':
        this.#translations.push(event);
        if (this.#matched?.table !== 'nat') break;
        this.#matched.effects.push(event);
        return;
      case 'changed':
      case 'logged':
        if (this.#matched === undefined) break;
        this.#matched.effects.push(event);
        return;
      case 'tracked':
        this.#tracked ??= event;
        this.#matched = undefined;
        break;
      case 'uncertain':
        this.#uncertain.push(event.cause);
        break;
      case 'routed':
        this.#matched = undefined;
        break;
      case 'dropped':
      case 'left':
        this.#end = event;
        break;
      case 'held':
        this.#end = 'held';
        break;
      default:
    }
    this.#steps.push(event);
  }

  tell(): Story {
    const related = this.#related.map((draft) => draft.tell());
    for (const [i, step] of this.#relatedSteps.entries()) step.story = related[i];
    const end = this.#end;
    const drop = typeof end === 'object' && end.kind === 'dropped' ? end.cause : undefined;
    return {
      origin: this.#origin,
      inDev: this.#inDev,
      tsSec: this.frame.tsSec,
      tsNsec: this.frame.tsNsec,
      packet: this.packet,
      stages: this.#stages,
      verdict: this.#verdict,
      decider: this.#decider,
      drop,
      left: typeof end === 'object' && end.kind === 'left' ? end : undefined,
      tracked: this.#tracked,
      translations: this.#translations,
      related,
      uncertain: this.#uncertain,
    };
  }

  get #verdict(): Verdict {
    const end = this.#end;
    if (this.#skip !== undefined) return 'skipped';
    if (end === undefined || end === 'held') return 'held';
    if (end.kind === 'dropped') return end.isRejected ? 'rejected' : 'dropped';
    if (end.dev === undefined) return 'delivered';
    return this.#inDev === undefined ? 'sent' : 'forwarded';
  }

  get #decider(): Decider {
    const end = this.#end;
    if (this.#skip !== undefined) return { kind: 'link', skip: this.#skip };
    if (end === undefined || end === 'held') return { kind: 'none' };
    return end.kind === 'dropped' ? deciderOfDrop(end.cause) : this.#filter;
  }

  get #hook(): HookName {
    return this.#stages.at(-1)?.hook ?? 'PREROUTING';
  }

  get #steps(): Step[] {
    if (this.#stages.length === 0) this.#stages.push({ hook: undefined, packet: undefined, steps: [] });
    return this.#stages[this.#stages.length - 1].steps;
  }

  #try({ table, rule, isMatched, failures = [], unknown = 0, isHotdrop }: RuleEvent): void {
    if (++this.#rules > MOST_RULES)
      throw new NotFollowedError(`a packet meets more than ${MOST_RULES.toLocaleString('en')} rules: too many to tell`);
    const step: DraftRule = {
      kind: 'rule',
      ...{ table, rule, level: this.#chains.enter(table, rule.chain), isMatched },
      ...{ failures, unknown, isHotdrop, effects: [] },
    };
    this.#steps.push(step);
    if (!isMatched) return;
    this.#matched = step;
    if (table === 'filter') this.#filter = { kind: 'rule', hook: this.#hook, table, rule };
  }
}

/** Which chains a packet is in, seen from the rules that it meets. No chain can come to itself. */
class ChainStack {
  #table: TableName | undefined;
  #names: string[] = [];

  /** The packet meets a rule of CHAIN. Returns how many chains it entered to come there. */
  enter(table: TableName, chain: string): number {
    if (this.#table !== table) this.#names = [];
    this.#table = table;
    const at = this.#names.indexOf(chain);
    if (at < 0) this.#names.push(chain);
    else this.#names.length = at + 1;
    return this.#names.length - 1;
  }

  /** The next rule is one of a built-in chain. */
  leave(): void {
    this.#table = undefined;
  }
}
