/**
 * `canonical/`: rules as they can stand in a file, and what the real iptables-legacy-save prints after they were
 * loaded.
 *
 *     filter -A u -s 10.0.0.1 -j ACCEPT
 *       => -A u -s 10.0.0.1/32 -j ACCEPT
 *
 * A case's first line is the table and a line of it; ` && ` parts several lines. Each table has the user chains u and
 * w. `ip6 ` before the table: it is for ip6tables. `~ ` before all that: refused here on purpose, whatever iptables
 * does with it.
 *
 * `=> refused`: iptables-restore or the kernel took it for a fault. `=> nothing`: it left no rule. A case without `=>`
 * was not asked yet.
 *
 * Lines that start with `#` and empty lines stay where they are. `$ ` starts a command that the recorder runs before it
 * asks, for what has to exist: `$ nfacct add foo`.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Family } from '../../codecs/address.js';

/** The `-A` lines, or 'refused'. */
export type CanonicalAnswer = readonly string[] | 'refused';

export interface CanonicalCase {
  readonly family: Family;
  readonly table: string;
  readonly lines: readonly string[];
  readonly refusedHere: boolean;
  /** Undefined if the real tool was not asked. */
  readonly answer: CanonicalAnswer | undefined;
  /** The case's first line, as it stands in the file. */
  readonly head: string;
}

export interface CanonicalFile {
  /** Relative to the folder: `matches/ttl.txt`. */
  readonly name: string;
  readonly path: string;
  readonly text: string;
}

const ARROW = '  => ';
const HEAD = /^(~ )?(ip6 )?(\S+) (.*)$/s;

/** The files of `canonical/`, in the order of their names. */
export function canonicalFiles(): CanonicalFile[] {
  // Compiled tests run from dist/, where there are no text files.
  const folder = fileURLToPath(new URL('canonical/', import.meta.url.replace('/dist/test/', '/test/')));
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.txt'));
  return names.sort().map((name) => ({ name, path: folder + name, text: readFileSync(folder + name, 'utf8') }));
}

export function allCanonicalCases(): CanonicalCase[] {
  return canonicalFiles().flatMap(({ text }) => parseCanonical(text));
}

/** TEXT in blocks: a case with its answer, or another line. */
function blocksOf(text: string): string[] {
  return text.replace(/\n$/, '').split(/\n(?! )/);
}

function parseBlock(block: string): CanonicalCase | undefined {
  const [head, ...rest] = block.split('\n');
  const parts = /^(?:#|\$ |$)/.test(head) ? undefined : HEAD.exec(head);
  if (!parts) return undefined;
  const expected = rest.map((line) => line.slice(ARROW.length));
  const [, refusedHere, ip6, table, lines] = parts;
  return {
    family: ip6 === undefined ? 'ipv4' : 'ipv6',
    table,
    lines: lines.split(' && '),
    refusedHere: refusedHere !== undefined,
    answer: answerOf(expected),
    head,
  };
}

function answerOf(expected: readonly string[]): CanonicalAnswer | undefined {
  if (expected.length === 0) return undefined;
  if (expected[0] === 'refused') return 'refused';
  return expected[0] === 'nothing' ? [] : expected;
}

export function parseCanonical(text: string): CanonicalCase[] {
  return blocksOf(text)
    .map(parseBlock)
    .filter((one) => one !== undefined);
}

/** TEXT with the answers of ASK, which is asked about each case; RUN is told of commands. */
export function answerCanonical(
  text: string,
  ask: (one: CanonicalCase) => CanonicalAnswer | undefined,
  run: (command: string) => void,
): string {
  const blocks = blocksOf(text).map((block) => {
    if (block.startsWith('$ ')) run(block.slice(2));
    const one = parseBlock(block);
    const answer = one && ask(one);
    if (one === undefined || answer === undefined) return block;
    return [one.head, ...shownAnswer(answer).map((line) => ARROW + line)].join('\n');
  });
  return `${blocks.join('\n')}\n`;
}

function shownAnswer(answer: CanonicalAnswer): readonly string[] {
  if (answer === 'refused') return [answer];
  return answer.length === 0 ? ['nothing'] : answer;
}

/** The file that a case stands for. */
export function canonicalFile({ table, lines }: CanonicalCase): string {
  return [`*${table}`, ':u - [0:0]', ':w - [0:0]', ...lines, 'COMMIT', ''].join('\n');
}
