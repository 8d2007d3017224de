/** A script of commands for a Docker host, a line each; comments, and lines that a backslash continues. */
import type { Word } from '../../codecs/iptables-save.js';
import { expansionIn, ShellFault, splitCommands } from '../../codecs/shell-words.js';
import type { Command } from './action.js';
import type { ParseContext } from './context.js';
import { CommandFault } from './fault.js';
import { isServiceFile, SAVES_RULES } from './host-commands.js';
import { parseDockerCommand } from './parse-command.js';

/** Faults of several lines. */
export interface Script {
  readonly commands: readonly Command[];
  readonly faults: readonly CommandFault[];
}

/** `iptables-save [-c] > FILE`, `iptables-save | sudo tee FILE`. */
const SAVES =
  /^\s*(?:sudo\s+)?(?:\/\S*\/)?iptables(?:-legacy|-nft)?-save(?:\s+(?:-c|--counters))?\s*(?:>|\|\s*(?:sudo\s+)?tee\s)\s*(\S+)\s*$/;
const SAVES_IN_SHELL = /^\s*(?:sudo\s+)?(?:ba)?sh\s+-c\s+(["'])(.*)\1\s*$/;

/**
 * The commands of TEXT, the content of FILE, whose first line has the number LINE.
 * Throws what the context throws.
 */
export function parseScript(text: string, file: string, context: ParseContext, line = 1): Script {
  const commands: Command[] = [];
  const faults: CommandFault[] = [];
  for (const { text: one, line: number } of logicalLines(withoutPrompts(text), line)) {
    try {
      commands.push(...commandsOfLine(one, number, file, context));
    } catch (error) {
      if (!(error instanceof CommandFault)) throw error;
      faults.push(error);
    }
  }
  return { commands, faults };
}

/** Of a container that is made, most values are of no matter here. */
const RUNS = /\bdocker\s+(?:container\s+)?(?:run|create)\s/;

function isRun(words: readonly Word[]): boolean {
  return /^(?:sudo )?(?:\S*\/)?docker (?:container )?(?:run|create) /.test(words.map(({ text }) => text).join(' '));
}

/** The commands of TEXT, one line, perhaps continued. */
function commandsOfLine(text: string, line: number, file: string, context: ParseContext): Command[] {
  const saved = SAVES.exec(SAVES_IN_SHELL.exec(text)?.[2] ?? text);
  if (saved !== null) {
    const [, path] = saved;
    const words: Word[] = [{ text: text.trim(), line, column: text.length - text.trimStart().length + 1 }];
    const place: Word = { text: path, line, column: text.lastIndexOf(path) + 1 };
    if (isServiceFile(path)) return [{ action: SAVES_RULES, words, file, notes: [] }];
    throw new CommandFault(
      place,
      `${path} is not what the iptables service loads`,
      '/etc/sysconfig/iptables or /etc/iptables/rules.v4',
    );
  }
  try {
    return splitCommands(text, line, { mayExpand: RUNS.test(text) }).flatMap((words) => {
      const fault = words.map(expansionIn).find((one) => one !== undefined);
      if (fault !== undefined && !isRun(words)) throw fault;
      return parseDockerCommand(words, file, context);
    });
  } catch (error) {
    if (!(error instanceof ShellFault)) throw error;
    throw new CommandFault(error.word, error.message);
  }
}

const PROMPT =
  /^(\s*)((?:[\w.-]+@[\w.-]+:\S*)?[$#] )(?=(?:sudo )?(?:\/\S*\/)?(?:docker|dockerd|docker-compose|ip6?tables|ipset|sysctl|systemctl|service)(?:-\w+)? )/gm;

/**
 * TEXT with blanks in place of the prompts that were pasted with it. A `#` alone is one where all lines have it: else
 * it makes a comment of a command.
 */
function withoutPrompts(text: string): string {
  const isPasted = text.split('\n').every((line) => /^\s*(?:$|[$#] )/.test(line));
  return text.replace(PROMPT, (all, before: string, prompt: string) =>
    prompt !== '# ' || isPasted ? before + ' '.repeat(prompt.length) : all,
  );
}

/** TEXT in lines, each with those that it continues. A quotation over several lines is one. */
function logicalLines(text: string, first: number): { text: string; line: number }[] {
  const content = text.replace(/^\ufeff/, '').replaceAll('\r\n', '\n');
  const found: { text: string; line: number }[] = [];
  let line = first;
  for (let start = 0; start < content.length; ) {
    const end = endOfLine(content, start);
    const one = content.slice(start, end);
    if (!/^\s*(?:#|$)/.test(one)) found.push({ text: one, line });
    line += one.split('\n').length;
    start = end + 1;
  }
  return found;
}

/** Where the line of a shell ends that starts at START: at a line feed that is not escaped, and not within quotes. */
function endOfLine(text: string, start: number): number {
  let quote = '';
  for (let i = start; i < text.length; i++) {
    const char = text[i];
    if (char === '\\' && quote !== "'") i++;
    else if (quote !== '') quote = char === quote ? '' : quote;
    else if (char === '\n') return i;
    else if (char === '"' || char === "'") quote = char;
    else if (char === '#' && (i === start || /\s/.test(text[i - 1]))) {
      const end = text.indexOf('\n', i);
      return end < 0 ? text.length : end;
    }
  }
  return text.length;
}
