/** What is done to the sets of a host, one step after another, and what ipset answers to each. */

export type Step =
  | { readonly kind: 'command'; readonly words: readonly string[] }
  /** `ipset … restore`, with TEXT on standard input. */
  | { readonly kind: 'restore'; readonly words: readonly string[]; readonly text: string }
  /** `iptables -A INPUT -m set --match-set SET src`. */
  | { readonly kind: 'rule'; readonly set: string };

export interface Answer {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  /** What `ipset save` prints afterwards. */
  readonly saved: string;
}

/** The initial value of a hash that was not given: our own is this one, a kernel's is random. */
export const RANDOM_INITVAL = 0x5eed_5eed;

/** STEP as people would type it. */
export function formatStep(step: Step): string {
  if (step.kind === 'rule') return `iptables -A INPUT -m set --match-set ${step.set} src`;
  const words = step.words.map((word) => (/^[\w.:,/-]+$/.test(word) ? word : JSON.stringify(word)));
  const command = `ipset ${words.join(' ')}`;
  return step.kind === 'command' ? command : `${command} <<< ${JSON.stringify(step.text)}`;
}

/** How answers are compared. Values that depend on time, memory and a random order are taken out of both. */
export function differenceOf(ours: Answer, theirs: Answer): string | undefined {
  if (ours.exitCode !== theirs.exitCode)
    return `exit code ${ours.exitCode}, not ${theirs.exitCode} (${theirs.stderr.trim()} / ${ours.stderr.trim()})`;
  if (ours.stderr !== theirs.stderr) return `${JSON.stringify(ours.stderr)}, not ${JSON.stringify(theirs.stderr)}`;
  for (const name of ['stdout', 'saved'] as const) {
    const [one, other] = alike(ours[name], theirs[name]);
    if (one !== other) return `${name}:\n${linesOf(one, other)}`;
  }
  return undefined;
}

/** The lines of ONE and OTHER that differ. */
function linesOf(one: string, other: string): string {
  const [ours, theirs] = [one.split('\n'), other.split('\n')];
  const more = ours.filter((line) => !theirs.includes(line)).map((line) => `    ours   ${line}`);
  const less = theirs.filter((line) => !ours.includes(line)).map((line) => `    theirs ${line}`);
  return [...more, ...less].slice(0, 10).join('\n') || '    the same lines in another order';
}

const OURS = new RegExp(`initval(>| )0x${RANDOM_INITVAL.toString(16)}`);

/** OURS and THEIRS without what cannot be the same. */
function alike(ours: string, theirs: string): [string, string] {
  const isRandom = OURS.test(ours);
  return [plain(ours, isRandom), plain(theirs, isRandom)];
}

function plain(text: string, isRandom: boolean): string {
  const timeless = text
    .replace(/^Size in memory: .*\n|^<memsize>.*\n/gm, '')
    .replace(/^((?:add )?[^\n]*\btimeout )(\d+)/gm, (all: string, before: string, seconds: string) =>
      /^(?:create|Header)/.test(all) ? all : `${before}${Math.floor(Number(seconds) / 100)}`,
    )
    .replace(
      /^(<member>.*<timeout>)(\d+)/gm,
      (_, before: string, seconds: string) => `${before}${Math.floor(Number(seconds) / 100)}`,
    );
  if (!isRandom) return timeless;
  const drawn = timeless.replace(/(hashsize|initval)( |>)\w+/g, '$1$2…');
  return drawn.split('\n').sort().join('\n');
}
