/** SYNPROXY of a host: it is made for the first rule that has it, and stays for its connections. */
import type { Answers } from '../answers/answers.js';
import type { Conntrack } from '../conntrack/conntrack.js';
import type { HookEntry } from '../hooks.js';
import type { Random } from '../random.js';
import type { Rule, Ruleset } from '../rules/model.js';
import type { Uncertainty } from '../uncertainty.js';
import { type CookieCounts, Cookies, NO_COOKIES } from './cookies.js';
import { ProxiedConnections } from './proxied.js';
import { Synproxy } from './synproxy.js';

export interface SynproxyParts {
  readonly conntrack: Conntrack;
  readonly answers: Answers;
  readonly uncertainty: Uncertainty;
  readonly random: Random;
}

export class SynproxyOnDemand {
  readonly #parts: SynproxyParts;
  #made: Synproxy | undefined;
  #cookies: Cookies | undefined;
  /** A rule in force has it. */
  #isAtHooks = false;

  constructor(parts: SynproxyParts) {
    this.#parts = parts;
  }

  get cookies(): CookieCounts {
    return this.#cookies ?? NO_COOKIES;
  }

  /** For the rules that packets meet now. */
  get entries(): readonly HookEntry[] {
    return this.#isAtHooks ? this.current().entries : [];
  }

  /** The rules are about to be those of RULESET. */
  prepare({ tables }: Ruleset): void {
    this.#isAtHooks = tables.some(({ rules }) => rules.some(proxies));
    if (!this.#isAtHooks || this.#made !== undefined) return;
    const { conntrack, answers, uncertainty, random } = this.#parts;
    this.#cookies = new Cookies(random.uint32());
    const proxied = new ProxiedConnections(conntrack.table.words);
    conntrack.table.proxied = proxied;
    this.#made = new Synproxy(answers, conntrack, proxied, this.#cookies, (packet, cause) =>
      uncertainty.doubt(packet, cause),
    );
  }

  current(): Synproxy {
    if (this.#made === undefined) throw new Error('a target proxies connections without having said so');
    return this.#made;
  }
}

function proxies({ target }: Rule): boolean {
  return target.kind === 'extension' && target.extension.proxies === true;
}
