/** hot: finds the rule or policy of a table that dropped a packet: the decisive one in its trace. */
import type { DropCause } from '../../drop.js';
import { type Hook, Verdict } from '../../hooks.js';
import type { Packet, QueueFate } from '../../packet.js';
import type { Table, TableCounters } from '../model.js';
import { saveRule } from '../save.js';
import { DECISIVE, type Trace, TraceKind } from './trace.js';

const QUEUE_REASONS: readonly QueueFate[] = ['queue-unbound', 'queue-verdict', 'queue-unconfirmed'];

/** The drop causes of a host. A rule or policy that goes on when the rules change stays the same cause. */
export class DropCauses {
  readonly #byWords = new Map<string, DropCause>();

  /** The cause like CAUSE that was here first; CAUSE itself if it is the first. */
  of(cause: DropCause): DropCause {
    const { reason, hook, table, rule, policy } = cause;
    const { file, line } = rule ?? policy ?? {};
    const what = rule === undefined ? policy?.name : `${rule.chain}${saveRule(rule)}`;
    const words = JSON.stringify([reason, hook, table, file, line, what]);
    const first = this.#byWords.get(words);
    if (first === undefined) this.#byWords.set(words, cause);
    // A rule may have another number now.
    return first === undefined ? cause : Object.assign(first, cause);
  }
}

/** The drop causes of a table, created as packets are dropped. */
export class Decisions {
  readonly #table: Table;
  readonly #trace: Trace;
  readonly #firstId: number;
  /** Keyed by event and hook. */
  readonly #known = new Map<number, DropCause>();
  readonly #causes: DropCauses;

  constructor(table: Table, { trace, firstId }: TableCounters, causes: DropCauses) {
    this.#causes = causes;
    this.#table = table;
    this.#trace = trace;
    this.#firstId = firstId;
  }

  /** Records the table's VERDICT on PACKET at HOOK, before another table drops anything. Returns VERDICT. */
  note(packet: Packet, hook: Hook, verdict: Verdict): Verdict {
    if (verdict === Verdict.DROP) packet.dropCause = this.#causeOf(packet, hook);
    return verdict;
  }

  #causeOf({ hotdrop, queueFate }: Packet, hook: Hook): DropCause {
    const event = this.#trace[DECISIVE];
    const isQueued = queueFate !== '' && queueFate !== 'passed';
    const kind = hotdrop ? 1 : isQueued ? QUEUE_REASONS.indexOf(queueFate) + 2 : 0;
    const key = event * 64 + hook * 8 + kind;
    let cause = this.#known.get(key);
    if (cause === undefined) {
      cause = this.#makeCause(event, hotdrop, hook);
      if (isQueued) cause = { ...cause, reason: queueFate };
      cause = this.#causes.of(cause);
      this.#known.set(key, cause);
    }
    return cause;
  }

  #makeCause(event: number, isHotdrop: boolean, hook: Hook): DropCause {
    const table = this.#table;
    const where = { hook, table: table.name };
    const kind = event & 3;
    const policy = kind === TraceKind.POLICY ? table.chains.find((chain) => chain.hook === hook) : undefined;
    if (policy !== undefined) return { reason: 'policy', ...where, policy };
    const rule = table.rules[(event >>> 2) - this.#firstId];
    if (isHotdrop) return { reason: 'rule-header', ...where, rule };
    return { reason: table.name === 'nat' ? 'nat-rule' : 'rule', ...where, rule };
  }
}
