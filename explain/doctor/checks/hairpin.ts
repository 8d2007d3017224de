/** A client and the server behind a published port share a network, and the server sees the client's own address. */
import { isInNetwork } from '../../../core/host/interfaces.js';
import type { Check, Examined, Failure } from '../check.js';
import type { SeenConnection } from '../connections.js';
import { Evidence, type Shown } from '../evidence.js';
import { interfaceNamed, loadedOf, networkText, networkWith } from '../networks.js';
import { packetText } from '../words.js';

const CODE = 'hairpin';
const FILTERS_BRIDGES = 'net.bridge.bridge-nf-call-iptables';

export const HAIRPIN: Check = {
  code: CODE,
  needs: ['captures'],
  begin: (examined) => ({
    findings() {
      const evidence = new Evidence<SeenConnection>();
      for (const connection of examined.connections)
        if (comesBackAround(connection, examined))
          evidence.note(
            `${connection.opener.inDev} ${connection.translated.destination}`,
            connection.opener,
            connection,
          );
      return evidence.all.flatMap((shown) => findingOf(shown, examined));
    },
  }),
};

function comesBackAround({ ends, translated, opener, reply }: SeenConnection, { host }: Examined): boolean {
  const { inDev, left } = opener;
  if (opener.end !== 'forwarded' || inDev === undefined || left?.dev !== inDev || reply !== undefined) return false;
  if (ends.destination === translated.destination || ends.source !== translated.source) return false;
  // What the bridge carries from server to client passes NAT then.
  if (host.description.sysctls.get(FILTERS_BRIDGES) === 1) return false;
  const own = networkWith(interfaceNamed(host, inDev), translated.source);
  return own !== undefined && isInNetwork(loadedOf(translated.destination), own);
}

function findingOf({ detail, first, packets }: Shown<SeenConnection>, examined: Examined): Failure[] {
  const { ends, translated, natRules } = detail;
  const { host } = examined;
  const dev = first.inDev ?? '';
  const own = networkWith(interfaceNamed(host, dev), translated.source);
  if (own === undefined) return [];
  const command = `iptables -t nat -A POSTROUTING -s ${networkText(own)} -d ${translated.destination} -o ${dev} -j MASQUERADE`;
  const after = examined.tries([command], first.name);
  if (after?.left === undefined || after.left.packet.source === translated.source) return [];
  return [
    {
      message:
        `${packetText(first)} is sent on to ${translated.destination} in the network it came from, with its source ` +
        `kept: the answer goes straight to ${ends.source}, which expects it from ${ends.destination}`,
      rules: natRules,
      packets,
      change: command,
    },
  ];
}
