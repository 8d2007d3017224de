/** Addresses of the host where they do not belong: packets end at the host, or answers leave by another interface. */
import type { RouteDescription } from '../../../codecs/host/description.js';
import { commandText } from '../../command.js';
import type { Check, Examined, Failure } from '../check.js';
import { Evidence } from '../evidence.js';
import { interfaceNamed, loadedOf, networkWith } from '../networks.js';
import { isTranslated, type PacketRecord } from '../packet-record.js';
import { hasListener } from '../sockets.js';
import { packetText } from '../words.js';

const CODE = 'wrong-interface';
/** The numbers of the kernel's table of local addresses. */
const LOCAL_TABLES: readonly (string | number)[] = [255, 'local'];

export const WRONG_INTERFACE: Check = {
  code: CODE,
  needs: ['captures'],
  begin(examined) {
    const routes = localRoutes(examined);
    const caught = new Evidence<RouteDescription>();
    const astray = new Evidence<string>();
    return {
      follow(record, belonging) {
        const { ends, routed } = record;
        if (ends === undefined || record.inDev === undefined || belonging?.isReply === true) return;
        if (routed?.to !== 'host' || isTranslated(record, 'destination')) return;
        const route = routes.get(ends.destination);
        if (route !== undefined && isLost(record, examined)) caught.note(ends.destination, record, route);
        const back = wayBack(record, examined);
        if (back !== undefined) astray.note(`${record.inDev} ${back}`, record, back);
      },
      findings: () => [...caughtFindings(caught), ...astrayFindings(astray, examined)],
    };
  },
};

/** The routes of type local, by their address, that no address of an interface implies. */
function localRoutes({ host }: Examined): ReadonlyMap<string, RouteDescription> {
  const own = new Set(host.interfaces.flatMap(({ addresses }) => addresses.map(({ local }) => local.toString())));
  const routes = host.description.routes.filter(
    ({ type, table, destination, prefixLength }) =>
      type === 'local' && LOCAL_TABLES.includes(table) && prefixLength === 32 && !own.has(destination.toString()),
  );
  return new Map(routes.map((route) => [route.destination.toString(), route]));
}

/** Whether nobody takes the packet: rules drop it, or no socket listens. */
function isLost(record: PacketRecord, { host }: Examined): boolean {
  if (record.end !== 'delivered') return record.end === 'dropped' || record.end === 'rejected';
  return hasListener(host, record) === false;
}

/** The interface by which an answer of the host leaves, if it is not the one that has the sender's network. */
function wayBack({ ends, inDev, end }: PacketRecord, { host }: Examined): string | undefined {
  if (end !== 'delivered' || ends === undefined || inDev === undefined) return undefined;
  const index = host.interfaceIndex(inDev);
  if (networkWith(host.interfaces[index], ends.source) === undefined) return undefined;
  const answer = host.routeOutput(host.routeKey.towards(loadedOf(ends.source)), loadedOf(ends.destination));
  const isElsewhere = answer.reason === '' && answer.outDev !== index && answer.outDev !== host.loopback;
  return isElsewhere ? host.interfaceNames[answer.outDev] : undefined;
}

function caughtFindings(evidence: Evidence<RouteDescription>): Failure[] {
  return evidence.all.map(({ detail: { destination, dev }, first, packets }) => {
    const local = ['local', destination.toString(), ...(dev === undefined ? [] : ['dev', dev])];
    return {
      message:
        `${packetText(first)} ends at this host: ${destination} is local by a route (${local.join(' ')}), ` +
        'though no interface has it, and nobody here takes it',
      rules: first.dropped?.cause.rule === undefined ? [] : [first.dropped.cause.rule],
      packets,
      change: `${commandText(['ip', 'route', 'del', ...local, 'table', 'local'])}, and stop what adds it`,
    };
  });
}

function astrayFindings(evidence: Evidence<string>, { host }: Examined): Failure[] {
  return evidence.all.map(({ detail: back, first, packets }) => {
    const dev = first.inDev ?? '';
    const networks = [dev, back].flatMap((name) => {
      const own = networkWith(interfaceNamed(host, name), first.ends?.source ?? '');
      return own === undefined ? [] : [`${own.local}/${own.prefixLength} on ${name}`];
    });
    return {
      message:
        `${packetText(first)} came in by ${dev}, and the answer leaves by ${back}: both have the network ` +
        `(${networks.join(', ')})`,
      rules: [],
      packets,
      change: `give ${dev} and ${back} networks that do not overlap`,
    };
  });
}
