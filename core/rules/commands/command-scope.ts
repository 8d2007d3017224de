/** What the words of a command of iptables may refer to, and what they say of where the command belongs. */
import type { Family } from '../../../codecs/address.js';
import { DEFAULT_NAMES, type NamesDescription } from '../../../codecs/host/names.js';
import type { Word } from '../../../codecs/iptables-save.js';
import type { TableName } from '../../hooks.js';
import type { Backend } from '../model.js';
import type { Command, CommandLine, RuleScope } from '../parse/command.js';
import { parseCommand } from '../parse/parse-rule.js';
import { familyOf, type Tool } from './tool.js';

const NOWHERE: Word = { text: '', line: 1, column: 1 };

export class CommandScope implements RuleScope {
  readonly names: NamesDescription;
  readonly family: Family;
  readonly commandLine: CommandLine;
  readonly backend: Backend;
  readonly warnings: { readonly word: Word; readonly message: string }[] = [];
  /** `-t`; it may be the name of no table. */
  tableWord: Word = { ...NOWHERE, text: 'filter' };

  constructor(tool: Tool, names: NamesDescription = DEFAULT_NAMES) {
    this.backend = tool.backend;
    this.names = names;
    this.family = familyOf(tool);
    this.commandLine = {
      setTable: (word) => {
        this.tableWord = word;
      },
    };
  }

  /** The command of WORDS, which stand behind the tool's name. @throws {RuleFault} */
  parse(words: readonly Word[]): Command {
    return parseCommand(words, words[0] ?? NOWHERE, this)!;
  }

  get table(): TableName {
    return this.tableWord.text as TableName;
  }

  /** Targets of rules are looked up when the rule is parsed. */
  chainKind(): undefined {
    return undefined;
  }

  chainNames(): Iterable<string> {
    return [];
  }

  isDeclared(): boolean {
    return false;
  }

  warn(word: Word, message: string): void {
    this.warnings.push({ word, message });
  }
}
