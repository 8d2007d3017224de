/** A scan as JSON: docs/schema/scan.schema.json. */
import { formatLoaded, toLoaded } from '../../codecs/byte-order.js';
import type { DropCause } from '../../core/drop.js';
import { placeOf, type RulePlace } from '../findings.js';
import type { Fate, TranslatedTo } from './model.js';
import type { Scan, ScannedSource, SenderGroup } from './scan.js';
import type { ChangeKind, TargetChanges } from './scan-changes.js';
import { networksOf } from './scan-sources.js';

export interface SourceJson {
  readonly from: string;
  readonly interface: string;
  /** The networks that the senders are in. */
  readonly networks: readonly string[];
  readonly example: string;
}

export interface PortsJson {
  readonly from: string;
  readonly address: string;
  readonly protocol: string;
  readonly first: number;
  readonly last: number;
  readonly verdict: string;
  readonly to: string | null;
  readonly rule: RulePlace | null;
  readonly policy: string | null;
  readonly reason: string | null;
  readonly translatedBy: RulePlace | null;
  readonly interface: string | null;
  readonly isFirstPacket: boolean;
  readonly uncertain: string | null;
}

/** What is said of a range of ports besides which it is. */
export type FateJson = Omit<PortsJson, 'from' | 'address' | 'protocol' | 'first' | 'last'>;

/** The label of a group of senders: `eth0`; of those that rules treat in another way, with their first network. */
function labelOf({ source, groups }: ScannedSource, group: SenderGroup): string {
  const { from, devName } = source;
  if (group === groups[0]) return from;
  return `${devName} ${networksOf(group.addresses)[0]}`;
}

export function sourcesJson({ sources }: Scan): SourceJson[] {
  return sources.flatMap((scanned) =>
    scanned.groups.map((group) => ({
      from: labelOf(scanned, group),
      interface: scanned.source.devName,
      networks: networksOf(group.addresses),
      example: formatLoaded(toLoaded(group.example)),
    })),
  );
}

/** All ports that SIDE of SCAN has found. */
export function portsJson({ sources }: Scan, side: number): PortsJson[] {
  return sources.flatMap((scanned) =>
    scanned.groups.flatMap((group) =>
      group.sides[side].flatMap(({ target, protocol, ports }) =>
        ports.map(({ first, last, fate }) => ({
          ...{ from: labelOf(scanned, group), address: target.address, protocol, first, last },
          ...fateJson(fate, first === last ? first : undefined),
        })),
      ),
    ),
  );
}

export interface ChangeJson {
  readonly from: string;
  readonly address: string;
  readonly protocol: string;
  readonly first: number;
  readonly last: number;
  readonly change: 'opens' | 'closes' | 'differs';
  readonly before: FateJson;
  readonly after: FateJson;
}

const CHANGES: Readonly<Record<ChangeKind, ChangeJson['change']>> = {
  opens: 'opens',
  closes: 'closes',
  else: 'differs',
};

export function changesJson(changes: readonly TargetChanges[]): ChangeJson[] {
  return changes.flatMap(({ scanned, group, target, protocol, ports }) =>
    ports.map(({ first, last, fate: { kind, before, after } }) => {
      const port = first === last ? first : undefined;
      return {
        ...{ from: labelOf(scanned, group), address: target.address, protocol, first, last, change: CHANGES[kind] },
        ...{ before: fateJson(before, port), after: fateJson(after, port) },
      };
    }),
  );
}

/** PORT: the one that it is about; undefined if about several. */
function fateJson(fate: Fate, port: number | undefined): FateJson {
  const { verdict, to, decidedBy, translatedBy, dev, stateful, uncertain } = fate;
  return {
    verdict,
    to: to === undefined ? null : toText(to, port),
    ...deciderJson(decidedBy),
    translatedBy: translatedBy === undefined ? null : placeOf(translatedBy),
    interface: dev ?? null,
    isFirstPacket: stateful.length > 0,
    uncertain: uncertain ?? null,
  };
}

/** `172.17.0.3:80`; without a port if each of several keeps its own. */
function toText({ address, port }: TranslatedTo, own: number | undefined): string {
  const to = port ?? own;
  return to === undefined ? address : `${address}:${to}`;
}

function deciderJson(cause: DropCause | undefined): Pick<FateJson, 'rule' | 'policy' | 'reason'> {
  const { rule, policy, table, reason } = cause ?? {};
  if (rule !== undefined) return { rule: placeOf(rule), policy: null, reason: reason === 'rule' ? null : reason! };
  if (policy === undefined) return { rule: null, policy: null, reason: reason ?? null };
  // A policy that no line sets is the one that each chain has.
  const rules = policy.line === 0 ? null : placeOf(policy);
  return { rule: rules, policy: `${table} ${policy.name}`, reason: null };
}
