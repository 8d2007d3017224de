/** Reads CHANGELOG.md: sections `## VERSION`, the newest first, with entries `- …` under headings. */

export interface ChangelogEntry {
  /** Undefined: not released yet. */
  readonly version: string | undefined;
  /** What stands before it: `Fixed`. */
  readonly heading: string;
  /** On one line. */
  readonly text: string;
}

/** The entries of TEXT, in its order. */
export function readChangelog(text: string): ChangelogEntry[] {
  const entries: { version: string | undefined; heading: string; text: string }[] = [];
  let version: string | undefined;
  let heading = '';
  let isInside = false;
  for (const line of text.split(/\r?\n/)) {
    const section = /^## \[?v?(\d+\.\d+\.\d+[^\s\]]*|Unreleased)/i.exec(line);
    if (section !== null) {
      version = /^unreleased$/i.test(section[1]) ? undefined : section[1];
      heading = '';
      isInside = true;
    } else if (!isInside) continue;
    else if (/^#{3} |^\S.*:$/.test(line) && !line.startsWith('- ')) heading = line.replace(/^#+ |:$/g, '');
    else if (line.startsWith('- ')) entries.push({ version, heading, text: line.slice(2).trim() });
    else if (/^ {2,}\S/.test(line) && entries.length > 0) entries.at(-1)!.text += ` ${line.trim()}`;
  }
  return entries;
}

/**
 * What of ENTRIES came after the version FROM, up to TO; undefined if they do not know FROM.
 */
export function changesBetween(
  entries: readonly ChangelogEntry[],
  from: string,
  to: string,
): ChangelogEntry[] | undefined {
  if (!entries.some(({ version }) => version === from)) return undefined;
  const isReleased = entries.some(({ version }) => version === to);
  return entries.filter(({ version }) =>
    version === undefined ? !isReleased : compareVersions(version, from) > 0 && compareVersions(version, to) <= 0,
  );
}

/** By semantic versioning; a pre-release comes before its release. */
export function compareVersions(a: string, b: string): number {
  const [numbersA, numbersB] = [a, b].map((text) => text.split(/[-+]/, 1)[0].split('.').map(Number));
  for (let i = 0; i < 3; i++) {
    const difference = (numbersA[i] ?? 0) - (numbersB[i] ?? 0);
    if (difference !== 0) return difference;
  }
  const isPrerelease = (text: string): number => (text.includes('-') ? 0 : 1);
  return isPrerelease(a) - isPrerelease(b) || (a < b ? -1 : a > b ? 1 : 0);
}
