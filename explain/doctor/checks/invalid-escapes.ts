/**
 * A segment that conntrack calls INVALID is not translated: it leaves with its private source, or reaches a host or
 * server that knows no such connection and resets it (moby/libnetwork 1090, kubernetes 74839).
 */
import { TCP_RST } from '../../../codecs/layouts.js';
import { sysctlCommand } from '../../command.js';
import type { Check, Examined, Failure } from '../check.js';
import type { SeenConnection } from '../connections.js';
import { Evidence, type Shown } from '../evidence.js';
import { isAccepted, type Passage } from '../passage.js';
import { endText, packetText } from '../words.js';

const CODE = 'invalid-escapes';
/** Connections that are over: what still comes of them is of no use to anybody. */
const OVER: readonly (string | undefined)[] = [undefined, 'CLOSE', 'TIME_WAIT', 'LAST_ACK'];
const LIBERAL = sysctlCommand('net.netfilter.nf_conntrack_tcp_be_liberal', 1);

export const INVALID_ESCAPES: Check = {
  code: CODE,
  needs: ['captures'],
  begin(examined) {
    const evidence = new Evidence<SeenConnection>();
    return {
      follow(passage, belonging) {
        if (passage.tracked?.ctstate !== 'INVALID' || passage.segment === undefined) return;
        if ((passage.segment.flags & TCP_RST) !== 0) {
          noteReset(passage);
          return;
        }
        if (OVER.includes(passage.tracked.stateBefore)) return;
        const { connection } = belonging ?? {};
        if (connection === undefined || connection.natRules.length === 0 || !isAccepted(passage)) return;
        // Without an answer, it is more likely that only one side was captured.
        if (connection.reply === undefined) return;
        if (!isTranslatedAtAll(connection)) return;
        const key = `${passage.end} ${passage.inDev} ${connection.natRules[0].line}`;
        evidence.note(key, passage, connection);
      },
      findings: () => evidence.all.map((shown) => findingOf(shown, examined)),
    };

    /** A reset for what has escaped: it has the ends that the segment had when it arrived. */
    function noteReset(passage: Passage): void {
      for (const shown of evidence.all) {
        const { ends } = shown.first;
        const own = passage.ends;
        if (ends === undefined || own === undefined) continue;
        const isAnswer = own.source === ends.destination && own.destination === ends.source && own.sport === ends.dport;
        if (isAnswer && own.dport === ends.sport) shown.packets.add(passage);
      }
    }
  },
};

function isTranslatedAtAll({ ends, translated }: SeenConnection): boolean {
  const isSourceKept = ends.source === translated.source && ends.sport === translated.sport;
  const isDestinationKept = ends.destination === translated.destination && ends.dport === translated.dport;
  return !isSourceKept || !isDestinationKept;
}

function findingOf({ detail, first, packets }: Shown<SeenConnection>, examined: Examined): Failure {
  const why = whyInvalid(first);
  return {
    message: `${packetText(first)} is INVALID${why}, so NAT does not translate it: it ${whereTo(first)}`,
    rules: detail.natRules,
    packets,
    change: changeFor(first, examined),
  };
}

function whereTo({ end, ends, left }: Passage): string {
  const resets = 'knows no such connection and resets it';
  const to = endText(ends?.destination ?? '', ends?.dport);
  if (end === 'delivered') return `reaches ${to} on the host itself, which ${resets}`;
  return `leaves by ${left?.dev} from ${ends?.source}, and ${ends?.destination} ${resets}`;
}

/** By which check, and by how much; the kernel's words, if it has some. */
function whyInvalid({ tracked }: Passage): string {
  const { invalid, window, remark } = tracked ?? {};
  if (invalid === 'window' && window !== undefined) {
    if (window.beyondWindowBytes > 0) return ` (${window.beyondWindowBytes} bytes beyond the window)`;
    if (window.unseenBytes > 0) return ` (it acknowledges ${window.unseenBytes} bytes that were never seen)`;
  }
  const words = remark ?? invalid;
  return words === undefined ? '' : ` (${words})`;
}

/** Drops such segments as early as possible, so that the other end repeats them, or lets conntrack take them; tried. */
function changeFor(first: Passage, examined: Examined): string {
  const hook = first.inDev === undefined ? 'OUTPUT' : 'PREROUTING';
  const command = `iptables -t mangle -I ${hook} -m conntrack --ctstate INVALID -j DROP`;
  const helps = [
    ...(examined.tries([command], first)?.dropped === undefined ? [] : [command]),
    ...(examined.tries([LIBERAL], first)?.tracked?.ctstate === 'ESTABLISHED' ? [LIBERAL] : []),
  ];
  return helps.length === 0 ? 'drop INVALID segments before they leave or reach the host' : helps.join(', or ');
}
