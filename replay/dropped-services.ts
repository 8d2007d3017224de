/** Dropped flows, grouped by service: what a report shows of a port scan, or of a port that many clients ask for. */
import type { FlowCount } from './drops.js';
import type { Endpoint } from './summary.js';

/** The packets for one service that were dropped for the same cause. */
export interface DroppedService {
  protocol: number;
  /** The port of the service; absent if the protocol has none. */
  port?: number;
  /** The packets come from the service: they are replies in connections that conntrack knows. */
  reply?: true;
  packets: number;
  /** Of the flows counted separately: how many different addresses. */
  sources: number;
  destinations: number;
  /** The addresses of the flow with the most packets. Absent if no flow was counted separately. */
  source?: string;
  destination?: string;
  /** The destination after DNAT, if it was translated in the same way for all packets. */
  translatedDestination?: Endpoint;
}

/** The number of packets for a service. */
export interface ServiceCount extends Pick<DroppedService, 'protocol' | 'port' | 'reply' | 'packets'> {}

/**
 * The services of FLOWS, which have the same cause and are sorted by packets, and of OTHERS, further packets whose
 * flows are unknown. The most frequent first.
 */
export function servicesOf(flows: readonly FlowCount[], others: readonly ServiceCount[]): DroppedService[] {
  const groups = new Map<string, FlowCount[]>();
  for (const flow of flows) {
    const group = groups.get(nameOf(flow));
    if (group === undefined) groups.set(nameOf(flow), [flow]);
    else group.push(flow);
  }
  const services = new Map([...groups].map(([name, group]) => [name, serviceOf(group)]));
  for (const other of others) {
    const service = services.get(nameOf(other));
    if (service === undefined) services.set(nameOf(other), { ...other, sources: 0, destinations: 0 });
    else service.packets += other.packets;
  }
  const sorted = [...services].sort(([nameA, a], [nameB, b]) => b.packets - a.packets || (nameA < nameB ? -1 : 1));
  return sorted.map(([, service]) => service);
}

function nameOf({ protocol, port = 0, reply }: Omit<ServiceCount, 'packets'>): string {
  return [protocol, port].map((number) => String(number).padStart(5, '0')).join(' ') + (reply ? ' reply' : '');
}

function serviceOf(flows: readonly FlowCount[]): DroppedService {
  const [{ protocol, port, reply, source, destination, translatedDestination }] = flows;
  const isSame = flows.every((flow) => isSameEnd(flow.translatedDestination, translatedDestination));
  return {
    protocol,
    ...(port === undefined ? {} : { port }),
    ...(reply ? { reply } : {}),
    packets: flows.reduce((sum, flow) => sum + flow.packets, 0),
    sources: new Set(flows.map((flow) => flow.source)).size,
    destinations: new Set(flows.map((flow) => flow.destination)).size,
    source,
    destination,
    ...(translatedDestination !== undefined && isSame ? { translatedDestination } : {}),
  };
}

const isSameEnd = (a: Endpoint | undefined, b: Endpoint | undefined): boolean =>
  a?.address === b?.address && a?.port === b?.port;
