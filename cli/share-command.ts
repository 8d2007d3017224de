/** The command `nfreplay share`: a case made anonymous that shows the same. */
import { readExpectation } from '../codecs/expectation/read-expectation.js';
import type { SentenceNames } from '../codecs/sentence/parse.js';
import { counted, shownPath } from '../codecs/text.js';
import { judge } from '../explain/expect/judging.js';
import { widthOf, wrapAfter } from '../explain/text/columns.js';
import { type Style, styleOf } from '../explain/text/style.js';
import { readText } from '../io/text-file.js';
import { refuseFolderInCase } from '../replay/case-places.js';
import { casesIn, type GoldenCase, optionsOf } from '../replay/golden-case.js';
import { type ShareResult, shareCase } from '../replay/share/share-case.js';
import { parseCommand } from './args.js';
import { SHARE } from './commands/share.js';
import { ExitCode, UsageError } from './errors.js';
import { count } from './number.js';
import { STDOUT } from './output.js';
import type { Supervision } from './supervisor.js';

/** Runs the command; returns the exit code. */
export function shareCommand(args: readonly string[], supervision?: Supervision): number {
  const given = parseCommand(SHARE, args);
  const [path, ...others] = given.positionals;
  const dir = given.value('out');
  if (path === undefined) throw new UsageError('nfreplay share requires a CASE, the folder of the case to share');
  if (others.length > 0) throw new UsageError(`${others[0]}: one case too many; expected one CASE`);
  if (dir === undefined) throw new UsageError('nfreplay share requires -o DIR, where to write the shared case');
  const [golden, ...more] = casesIn(path);
  if (more.length > 0)
    throw new UsageError(`${path} has ${more.length + 1} cases; expected the folder of one, such as ${golden.dir}`);
  refuseFolderInCase(golden.dir, dir, `-o ${dir}`);
  supervision?.onReady(false);
  const seed = given.value('seed');
  const result = shareCase(golden, dir, { ...supervision, judge: claimsOf, ...(seed === undefined ? {} : { seed }) });
  STDOUT.write(reportOf(dir, result, styleOf(STDOUT, given.color), widthOf(STDOUT)));
  return ExitCode.DONE;
}

/** What comes of the claims of GOLDEN. */
function claimsOf(golden: GoldenCase): string[] {
  const { expectPath = '' } = golden;
  const read = (names: SentenceNames) => readExpectation(readText(expectPath), expectPath, names);
  return judge(optionsOf(golden), read).map(({ isMet, met, unmet, problems }) => {
    const members = problems.map(({ member }) => member).join(', ');
    return isMet ? `met by ${met}` : `not met by ${unmet} of ${met} (${members})`;
  });
}

function reportOf(dir: string, { packets, replaced, again, kept }: ShareResult, style: Style, width: number): string {
  const counts = replaced.map(([what, number]) => counted(number, what, pluralOf(what))).join(', ');
  const lines = [...(again.length === 0 ? [] : [addressesLine(again)]), ...kept];
  return [
    `${style.bold(shownPath(dir))}: the same rules decide on the same ${count(packets, 'packet')}`,
    ...wrapAfter('  replaced: ', counts === '' ? 'nothing' : counts, width),
    ...(lines.length === 0 ? [] : ['  not replaced:', ...lines.flatMap((line) => wrapAfter('    - ', line, width))]),
    '',
  ].join('\n');
}

const MOST_ADDRESSES = 8;

/** Which addresses are in both cases, and why. */
function addressesLine(again: readonly string[]): string {
  const more = again.length - MOST_ADDRESSES;
  const shown = `${again.slice(0, MOST_ADDRESSES).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
  return `${shown}: the networks they are in keep their prefixes and their own addresses, which leaves no others`;
}

function pluralOf(what: string): string {
  if (what.endsWith('address')) return `${what}es`;
  return what.endsWith('prefix') ? `${what}es` : `${what}s`;
}
