/** The options of bridge networks, of every release (libnetwork/drivers/bridge/labels.go, netlabel/labels.go). */

const PREFIX = 'com.docker.network.';

/** Those that are followed. */
export const OPTION = {
  bridgeName: `${PREFIX}bridge.name`,
  isDefaultBridge: `${PREFIX}bridge.default_bridge`,
  icc: `${PREFIX}bridge.enable_icc`,
  masquerade: `${PREFIX}bridge.enable_ip_masquerade`,
  bindingAddress: `${PREFIX}bridge.host_binding_ipv4`,
  gatewayMode: `${PREFIX}bridge.gateway_mode_ipv4`,
  inhibitIpv4: `${PREFIX}bridge.inhibit_ipv4`,
  trustedInterfaces: `${PREFIX}bridge.trusted_host_interfaces`,
  hostAddress: `${PREFIX}host_ipv4`,
  mtu: `${PREFIX}driver.mtu`,
} as const;

/** Those that an engine knows; it takes any other, which then has no effect. */
export const BRIDGE_OPTIONS: readonly string[] = [
  ...Object.values(OPTION),
  ...['bridge.gateway_mode_ipv6', 'mtu', 'container_iface_prefix', 'host_ipv6', 'enable_ipv4', 'enable_ipv6'].map(
    (name) => PREFIX + name,
  ),
];
