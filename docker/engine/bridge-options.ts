/** What the options of a network mean (the labels of libnetwork's bridge driver). */
import { OPTION } from '../bridge-options.js';
import type { BridgeNetwork } from '../firewall/firewall.js';
import { type DaemonOptions, DEFAULT_NETWORK, type NetworkSpec, type NetworkState } from '../model.js';
import { isSince, type Release } from '../releases.js';

/** The name of the default network's bridge. */
export const DEFAULT_BRIDGE = 'docker0';

export function isTrue(spec: NetworkSpec, option: string, otherwise: boolean): boolean {
  const value = spec.options[option];
  return value === undefined ? otherwise : /^(?:1|t|true)$/i.test(value);
}

export function mtuOf(spec: NetworkSpec): number {
  return Number(spec.options[OPTION.mtu] ?? 0) || 1500;
}

/** What the rules for NETWORK depend on; undefined: it has no bridge. */
export function bridgeNetworkOf(network: NetworkState, release: Release): BridgeNetwork | undefined {
  const { spec, bridge, subnet, gateway } = network;
  if (bridge === undefined || subnet === undefined) return undefined;
  const trusted = isSince(release, 28, 2, 0) ? spec.options[OPTION.trustedInterfaces] : undefined;
  return {
    bridge,
    subnet,
    gateway,
    isDefault: spec.name === DEFAULT_NETWORK,
    isInternal: spec.isInternal,
    allowsIcc: isTrue(spec, OPTION.icc, true),
    masquerades: isTrue(spec, OPTION.masquerade, true),
    hostAddress: isSince(release, 20, 10, 0) ? spec.options[OPTION.hostAddress] : undefined,
    gatewayMode: gatewayModeOf(spec, release),
    trustedInterfaces: trusted === undefined || trusted === '' ? [] : trusted.split(':'),
  };
}

/** Labels that a release does not know mean nothing to it. */
export function gatewayModeOf(spec: NetworkSpec, release: Release): BridgeNetwork['gatewayMode'] {
  if (!isSince(release, 27, 0, 0)) return 'nat';
  const mode = spec.options[OPTION.gatewayMode];
  return mode === 'routed' || mode === 'nat-unprotected' || mode === 'isolated' ? mode : 'nat';
}

/** The options that the default network gets from those of the daemon. */
export function defaultNetworkOptions(options: DaemonOptions): Record<string, string> {
  return {
    [OPTION.bridgeName]: options.bridge ?? DEFAULT_BRIDGE,
    [OPTION.isDefaultBridge]: 'true',
    [OPTION.icc]: String(options.icc),
    [OPTION.masquerade]: String(options.ipMasq),
    [OPTION.bindingAddress]: options.ip,
    [OPTION.mtu]: String(options.mtu),
  };
}
