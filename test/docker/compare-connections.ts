/** Two outputs of `conntrack -L -o extended`. */

/** Entries with so many seconds left, or fewer, may be gone on one side and not on the other. */
const NEARLY_EXPIRED_SECONDS = 1;
/** Only the time-out of an established TCP connection that waits for nothing is longer. */
const LONGEST_OTHER_SECONDS = 3600;

/**
 * The kernel joins a group on each bridge that comes up (IGMP), also where the bridge has no port yet: no capture has
 * these packets.
 */
const OWN_REPORT = /^unknown 2 .*src=224\.0\.0\.22 /;

const ORIGINAL_TUPLE = /src=\S+ dst=\S+ (?:sport=\S+ dport=\S+ )?(?:type=\S+ code=\S+ id=\S+ )?/;

export interface ConnectionComparison {
  /** Whether the kernel has tracked all along: with nft it does only while rules ask for it (docs/changes.md). */
  readonly isTracked: boolean;
  /** How long after the last packet the kernel's entries were read: a replay ends with its last packet. */
  readonly secondsLater: number;
  /** Whether packets between SOURCE and DESTINATION, as the receiver sees them, only pass between ports of a bridge. */
  readonly isBridged: (source: string, destination: string) => boolean;
  /**
   * The host's addresses, if what they have sent was captured after NAT, and so may have been addressed otherwise. Of
   * such connections only the answers are compared.
   */
  readonly translated: ReadonlySet<string>;
}

interface Entry {
  readonly text: string;
  readonly isExpiring: boolean;
}

/** Entries that only one of the two has, a line each; their seconds are set aside, but for whether they are days. */
export function connectionDifferences(wanted: string, found: string, how: ConnectionComparison): string[] {
  const inWanted = entriesOf(wanted, 0, how);
  const inFound = entriesOf(found, how.secondsLater, how);
  const only = (ours: readonly Entry[], others: readonly Entry[]): Entry[] =>
    ours.filter(({ text, isExpiring }) => !isExpiring && !others.some((one) => one.text === text));
  return [
    ...only(inWanted, inFound).map(({ text }) => `connection - ${text}`),
    ...only(how.isTracked ? inFound : [], inWanted).map(({ text }) => `connection + ${text}`),
  ];
}

/** The entries in TEXT; those that will be gone SECONDS later are expiring. */
function entriesOf(text: string, seconds: number, { isBridged, translated }: ConnectionComparison): Entry[] {
  const lines = text.split('\n').filter((line) => line.startsWith('ipv4 '));
  const entries = lines.map((line) => {
    const words = line.trim().split(/\s+/);
    const hasTimeout = /^\d+$/.test(words[4] ?? '');
    const kept = words.filter((word, i) => !(i === 4 && hasTimeout) && !/^(?:use|secctx|id|mark)=/.test(word));
    const days = hasTimeout && Number(words[4]) > LONGEST_OTHER_SECONDS ? ['days'] : [];
    const shown = [...kept.slice(2), ...days].join(' ');
    const [, source] = /src=(\S+)/.exec(shown) ?? [];
    return {
      text: translated.has(source ?? '') ? shown.replace(ORIGINAL_TUPLE, '') : shown,
      isExpiring: hasTimeout && Number(words[4]) <= NEARLY_EXPIRED_SECONDS + seconds,
    };
  });
  return entries.filter(({ text: entry }) => !OWN_REPORT.test(entry) && !isBetweenPorts(entry, isBridged));
}

/** Whether the packets of ENTRY go from SOURCE to the one who answers, by a bridge. */
function isBetweenPorts(entry: string, isBridged: ConnectionComparison['isBridged']): boolean {
  const [source, answering] = [...entry.matchAll(/src=(\S+)/g)].map(([, address]) => address);
  return source !== undefined && answering !== undefined && isBridged(source, answering);
}
