/** What tells that Docker is on a host. */

/** The bridges that Docker makes, by their names. */
const BRIDGE = /^(?:docker0|docker_gwbridge|br-[0-9a-f]{12})$/;

export function isDockerBridge(name: string): boolean {
  return BRIDGE.test(name);
}
