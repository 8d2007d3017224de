/**
 * A segment that conntrack calls INVALID is not translated: it leaves with its private source, or reaches a host or
 * server that knows no such connection and resets it (moby/libnetwork 1090, kubernetes 74839).
 */
import { TCP_RST } from '../../../codecs/layouts.js';
import { sysctlCommand } from '../../command.js';
import { type Check, type Examined, type Failure, NOT_TRIED, type Steps } from '../check.js';
import type { SeenConnection } from '../connections.js';
import { Evidence, type Shown } from '../evidence.js';
import { isAccepted, type PacketRecord } from '../packet-record.js';
import { endText, packetText, untried } from '../words.js';

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
      follow(record, belonging) {
        if (record.tracked?.ctstate !== 'INVALID' || record.segment === undefined) return;
        if ((record.segment.flags & TCP_RST) !== 0) {
          noteReset(record);
          return;
        }
        if (OVER.includes(record.tracked.stateBefore)) return;
        const { connection } = belonging ?? {};
        if (connection === undefined || connection.natRules.length === 0 || !isAccepted(record)) return;
        // Without an answer, it is more likely that only one side was captured.
        if (connection.reply === undefined) return;
        if (!isTranslatedAtAll(connection)) return;
        const key = `${record.end} ${record.inDev} ${connection.natRules[0].line}`;
        evidence.note(key, record, connection);
      },
      *findings() {
        const failures: Failure[] = [];
        for (const shown of evidence.all) failures.push(yield* findingOf(shown, examined));
        return failures;
      },
    };

    /** A reset for what has escaped: it has the ends that the segment had when it arrived. */
    function noteReset(record: PacketRecord): void {
      for (const shown of evidence.all) {
        const { ends } = shown.first;
        const own = record.ends;
        if (ends === undefined || own === undefined) continue;
        const isAnswer = own.source === ends.destination && own.destination === ends.source && own.sport === ends.dport;
        if (isAnswer && own.dport === ends.sport) shown.packets.add(record);
      }
    }
  },
};

function isTranslatedAtAll({ ends, translated }: SeenConnection): boolean {
  const isSourceKept = ends.source === translated.source && ends.sport === translated.sport;
  const isDestinationKept = ends.destination === translated.destination && ends.dport === translated.dport;
  return !isSourceKept || !isDestinationKept;
}

function* findingOf({ detail, first, packets }: Shown<SeenConnection>, examined: Examined): Steps<Failure> {
  const why = whyInvalid(first);
  return {
    message: `${packetText(first)} is INVALID${why}, so NAT does not translate it: it ${whereTo(first)}`,
    rules: detail.natRules,
    packets,
    change: yield* changeFor(first, examined),
  };
}

function whereTo({ end, ends, left }: PacketRecord): string {
  const resets = 'knows no such connection and resets it';
  const to = endText(ends?.destination ?? '', ends?.dport);
  if (end === 'delivered') return `reaches ${to} on the host itself, which ${resets}`;
  return `leaves by ${left?.dev} from ${ends?.source}, and ${ends?.destination} ${resets}`;
}

/** By which check, and by how much; the kernel's words, if it has some. */
function whyInvalid({ tracked }: PacketRecord): string {
  const { invalid, window, remark } = tracked ?? {};
  if (invalid === 'window' && window !== undefined) {
    if (window.beyondWindowBytes > 0) return ` (${window.beyondWindowBytes} bytes beyond the window)`;
    if (window.unseenBytes > 0) return ` (it acknowledges ${window.unseenBytes} bytes that were never seen)`;
  }
  const words = remark ?? invalid;
  return words === undefined ? '' : ` (${words})`;
}

/** Drops such segments as early as possible, so that the other end repeats them, or lets conntrack take them; tried. */
function* changeFor(first: PacketRecord, examined: Examined): Steps<string> {
  const hook = first.inDev === undefined ? 'OUTPUT' : 'PREROUTING';
  const command = `iptables -t mangle -I ${hook} -m conntrack --ctstate INVALID -j DROP`;
  const withDrop = yield* examined.tries([command], first);
  const liberally = yield* examined.tries([LIBERAL], first);
  if (withDrop === NOT_TRIED || liberally === NOT_TRIED) return untried(`${command}, or ${LIBERAL}`);
  const helps = [
    ...(withDrop?.dropped === undefined ? [] : [command]),
    ...(liberally?.tracked?.ctstate === 'ESTABLISHED' ? [LIBERAL] : []),
  ];
  return helps.length === 0 ? 'drop INVALID segments before they leave or reach the host' : helps.join(', or ');
}
