/** What packets may have been sent to, whose destination NAT has changed. */
import { parseAddress } from '../../codecs/address.js';
import type { EvidencePacket, EvidencePlace } from '../../codecs/evidence/evidence.js';
import { hasPorts } from '../../codecs/sentence/sentence.js';
import type { Host } from '../../core/host/host.js';
import type { Rule, Ruleset } from '../../core/rules/model.js';
import { saveRule } from '../../core/rules/save.js';
import type { PlainEnd } from './suspects.js';

export interface Original {
  readonly end: PlainEnd;
  readonly isTranslated: boolean;
}

/** Enough to find the one that is meant. Each is tried. */
const MOST = 24;

/**
 * Destinations that rules of RULESET may change to LOGGED, the destination of PACKET at PLACE. That they do is not
 * certain: it has to be tried.
 */
export function originalsOf(
  logged: PlainEnd,
  { protocol }: EvidencePacket,
  { input }: EvidencePlace,
  ruleset: Ruleset,
  host: Host,
): Original[] {
  const rules = ruleset.tables.find(({ name }) => name === 'nat')?.rules ?? [];
  const withPorts = hasPorts(protocol);
  const ends = rules
    .filter((rule) => mayLeadTo(rule, logged))
    .flatMap((rule) => {
      const text = saveRule(rule);
      const addresses = addressesIn(text, input, host);
      const ports = withPorts ? portsIn(text, logged.port) : [undefined];
      return addresses.flatMap((address) => ports.map((port) => ({ address, port })));
    });
  const different = ends.filter(({ address, port }) => address !== logged.address || port !== logged.port);
  const unique = new Map(different.map((end) => [`${end.address} ${end.port}`, end]));
  return [...unique.values()].slice(0, MOST).map((end) => ({ end, isTranslated: true }));
}

/** Whether RULE changes destinations, perhaps to END. */
function mayLeadTo(rule: Rule, { address, port }: PlainEnd): boolean {
  const { target } = rule;
  if (target.kind !== 'extension') return false;
  if (target.extension.name === 'REDIRECT') return isPortIn(/--to-ports (\d+)(?:-(\d+))?/.exec(saveRule(rule)), port);
  if (target.extension.name !== 'DNAT') return false;
  const to = /--to-destination ([\d.]+)?(?:-([\d.]+))?(?::(\d+)(?:-(\d+))?)?/.exec(saveRule(rule));
  if (to === null) return false;
  const [first, last = to[1]] = [to[1], to[2]];
  const isInRange = (): boolean => {
    const [min, max, own] = [first, last, address].map((text) => parseAddress(text ?? '')?.hostOrder ?? -1);
    return own >= min && own <= max;
  };
  const ports = to[3] === undefined ? null : (['', to[3], to[4]] as const);
  return (first === undefined || isInRange()) && isPortIn(ports, port);
}

function isPortIn(range: ArrayLike<string | undefined> | null, port: number | undefined): boolean {
  if (range === null || port === undefined) return true;
  const min = Number(range[1]);
  return port >= min && port <= Number(range[2] ?? min);
}

/** The destinations that the rule with this TEXT asks for, or else the host's own addresses, those of INPUT first. */
function addressesIn(text: string, input: string | undefined, host: Host): string[] {
  const asked = /(?<!! )-d ([\d.]+)(?:\/(\d+))?/.exec(text);
  if (asked !== null && (asked[2] ?? '32') === '32') return [asked[1]];
  const own = [...host.interfaces].sort((a, b) => Number(b.name === input) - Number(a.name === input));
  return own
    .filter(({ isLoopback }) => !isLoopback || input === '')
    .flatMap(({ addresses }) => addresses.map(({ local }) => String(local)));
}

/** The ports that the rule with this TEXT asks for, else the PORT itself. */
function portsIn(text: string, port: number | undefined): (number | undefined)[] {
  const single = /(?<!! )--dport (\d+)(?::(\d+))?/.exec(text);
  if (single !== null) return [...new Set([Number(single[1]), ...(isPortIn(single, port) ? [port] : [])])];
  const several = /(?<!! )--dports ([\d,:]+)/.exec(text);
  return several === null ? [port] : several[1].split(/[,:]/).map(Number);
}
