/** Refuses rules that are in a text and would not be seen: quoted as in mails, or not copied with their command. */
import type { Family } from '../../../codecs/address.js';
import type { Word } from '../../../codecs/iptables-save.js';
import { RuleFault } from '../parse/error.js';
import { listingCommandsIn } from './sections.js';

/** A line of iptables-save, -S or -L. Repetitions have limits, so that long lines take no long time. */
const RULES = [
  /\*\w{1,30}[ \t]{0,9}$/,
  /:\S+ (?:ACCEPT|DROP|-)(?: |$)/,
  /COMMIT\b/,
  /(?:\[\d+:\d+\] )?-[PNA] \S/,
  /Chain \S+ \(/,
  // A row of a listing: counters, a target, a protocol, and the column of fragments.
  /(?:\d{1,20}[KMGT]? {1,9}){0,3}(?:\S{1,40} {1,40})?(?:all|tcp|udp|icmp|sctp|esp|ah|gre|\d{1,3}) {1,9}(?:--|-f|!f) /,
];
/** Such a line behind `>`, once or several times. */
const QUOTED = new RegExp(`^[ \\t]*>[> \\t]{0,20}(?:${RULES.map(({ source }) => source).join('|')})`, 'm');

/** How a text can bring rules; only the first two may show commands. */
export type Shape = 'outputs' | 'script' | 'one output';

/**
 * Throws a RuleFault at a line of TEXT that is a quoted rule, or at a command that lists rules of FAMILY without its
 * output.
 */
export function refuseUnreadable(text: string, shape: Shape, family: Family | undefined): void {
  const quoted = QUOTED.exec(text);
  if (quoted !== null) {
    const before = text.slice(0, quoted.index).split('\n');
    const word: Word = { text: '>', line: before.length, column: quoted[0].indexOf('>') + 1 };
    throw new RuleFault(
      word,
      'the line is quoted with ">", as in a mail',
      'the text without ">" in front of its lines',
    );
  }
  if (shape !== 'one output') refuseBare(text.split('\n'), shape, family);
}

function refuseBare(lines: readonly string[], shape: Shape, given: Family | undefined): void {
  const commands = listingCommandsIn(lines);
  // A script may list rules besides what else it does.
  if (shape === 'script' && lines.filter((line) => !/^\s*(?:#|$)/.test(line)).length > commands.length) return;
  const shown = commands.find(({ hasOutput }) => hasOutput);
  const family = given ?? shown?.family;
  const bare = commands.find((one) => !one.hasOutput && (shown === undefined || one.family === family));
  if (bare === undefined) return;
  const what = `nothing that can be read follows the command "${bare.typed}"`;
  const reason = 'its output is missing, or quoted with ">": take that away';
  throw new RuleFault(bare.line, `${what}: ${reason}; if it printed nothing, leave the command out`);
}
