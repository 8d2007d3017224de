/**
 * `canonical.txt`: rules as they can stand in a file, and what the real iptables-legacy-save prints after they were
 * loaded.
 *
 *     filter -A u -s 10.0.0.1 -j ACCEPT
 *       => -A u -s 10.0.0.1/32 -j ACCEPT
 *
 * A case's first line is the table and a line of it; ` && ` parts several lines. Each table has the user chains u and
 * w. `=> refused`: iptables-restore or the kernel took it for a fault. `~ ` before the table: refused here on purpose,
 * whatever iptables does with it.
 */
export interface CanonicalCase {
  readonly table: string;
  readonly lines: readonly string[];
  readonly refusedHere: boolean;
  /** The `-A` lines; undefined: refused. */
  readonly saved: readonly string[] | undefined;
  /** The case's first line, as it stands in the file. */
  readonly head: string;
}

const ARROW = '  => ';

export function parseCanonical(text: string): CanonicalCase[] {
  const cases: CanonicalCase[] = [];
  for (const block of text.split(/\n(?! )/)) {
    const [head, ...rest] = block.split('\n').filter((line) => line !== '');
    if (head === undefined || head.startsWith('#')) continue;
    const refusedHere = head.startsWith('~ ');
    const rule = refusedHere ? head.slice(2) : head;
    const space = rule.indexOf(' ');
    const expected = rest.map((line) => line.slice(ARROW.length));
    const saved = expected[0] === 'refused' ? undefined : expected;
    cases.push({ table: rule.slice(0, space), lines: rule.slice(space + 1).split(' && '), refusedHere, saved, head });
  }
  return cases;
}

export function formatCanonical(cases: readonly CanonicalCase[]): string {
  return cases
    .map(({ head, saved }) => [head, ...(saved ?? ['refused']).map((line) => ARROW + line), ''].join('\n'))
    .join('');
}

/** The file that a case stands for. */
export function canonicalFile({ table, lines }: CanonicalCase): string {
  return [`*${table}`, ':u - [0:0]', ':w - [0:0]', ...lines, 'COMMIT', ''].join('\n');
}
