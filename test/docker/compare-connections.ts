/** Two outputs of `conntrack -L -o extended`. */

/** Entries with so many seconds left, or fewer, may be gone on one side and not on the other. */
const NEARLY_EXPIRED_SECONDS = 1;

/**
 * The kernel joins a group on each bridge that comes up (IGMP), also where the bridge has no port yet: no capture has
 * these packets.
 */
const OWN_REPORT = /^unknown 2 src=\S+ dst=224\.0\.0\.22 /;

export interface ConnectionComparison {
  /** Whether packets between SOURCE and DESTINATION, as the receiver sees them, only pass between ports of a bridge. */
  readonly isBridged: (source: string, destination: string) => boolean;
  /** The host's own connections, which were captured after NAT, may have been for another port. */
  readonly isOwnPortKnown: boolean;
}

interface Entry {
  readonly text: string;
  readonly isExpiring: boolean;
}

/** Entries that only one of the two has, a line each; their seconds are set aside. */
export function connectionDifferences(wanted: string, found: string, how: ConnectionComparison): string[] {
  const [inWanted, inFound] = [entriesOf(wanted, how), entriesOf(found, how)];
  const only = (ours: readonly Entry[], others: readonly Entry[]): Entry[] =>
    ours.filter(({ text, isExpiring }) => !isExpiring && !others.some((one) => one.text === text));
  return [
    ...only(inWanted, inFound).map(({ text }) => `connection - ${text}`),
    ...only(inFound, inWanted).map(({ text }) => `connection + ${text}`),
  ];
}

function entriesOf(text: string, { isBridged, isOwnPortKnown }: ConnectionComparison): Entry[] {
  const lines = text.split('\n').filter((line) => line.startsWith('ipv4 '));
  const entries = lines.map((line) => {
    const words = line.trim().split(/\s+/);
    const hasTimeout = /^\d+$/.test(words[4] ?? '');
    const kept = words.filter((word, i) => !(i === 4 && hasTimeout) && !/^(?:use|secctx|id|mark)=/.test(word));
    const shown = kept.slice(2).join(' ');
    const isOwn = /src=(?:127\.|192\.0\.2\.10 )/.test(shown);
    return {
      text: isOwn && !isOwnPortKnown ? shown.replace(/dport=\d+/, 'dport=?') : shown,
      isExpiring: hasTimeout && Number(words[4]) <= NEARLY_EXPIRED_SECONDS,
    };
  });
  return entries.filter(({ text: entry }) => !OWN_REPORT.test(entry) && !isBetweenPorts(entry, isBridged));
}

/** Whether the packets of ENTRY go from SOURCE to the one who answers, by a bridge. */
function isBetweenPorts(entry: string, isBridged: ConnectionComparison['isBridged']): boolean {
  const [source, answering] = [...entry.matchAll(/src=(\S+)/g)].map(([, address]) => address);
  return source !== undefined && answering !== undefined && isBridged(source, answering);
}
