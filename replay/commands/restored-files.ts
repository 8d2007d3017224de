/** Files that commands name (`iptables-restore FILE`), for who moves the commands somewhere else. */
import { commandError, type HostCommand } from './host-command.js';
import { parseRestoreOptions } from './restore-rules.js';

/**
 * TEXT, which starts in line FIRST_LINE and was read as COMMANDS, with the files that these name called by other names.
 * @throws {CommandError} if the name of a file is not there as it is, but quoted in part or escaped
 */
export function withRestoredFiles(
  text: string,
  firstLine: number,
  commands: readonly HostCommand[],
  rename: (path: string) => string,
): string {
  const lines = text.split('\n');
  // From the end, so that columns before stay as they are.
  for (const command of [...commands].reverse()) {
    if (command.tool !== 'iptables-restore') continue;
    const { path } = parseRestoreOptions(command);
    const word = command.words.find((one) => one.text === path) ?? command.all[0];
    const row = word.line - firstLine;
    const name = rename(path);
    if (name === path) continue;
    const line = lines[row] ?? '';
    const start = word.column - 1 + (/["']/.test(line[word.column - 1] ?? '') ? 1 : 0);
    if (!line.startsWith(path, start)) {
      const what = 'this name of a file cannot be changed to the one in the case';
      throw commandError(command.source, command.all, word, what, 'it without escapes');
    }
    lines[row] = line.slice(0, start) + name + line.slice(start + path.length);
  }
  return lines.join('\n');
}
