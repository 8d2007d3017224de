/** The accounting objects of a host, in which `-m nfacct` counts packets (nfnetlink_acct). */
import type { RuleContext } from './context.js';
import type { Ruleset } from './model.js';
import { RuleFault, RulesetError } from './parse/error.js';

export interface AccountingObject {
  readonly name: string;
  packets: number;
  /** IP total lengths. */
  bytes: number;
}

export class AccountingObjects {
  readonly #objects = new Map<string, AccountingObject>();

  /** The object NAME, which is made if it is not there. */
  object(name: string): AccountingObject {
    let object = this.#objects.get(name);
    if (object === undefined) {
      object = { name, packets: 0, bytes: 0 };
      this.#objects.set(name, object);
    }
    return object;
  }

  /** In the order in which they were made. */
  get all(): readonly Readonly<AccountingObject>[] {
    return [...this.#objects.values()];
  }
}

/** The objects of the host of CONTEXT. */
export function accountingOf(context: RuleContext): AccountingObjects {
  return context.shared('accounting', 'objects', () => new AccountingObjects());
}

/** Throws a RulesetError if RULESET counts in an object that is not among NAMES, all that the host has. */
export function checkAccounting({ tables }: Ruleset, names: readonly string[]): void {
  for (const { file, line, matches } of tables.flatMap(({ rules }) => rules)) {
    for (const { extension, params } of matches) {
      const name = extension.accountingObject?.(params);
      if (name === undefined || names.includes(name)) continue;
      const fault = new RuleFault(
        { text: name, line, column: 1 },
        `-m ${extension.name}: the host has no accounting object ${name}`,
        names.length === 0 ? 'its name in `nfacct` of the host' : names.join(', '),
      );
      throw new RulesetError(file, fault);
    }
  }
}
