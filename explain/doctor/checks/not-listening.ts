/** A published port leads to a container that does not listen: it answers with a RST or an ICMP error. */
import { IPPROTO_TCP, TCP_RST } from '../../../codecs/layouts.js';
import type { Check } from '../check.js';
import type { SeenConnection } from '../connections.js';
import { Evidence } from '../evidence.js';
import type { PacketRecord } from '../packet-record.js';
import { endText, packetText } from '../words.js';

const CODE = 'not-listening';
const DESTINATION_UNREACHABLE = 3;
const PORT_UNREACHABLE = 3;

export const NOT_LISTENING: Check = {
  code: CODE,
  needs: ['captures'],
  begin(examined) {
    const evidence = new Evidence<SeenConnection>();
    const note = (connection: SeenConnection, refusal: PacketRecord): void => {
      const { ends, translated, opener } = connection;
      const isPublished = ends.destination !== translated.destination && opener.end === 'forwarded';
      if (!isPublished) return;
      const key = `${translated.protocol} ${translated.destination} ${translated.dport}`;
      evidence.note(key, opener, connection).add(refusal);
    };
    return {
      follow(record, belonging) {
        const { segment, message } = record;
        if (message?.quoted !== undefined) {
          const isRefusal = message.type === DESTINATION_UNREACHABLE && message.code === PORT_UNREACHABLE;
          const quoted = isRefusal ? examined.connections.findQuoted(message.quoted) : undefined;
          if (quoted?.isReply === false) note(quoted.connection, record);
          return;
        }
        if (belonging?.isReply !== true || segment === undefined || (segment.flags & TCP_RST) === 0) return;
        // Only if it is the first answer: connections that have been open may well be reset.
        if (belonging.connection.reply === record) note(belonging.connection, record);
      },
      findings: () =>
        evidence.all.map(({ detail: { ends, translated, natRules }, first, packets }) => {
          const target = endText(translated.destination, translated.dport);
          const how =
            translated.protocol === IPPROTO_TCP ? 'answers with a RST' : 'answers that the port is unreachable';
          return {
            message: `${packetText(first)} is translated to ${target}, which ${how}: nobody listens there`,
            rules: natRules.slice(0, 1),
            packets,
            change:
              `let the service in ${translated.destination} listen to port ${translated.dport} on 0.0.0.0 (not on ` +
              `its own 127.0.0.1), or publish ${ends.dport} to the port that it listens to`,
          };
        }),
    };
  },
};
