/** What has changed with a host between two packets, as far as others than its routing have to know. */
import type { LoadedAddress } from '../../codecs/byte-order.js';
import { HostError } from '../../codecs/host/error.js';
import type { Interface } from './interfaces.js';
import type { Sysctls } from './sysctls.js';

/** Interfaces are indexes. */
export interface HostChange {
  /** Those that went, or went down, since: also where another one has the name now. */
  readonly downed: readonly number[];
  /** Those that have another name now. */
  readonly renamed: readonly { readonly from: number; readonly to: number }[];
  /** IPv4 addresses that were taken from interfaces that stayed: the other end, where it has one (ifa_address). */
  readonly removed: readonly { readonly dev: number; readonly address: LoadedAddress }[];
  /** There are other names of interfaces, or they belong to other groups. */
  readonly hasOtherNames: boolean;
  /** Sysctls that are not of an interface. */
  readonly hasOtherSettings: boolean;
}

/** The parts of a host that are compared. */
export interface ComparedHost {
  readonly interfaces: readonly Interface[];
  readonly sysctls: Sysctls;
}

/** Settings of which the kernel asks only when something is made that is there already. */
const FROZEN = ['nf_conntrack_buckets', 'nf_conntrack_checksum'].map((name) => `net.netfilter.${name}`);
const ACCOUNTING = 'net.netfilter.nf_conntrack_acct';

/** @throws {HostError} if AFTER differs from BEFORE in what cannot be followed */
export function changeOf(before: ComparedHost, after: ComparedHost): HostChange {
  refuseUnfollowed(before.sysctls, after.sysctls);
  const renamed = renamesIn(before.interfaces, after.interfaces);
  const isRenamed = (index: number): boolean => renamed.some(({ from }) => from === index);
  return {
    renamed,
    downed: before.interfaces
      .filter((one) => one.isPresent && !isRenamed(one.index) && hasGone(one, after.interfaces[one.index]))
      .map(({ index }) => index),
    removed: before.interfaces.flatMap((one) => removedFrom(one, after.interfaces[one.index])),
    hasOtherNames: !hasSameNames(before.interfaces, after.interfaces),
    hasOtherSettings: !after.sysctls.hasSameGlobals(before.sysctls),
  };
}

/** The settings that cannot be followed from BEFORE to AFTER. */
export function unfollowedSettings(before: Sysctls, after: Sysctls): string[] {
  const frozen = FROZEN.filter((name) => before.global(name) !== after.global(name));
  return before.global(ACCOUNTING) !== 0 && after.global(ACCOUNTING) === 0 ? [...frozen, ACCOUNTING] : frozen;
}

function refuseUnfollowed(before: Sysctls, after: Sysctls): void {
  const [name] = unfollowedSettings(before, after);
  if (name === undefined) return;
  const problem = `${name} cannot be followed where it changes while packets flow`;
  throw new HostError(`sysctl[${JSON.stringify(name)}]`, problem, '', 0, 0, true);
}

function renamesIn(before: readonly Interface[], after: readonly Interface[]): HostChange['renamed'] {
  return before.flatMap(({ index: from, ifindex, isPresent }) => {
    if (!isPresent || ifindex === 0 || after[from].ifindex === ifindex) return [];
    const to = after.find((one) => one.isPresent && one.ifindex === ifindex);
    return to === undefined ? [] : [{ from, to: to.index }];
  });
}

function hasGone(before: Interface, after: Interface): boolean {
  return !after.isPresent || (after.isDown && !before.isDown) || isAnother(before, after);
}

function isAnother(before: Interface, after: Interface): boolean {
  return before.ifindex !== 0 && after.ifindex !== 0 && before.ifindex !== after.ifindex;
}

function removedFrom(before: Interface, after: Interface): HostChange['removed'] {
  if (!before.isPresent || hasGone(before, after)) return [];
  return before.addresses
    .filter(({ local }) => !after.addresses.some((other) => other.local.equals(local)))
    .map(({ peer }) => ({ dev: before.index, address: peer.loaded }));
}

function hasSameNames(before: readonly Interface[], after: readonly Interface[]): boolean {
  return before.length === after.length && before.every(({ group }, i) => group === after[i].group);
}
