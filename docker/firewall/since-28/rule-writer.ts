/** Rules as an engine since 28 adds and deletes them: only what is missing, or there, and failures in its own words. */
import { type EngineRule, type IptablesTool, wrapped } from '../iptables-tool.js';

export class RuleWriter {
  readonly tool: IptablesTool;

  constructor(tool: IptablesTool) {
    this.tool = tool;
  }

  /** Appends RULE, which messages call WHAT. Not IS_WANTED: deletes it. @throws {FirewallError} */
  append(rule: EngineRule, what: string, isWanted: boolean): void {
    this.#program('append', rule, what, isWanted);
  }

  /** Inserts RULE at the top of its chain, or deletes it. @throws {FirewallError} */
  insert(rule: EngineRule, what: string, isWanted: boolean): void {
    this.#program('insert', rule, what, isWanted);
  }

  #program(where: 'append' | 'insert', rule: EngineRule, what: string, isWanted: boolean): void {
    wrapped(
      (cause) => `Unable to ${isWanted ? 'enable' : 'disable'} ${what} rule: ${cause}`,
      () => (isWanted ? this.tool[where](rule) : this.tool.delete(rule)),
    );
  }
}
