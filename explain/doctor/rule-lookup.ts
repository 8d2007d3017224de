/** Finds rules by what they do. */
import type { TableName } from '../../core/hooks.js';
import { AddressType } from '../../core/host/address-type.js';
import type { Host } from '../../core/host/host.js';
import type { NatRange } from '../../core/nat/range.js';
import type { Chain, Rule, Ruleset, Table } from '../../core/rules/model.js';

function tableOf({ tables }: Ruleset, name: TableName): Table | undefined {
  return tables.find((table) => table.name === name);
}

export function chainOf(ruleset: Ruleset, table: TableName, name: string): Chain | undefined {
  return tableOf(ruleset, table)?.chains.find((chain) => chain.name === name);
}

/** The name of RULE's target: an extension's, or ''. */
export function targetName({ target }: Rule): string {
  return target.kind === 'extension' ? target.extension.name : '';
}

export function rulesWithTarget(ruleset: Ruleset, table: TableName, names: readonly string[]): Rule[] {
  return (tableOf(ruleset, table)?.rules ?? []).filter((rule) => names.includes(targetName(rule)));
}

/** What a rule with a target of NAT asks for; undefined: it has another target. */
export function natRange(rule: Rule): NatRange | undefined {
  const { target } = rule;
  if (target.kind !== 'extension' || !NAT_TARGETS.includes(target.extension.name)) return undefined;
  return target.params as NatRange;
}

const NAT_TARGETS: readonly string[] = ['DNAT', 'SNAT', 'MASQUERADE', 'REDIRECT'];

/** Whether RULE is a DNAT to an address that is not the host's own. */
export function translatesElsewhere(rule: Rule, host: Host): boolean {
  const address = targetName(rule) === 'DNAT' ? natRange(rule)?.minAddress : undefined;
  return address !== undefined && host.addressType(address.loaded, -1) !== AddressType.LOCAL;
}
