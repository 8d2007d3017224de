/** The host of a recorded story as it was before its engine started: lo and eth0. */
import type { JsonObject } from '../../codecs/host/json-values.js';
import type { Recording } from './recording.js';

const OWN_INTERFACES: readonly unknown[] = ['lo', 'eth0'];
/** What the player sets before a story begins. */
const BEFORE: Readonly<Record<string, number>> = { 'net.ipv4.ip_forward': 1 };

/** A host.json. What an engine never changes is taken from the first snapshot. */
export function hostBefore({ snapshots }: Recording): JsonObject {
  const [first] = snapshots;
  const own = (file: string, member: string): JsonObject[] =>
    first.list(file).filter((entry) => OWN_INTERFACES.includes(entry[member]));
  return {
    addr: own('addr.json', 'ifname'),
    link: own('link.json', 'ifname'),
    route: own('route.json', 'dev'),
    rule: first.list('rule.json'),
    neigh: [],
    sockets: [],
    sysctl: { ...sysctlsBefore(first.text('sysctl.txt') ?? ''), ...BEFORE },
  };
}

/** Settings of the host as a whole, of lo and of eth0. */
function sysctlsBefore(text: string): Record<string, number> {
  const settings: Record<string, number> = {};
  for (const [, name, value] of text.matchAll(/^(\S+) = (\d+)$/gm)) {
    const [, device] = /^net\.ipv[46]\.(?:conf|neigh)\.([^.]+)\./.exec(name) ?? [];
    const isOwn = device === undefined || ['all', 'default', 'lo', 'eth0'].includes(device);
    if (isOwn && !name.endsWith('.forwarding')) settings[name] = Number(value);
  }
  return settings;
}
