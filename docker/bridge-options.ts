/** The options of bridge networks, of every release (libnetwork/drivers/bridge/labels.go, netlabel/labels.go). */

const BRIDGE = 'com.docker.network.bridge.';

export const BRIDGE_OPTIONS: readonly string[] = [
  ...['name', 'enable_ip_masquerade', 'enable_icc', 'host_binding_ipv4', 'default_bridge', 'inhibit_ipv4'].map(
    (name) => BRIDGE + name,
  ),
  ...['gateway_mode_ipv4', 'gateway_mode_ipv6', 'trusted_host_interfaces'].map((name) => BRIDGE + name),
  ...['mtu', 'container_iface_prefix', 'host_ipv4', 'host_ipv6', 'enable_ipv4', 'enable_ipv6', 'driver.mtu'].map(
    (name) => `com.docker.network.${name}`,
  ),
];
