// The lines of docker-cli.txt: a command, what docker 20.10 and a newer one do with it, and what nfreplay says besides.
import { fileURLToPath } from 'node:url';

export const CLI_FILE = fileURLToPath(new URL('../../../../test/docker/commands/docker-cli.txt', import.meta.url));

export interface CliLine {
  readonly command: string;
  /** Whether docker 20.10 accepts it; undefined: not asked yet. */
  readonly older: boolean | undefined;
  /** Whether docker 28 does. */
  readonly newer: boolean | undefined;
  /** What nfreplay says about a command that it refuses although docker itself does not. */
  readonly here: string | undefined;
}

const RESULT = /^ {2}=> (?:20\.10 )?(accepted|refused)(?:, 28 (accepted|refused))?$/;
const HERE = '  here: ';

export function readCliLines(text: string): CliLine[] {
  const lines: CliLine[] = [];
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const last = lines.pop();
    const result = RESULT.exec(line);
    if (last !== undefined && result !== null) {
      const [, older, newer = older] = result;
      lines.push({ ...last, older: older === 'accepted', newer: newer === 'accepted' });
    } else if (last !== undefined && line.startsWith(HERE)) lines.push({ ...last, here: line.slice(HERE.length) });
    else {
      if (last !== undefined) lines.push(last);
      lines.push({ command: line, older: undefined, newer: undefined, here: undefined });
    }
  }
  return lines;
}

export function formatCliLines(lines: readonly CliLine[]): string {
  const word = (accepts: boolean | undefined): string => (accepts ? 'accepted' : 'refused');
  return lines
    .map(({ command, older, newer, here }) => {
      const result = older === newer ? word(older) : `20.10 ${word(older)}, 28 ${word(newer)}`;
      return `${command}\n  => ${result}\n${here === undefined ? '' : `${HERE}${here}\n`}`;
    })
    .join('');
}
