/** Which packets there can be at a hook of a table, before any of its rules. */
import { IPPROTO_ICMP } from '../../../codecs/layouts.js';
import { Hook, type TableName } from '../../hooks.js';
import { AddressType } from '../../host/address-type.js';
import { CtInfo } from '../../packet.js';
import type { PacketSet } from './diagrams.js';
import type { PacketSpace } from './packet-space.js';

/** Which interfaces packets have: the one they came in by, and the one they leave by. */
const DEVICES: Readonly<Record<Hook, { readonly inDev?: boolean; readonly outDev?: boolean }>> = {
  [Hook.PREROUTING]: { inDev: true, outDev: false },
  [Hook.INPUT]: { inDev: true, outDev: false },
  [Hook.FORWARD]: { inDev: true, outDev: true },
  [Hook.OUTPUT]: { inDev: false, outDev: true },
  // Those that are forwarded still have the one they came in by.
  [Hook.POSTROUTING]: { outDev: true },
};

const LOCAL_TYPES = [AddressType.LOCAL, AddressType.BROADCAST, AddressType.MULTICAST];

/**
 * The packets that reach HOOK of table NAME. IS_PLAIN: of a host that is known, and that delivers only what is for
 * an address of its own.
 */
export function arrivingAt(space: PacketSpace, name: TableName, hook: Hook, isPlain: boolean): PacketSet {
  const { sets } = space;
  let packets = space.valid;
  const keep = (part: PacketSet): void => {
    packets = sets.and(packets, part);
  };
  const { inDev, outDev } = DEVICES[hook];
  if (inDev !== undefined) keep(inDev ? sets.not(space.having('inDev', 0)) : space.having('inDev', 0));
  if (outDev !== undefined) keep(outDev ? sets.not(space.having('outDev', 0)) : space.having('outDev', 0));
  if (name === 'raw') keep(untracked(space, hook));
  if (name === 'nat') keep(opening(space));
  if (!isPlain) return packets;
  const local = space.ofTypes('destination', LOCAL_TYPES);
  if (hook === Hook.INPUT && local !== undefined) keep(local);
  const own = space.ofTypes('destination', [AddressType.LOCAL]);
  if (hook === Hook.FORWARD && own !== undefined) keep(sets.not(own));
  return packets;
}

/** Packets before conntrack: with a state are only those that come back over lo, and answers of the host itself. */
function untracked(space: PacketSpace, hook: Hook): PacketSet {
  const { sets } = space;
  const without = space.having('ctinfo', CtInfo.INVALID);
  const known = hook === Hook.OUTPUT ? space.having('ctinfo', CtInfo.RELATED, CtInfo.UNTRACKED) : overLo(space);
  return sets.or(without, known);
}

/** The packets that came in by lo. */
export function overLo(space: PacketSpace): PacketSet {
  return space.having('inDev', space.devices.indexOf('lo') + 1);
}

/** The first packets of connections, which alone pass the rules of table nat. */
export function opening(space: PacketSpace): PacketSet {
  const { sets } = space;
  const errors = sets.and(space.having('protocol', IPPROTO_ICMP), space.having('ctinfo', CtInfo.RELATED));
  return sets.minus(space.having('ctinfo', CtInfo.NEW, CtInfo.RELATED), errors);
}
