/** Forwarding of IPv4, which an engine turns on. */
import type { JsonObject } from '../../codecs/host/json-values.js';
import type { HostNetwork } from '../host-network.js';
import type { Engine } from './engine.js';

export const IP_FORWARD = 'net.ipv4.ip_forward';

/** Turns ip_forward on, unless the engine is not to; returns whether it was off. */
export function enableForwarding({ host: { network }, options }: Engine): boolean {
  if (!options.ipForward || network.sysctl(IP_FORWARD) === 1) return false;
  setForwarding(network, 1);
  return true;
}

/** Sets ip_forward, and with it that of all interfaces (devinet_sysctl_forward, inet_forward_change in the kernel). */
export function setForwarding(network: HostNetwork, value: number): void {
  network.setSysctl(IP_FORWARD, value);
  const known = Object.keys((network.json.sysctl as JsonObject | undefined) ?? {});
  for (const name of known) {
    if (/^net[./]ipv4[./]conf[./].+[./]forwarding$/.test(name)) network.setSysctl(name, value);
  }
}
