/** A port is published, or listened to, on another address or interface than the one that is asked. */
import { IPPROTO_TCP, IPPROTO_UDP, TCP_RST } from '../../../codecs/layouts.js';
import { protocolName } from '../../../codecs/protocol-names.js';
import type { FieldName } from '../../../core/fields.js';
import type { Rule } from '../../../core/rules/model.js';
import { ruleText } from '../../story/rule-words.js';
import type { Check, Examined, Failure } from '../check.js';
import { Evidence, type Shown } from '../evidence.js';
import { isTranslated, type PacketRecord } from '../packet-record.js';
import { hasListener, listenerElsewhere } from '../sockets.js';
import { endText, packetText } from '../words.js';

const CODE = 'published-elsewhere';
/** What a rule that publishes a port says about where. */
const WHERE: readonly FieldName[] = ['destination', 'destinationType', 'destinationTypeIn', 'inDev'];

interface Elsewhere {
  readonly rule: Rule | undefined;
  readonly address: string;
  readonly by: string;
}

export const PUBLISHED_ELSEWHERE: Check = {
  code: CODE,
  needs: ['captures'],
  begin(examined) {
    const evidence = new Evidence<Elsewhere>();
    return {
      follow(record, belonging) {
        const { ends, tracked, routed } = record;
        if (record.inDev === undefined || ends === undefined || tracked?.ctstate !== 'NEW') return;
        if (![IPPROTO_TCP, IPPROTO_UDP].includes(ends.protocol) || routed?.to !== 'host') return;
        if (isTranslated(record, 'destination') || belonging?.isReply === true) return;
        const found = publishedElsewhere(record) ?? listeningElsewhere(record, examined);
        if (found !== undefined)
          evidence.note(`${ends.protocol} ${ends.destination} ${ends.dport} ${found.by}`, record, found);
      },
      findings: () => evidence.all.filter(({ first }) => isUnanswered(first, examined)).map(findingOf),
    };
  },
};

function findingOf({ detail: { rule, address, by }, first, packets }: Shown<Elsewhere>): Failure {
  const { destination = '', dport = -1 } = first.ends ?? {};
  return {
    message: `${packetText(first)} asks ${destination}, and ${by}`,
    rules: rule === undefined ? [] : [rule],
    packets,
    change:
      rule === undefined
        ? `let the service listen to ${endText(destination, dport)} or to 0.0.0.0, not to ${address} only`
        : `publish the port on 0.0.0.0 or on ${destination}, as with docker run -p ${dport}:…, not on ${address}`,
  };
}

/** The rule that would have translated the packet if it had asked elsewhere, provided that nobody else answers it. */
function publishedElsewhere({ missed, ends }: PacketRecord): Elsewhere | undefined {
  if (ends === undefined) return undefined;
  const rule = missed.find(
    ({ hook, failures }) =>
      hook === 'PREROUTING' && failures.every(({ field }) => field !== undefined && WHERE.includes(field)),
  )?.rule;
  // What comes from the container's own network is left to docker-proxy.
  if (rule === undefined || rule.base.inDev?.negated === true) return undefined;
  const address = rule.base.destination?.address.toString() ?? rule.base.inDev?.name ?? 'another address';
  return { rule, address, by: `the rule that publishes port ${ends.dport} is for ${address}: ${ruleText(rule)}` };
}

/** Whether nobody on the host takes the packet, as far as is known. */
function isUnanswered(record: PacketRecord, { host, connections }: Examined): boolean {
  const { ends, end } = record;
  if (end !== 'delivered' || ends === undefined) return end === 'dropped' || end === 'rejected';
  const isListenedTo = hasListener(host, record);
  if (isListenedTo !== undefined) return !isListenedTo;
  const reply = connections.find(ends)?.connection.reply;
  return ((reply?.segment?.flags ?? 0) & TCP_RST) !== 0;
}

/** A socket that has the port, if nobody listens to it at this address and interface. */
function listeningElsewhere(record: PacketRecord, { host }: Examined): Elsewhere | undefined {
  const { end, ends } = record;
  if (ends === undefined || end !== 'delivered' || hasListener(host, record) !== false) return undefined;
  const socket = listenerElsewhere(host, record);
  if (socket === undefined) return undefined;
  const isOfInterface = socket.dev !== undefined && socket.dev !== record.inDev;
  const address = isOfInterface ? `the interface ${socket.dev}` : (socket.local?.toString() ?? 'another address');
  const name = `${protocolName(ends.protocol)} port ${ends.dport}`;
  return { rule: undefined, address, by: `the socket that listens to ${name} is bound to ${address}` };
}
