/** A client and the server behind a published port share a network, and the server sees the client's own address. */
import { givenSysctl } from '../../../codecs/host/sysctls.js';
import { isInNetwork } from '../../../core/host/interfaces.js';
import { sysctlCommand } from '../../command.js';
import { type Check, type Examined, type Failure, NOT_TRIED, type Steps } from '../check.js';
import type { SeenConnection } from '../connections.js';
import { isDockerBridge } from '../docker.js';
import { Evidence, type Shown } from '../evidence.js';
import { interfaceNamed, loadedOf, networkText, networkWith } from '../networks.js';
import { masqueradeCommand, packetText, untried } from '../words.js';

const CODE = 'hairpin';
const FILTERS_BRIDGES = 'net.bridge.bridge-nf-call-iptables';

export const HAIRPIN: Check = {
  code: CODE,
  needs: ['captures'],
  begin: (examined) => ({
    *findings() {
      const evidence = new Evidence<SeenConnection>();
      for (const connection of examined.connections.shown())
        if (comesBackAround(connection, examined))
          evidence.note(
            `${connection.opener.inDev} ${connection.translated.destination}`,
            connection.opener,
            connection,
          );
      const failures: Failure[] = [];
      for (const shown of evidence.all) failures.push(...(yield* findingOf(shown, examined)));
      return failures;
    },
  }),
};

function comesBackAround({ ends, translated, opener, reply }: SeenConnection, { host }: Examined): boolean {
  const { inDev, left } = opener;
  if (opener.end !== 'forwarded' || inDev === undefined || left?.dev !== inDev || reply !== undefined) return false;
  if (ends.destination === translated.destination) return false;
  if (ends.source === translated.destination) return true;
  if (ends.source !== translated.source) return false;
  // What the bridge carries from server to client passes NAT then.
  if (givenSysctl(host.description, FILTERS_BRIDGES) === 1) return false;
  const own = networkWith(interfaceNamed(host, inDev), translated.source);
  return own !== undefined && isInNetwork(loadedOf(translated.destination), own);
}

function* findingOf(shown: Shown<SeenConnection>, examined: Examined): Steps<Failure[]> {
  const { ends, translated } = shown.detail;
  return ends.source === translated.destination ? [selfFinding(shown)] : yield* neighbourFinding(shown, examined);
}

/** The client is the server: what it sends comes back by the port of the bridge that it left by. */
function selfFinding({ detail, first, packets }: Shown<SeenConnection>): Failure {
  const { ends, natRules } = detail;
  return {
    message:
      `${packetText(first)} is sent back by ${first.inDev} to ${ends.source}, which sent it, and is not answered: a ` +
      'bridge sends nothing out of the port that it came in by, unless that port is in hairpin mode',
    rules: natRules,
    packets,
    change: `bridge link set dev PORT hairpin on, for the port of ${first.inDev} that ${ends.source} is behind`,
  };
}

function isBridge(dev: string, { description }: Examined['host']): boolean {
  return isDockerBridge(dev) || description.links.some(({ name, kind }) => name === dev && kind === 'bridge');
}

function* neighbourFinding({ detail, first, packets }: Shown<SeenConnection>, examined: Examined): Steps<Failure[]> {
  const { ends, translated, natRules } = detail;
  const { host } = examined;
  const dev = first.inDev ?? '';
  const own = networkWith(interfaceNamed(host, dev), translated.source);
  if (own === undefined) return [];
  const command = masqueradeCommand(['-s', networkText(own), '-d', translated.destination, '-o', dev]);
  const after = yield* examined.tries([command], first);
  if (after !== NOT_TRIED && (after?.left === undefined || after.left.packet.source === translated.source)) return [];
  const tried = after === NOT_TRIED ? untried(command) : command;
  return [
    {
      message:
        `${packetText(first)} is sent on to ${translated.destination} in the network it came from, with its source ` +
        `kept: the answer goes straight to ${ends.source}, which expects it from ${ends.destination}` +
        (isBridge(dev, host) ? ` (unless ${FILTERS_BRIDGES} is 1)` : ''),
      rules: natRules,
      packets,
      change: isBridge(dev, host)
        ? `${tried}, or ${sysctlCommand(FILTERS_BRIDGES, 1)}: NAT then sees the answer`
        : tried,
    },
  ];
}
