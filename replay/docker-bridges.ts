/** The bridges of Docker on a host, which its rules are about. */
import { parseAddress, prefixMask } from '../codecs/address.js';
import type { HostDescription, LinkDescription } from '../codecs/host/description.js';
import type { Bridge } from '../core/rules/guess/docker-guess.js';

const NAME = /^(?:docker0|docker_gwbridge|br-[0-9a-f]{12})$/;

/** Those of a host with LINKS: by their names or kind, with an IPv4 network. In the order of the description. */
export function dockerBridges({ links }: Pick<HostDescription, 'links'>): Bridge[] {
  return links.flatMap((link) => (NAME.test(link.name) || link.kind === 'bridge' ? bridgeOf(link) : []));
}

function bridgeOf({ name, addresses }: LinkDescription): Bridge[] {
  const address = addresses.find(({ local }) => local.family === 'ipv4');
  if (address === undefined) return [];
  const mask = prefixMask('ipv4', address.prefixLength);
  const network = address.local.masked(mask);
  return [
    {
      name,
      network: `${network}/${address.prefixLength}`,
      contains: (text) => parseAddress(text)?.masked(mask).equals(network) === true,
    },
  ];
}
