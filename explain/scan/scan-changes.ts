/** What a change of rules opens and closes. */
import { isOpen } from './fates.js';
import type { Fate, PortRange, ScanTarget } from './model.js';
import type { ScannedProtocol } from './probe-packet.js';
import type { Scan, ScannedSource, SenderGroup } from './scan.js';

/** opens, closes: what may answer. else: what becomes of packets, or who decides about it. */
export type ChangeKind = 'opens' | 'closes' | 'else';

export interface PortChange {
  readonly kind: ChangeKind;
  readonly before: Fate;
  readonly after: Fate;
}

/** What changes for one group of senders at one address. */
export interface TargetChanges {
  readonly scanned: ScannedSource;
  readonly group: SenderGroup;
  readonly target: ScanTarget;
  readonly protocol: ScannedProtocol;
  readonly ports: readonly PortRange<PortChange>[];
}

/** How the second side of SCAN differs from the first. A rule that only moved within its file makes no difference. */
export function changesIn(scan: Scan): TargetChanges[] {
  return scan.sources.flatMap((scanned) =>
    scanned.groups.flatMap((group) =>
      group.sides[0].flatMap(({ target, protocol, ports }, i) => {
        const changes = changesOf(ports, group.sides[1][i].ports, scan.areSocketsKnown);
        return changes.length === 0 ? [] : [{ scanned, group, target, protocol, ports: changes }];
      }),
    ),
  );
}

function changesOf(
  before: readonly PortRange[],
  after: readonly PortRange[],
  [isKnownBefore, isKnownAfter]: readonly boolean[],
): PortRange<PortChange>[] {
  const changes: PortRange<PortChange>[] = [];
  let at = 0;
  for (const old of before) {
    while (after[at].last < old.first) at++;
    for (let i = at; i < after.length && after[i].first <= old.last; i++) {
      const first = Math.max(old.first, after[i].first);
      const last = Math.min(old.last, after[i].last);
      const kind = kindOf(old.fate, after[i].fate, isKnownBefore, isKnownAfter);
      if (kind === undefined) continue;
      const previous = changes.at(-1);
      const isSame =
        previous?.last === first - 1 && previous.fate.before === old.fate && previous.fate.after === after[i].fate;
      if (previous !== undefined && isSame) changes[changes.length - 1] = { ...previous, last };
      else changes.push({ first, last, fate: { kind, before: old.fate, after: after[i].fate } });
    }
  }
  return changes;
}

function kindOf(before: Fate, after: Fate, isKnownBefore: boolean, isKnownAfter: boolean): ChangeKind | undefined {
  const wasOpen = isOpen(before, isKnownBefore);
  const isNowOpen = isOpen(after, isKnownAfter);
  if (wasOpen !== isNowOpen) return isNowOpen ? 'opens' : 'closes';
  const isSame =
    before.verdict === after.verdict &&
    before.end === after.end &&
    before.dev === after.dev &&
    before.to?.address === after.to?.address &&
    before.to?.port === after.to?.port &&
    before.uncertain === after.uncertain;
  return isSame ? undefined : 'else';
}
