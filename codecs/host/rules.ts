/** The member `rule` of a host: `ip -j rule`. */
import { addressAt, prefixAt } from './address-values.js';
import type { PortRange, Prefix, RuleAction, RuleDescription } from './description.js';
import { HostError } from './error.js';
import {
  integerAt,
  type JsonObject,
  mismatchedName,
  numberedAt,
  objectAt,
  optionalStringAt,
  stringAt,
} from './json-values.js';
import { realmsAt, tableAt, tosAt } from './routes.js';

const ACTIONS: readonly string[] = ['lookup', 'unreachable', 'prohibit', 'blackhole'];
const MAX_PORT = 65_535;
const NO_TABLE = 0;
/** The members of rules that are obeyed, or have no effect on which route is found. */
const MEMBERS: ReadonlySet<string> = new Set([
  ...['priority', 'not', 'src', 'srclen', 'dst', 'dstlen', 'tos', 'fwmark', 'fwmask', 'iif', 'oif', 'ipproto'],
  ...['iif_detached', 'oif_detached', 'sport', 'sport_start', 'sport_end', 'dport', 'dport_start', 'dport_end'],
  ...['action', 'table', 'suppress_prefixlen', 'suppress_ifgroup', 'protocol', 'family', 'flow_to', 'flow_from'],
]);
/** Why a rule with one of these members is not supported. */
const REASONS: Readonly<Record<string, string>> = {
  uid_start: 'who sends a packet is not known',
  tun_id: 'the IDs of tunnels are not known',
};

/** Rules of IPv6 are left out. Throws a HostError for what is not supported. */
export function ruleOf(entry: unknown, path: string): RuleDescription[] {
  const rule = objectAt(entry, path);
  if (Object.keys(rule).length === 0 || isIpv6(rule)) return [];
  for (const key of Object.keys(rule)) {
    if (MEMBERS.has(key)) continue;
    const name = key === 'uid_start' || key === 'uid_end' ? 'uidrange' : key;
    const reason = REASONS[key] === undefined ? '' : `: ${REASONS[key]}`;
    throw new HostError(`${path}.${key}`, `rules with ${name} are not supported${reason}`, '', 0, 0, true);
  }
  const action = optionalStringAt(rule.action, `${path}.action`) ?? 'lookup';
  if (action !== 'to_tbl' && !ACTIONS.includes(action))
    throw mismatchedName(`${path}.action`, `one of ${ACTIONS.join(', ')}`, action, ACTIONS);
  const { mark, mask } = markOf(rule, path);
  return [
    {
      path,
      priority: integerAt(rule.priority ?? 0, `${path}.priority`, 0, 2 ** 32 - 1),
      isInverted: rule.not !== undefined,
      source: prefixOf(rule, 'src', path),
      destination: prefixOf(rule, 'dst', path),
      inDev: optionalStringAt(rule.iif, `${path}.iif`),
      outDev: optionalStringAt(rule.oif, `${path}.oif`),
      tos: rule.tos === undefined ? 0 : tosAt(rule.tos, `${path}.tos`),
      mark,
      mask,
      protocol: rule.ipproto === undefined ? undefined : String(rule.ipproto).replace(/^ipproto-/, ''),
      sport: portsOf(rule, 'sport', path),
      dport: portsOf(rule, 'dport', path),
      action: action === 'to_tbl' ? 'lookup' : (action as RuleAction),
      table: rule.table === undefined ? NO_TABLE : tableAt(rule.table, `${path}.table`),
      suppressedLength:
        rule.suppress_prefixlen === undefined
          ? -1
          : integerAt(rule.suppress_prefixlen, `${path}.suppress_prefixlen`, -1, 128),
      suppressedGroup: rule.suppress_ifgroup === undefined ? undefined : String(rule.suppress_ifgroup),
      realms:
        rule.flow_to === undefined && rule.flow_from === undefined
          ? undefined
          : realmsAt(rule, 'flow_from', 'flow_to', path),
    },
  ];
}

function isIpv6({ family, src, dst }: JsonObject): boolean {
  return family === 'inet6' || [src, dst].some((text) => typeof text === 'string' && text.includes(':'));
}

/** The prefix at KEY, whose length is beside it unless it is that of an address. Bits beyond it may be set. */
function prefixOf(rule: JsonObject, key: 'src' | 'dst', path: string): Prefix | undefined {
  if (rule[key] === undefined || rule[key] === 'all' || rule[key] === '') return undefined;
  const [text, ...length] = stringAt(rule[key], `${path}.${key}`).split('/');
  if (text === 'default' || length.length > 0) return prefixAt([text, ...length].join('/'), `${path}.${key}`, 'ipv4');
  const beside = rule[`${key}len`];
  return {
    address: addressAt(text, `${path}.${key}`, 'ipv4'),
    prefixLength: beside === undefined ? 32 : integerAt(beside, `${path}.${key}len`, 0, 32),
  };
}

function markOf(rule: JsonObject, path: string): { mark: number; mask: number } {
  if (rule.fwmark === undefined) return { mark: 0, mask: 0 };
  const mark = numberedAt(rule.fwmark, `${path}.fwmark`, {}, 'a mark');
  // To the kernel, mark 0 without a mask is any mark.
  const unmasked = mark === 0 ? 0 : 0xffffffff;
  const mask = rule.fwmask === undefined ? unmasked : numberedAt(rule.fwmask, `${path}.fwmask`, {}, 'a mask');
  return { mark: mark | 0, mask: mask | 0 };
}

function portsOf(rule: JsonObject, key: 'sport' | 'dport', path: string): PortRange | undefined {
  const one = rule[key];
  const first = rule[`${key}_start`] ?? one;
  if (first === undefined) return undefined;
  if (typeof one === 'string') return portRange(one, `${path}.${key}`);
  const min = integerAt(first, `${path}.${key}`, 0, MAX_PORT);
  return { min, max: integerAt(rule[`${key}_end`] ?? first, `${path}.${key}_end`, min, MAX_PORT) };
}

/** `443` or `100-200`. */
function portRange(text: string, path: string): PortRange {
  const [first, last = first] = text.split('-');
  const min = numberedAt(first, path, {}, 'a port or a range of ports', MAX_PORT);
  return { min, max: numberedAt(last, path, {}, 'a port or a range of ports', MAX_PORT) };
}
