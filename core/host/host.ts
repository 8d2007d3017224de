/**
 * The host that is emulated: interfaces, routes, neighbours, sysctls, and the decisions that follow from them.
 *
 * Built once from a description; no decision allocates. Addresses are as loaded little-endian, interfaces are indexes.
 */
import type { AddressType } from '../rules/context.js';
import type { PacketType } from '../packet.js';
import type { InputRoute, OutputRoute } from './decision.js';
import type { Interface } from './interfaces.js';
import type { Sysctls } from './sysctls.js';

export interface HostInterface {
  readonly interfaces: readonly Interface[];
  readonly interfaceNames: readonly string[];
  readonly sysctls: Sysctls;
  readonly warnings: readonly string[];
  readonly loopback: number;
  interfaceIndex(name: string): number;
  routeInput(source: number, destination: number, protocol: number, inDev: number, type: PacketType): InputRoute;
  routeOutput(destination: number, source: number, isAnySource: boolean): OutputRoute;
  addressType(address: number, dev: number): AddressType;
  masqueradeAddress(outDev: number, nextHop: number): number;
  redirectAddress(inDev: number): number;
  icmpSource(destination: number, isLocal: boolean, inDev: number, sender: number): number;
  writeMac(dev: number, nextHop: number, into: Uint8Array, at: number): void;
}
