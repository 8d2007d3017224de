/**
 * The network that a story takes place in: a Docker host (eth0 192.0.2.10/24), a client (192.0.2.50), a gateway
 * (192.0.2.1) and something outside (198.51.100.5), each in a network namespace of its own.
 */
import { output, text } from './program.js';

export const PLACES = ['host', 'client', 'gateway', 'outside'] as const;
export type Place = (typeof PLACES)[number];

export class Lan {
  /** NAME: what the namespaces' names begin with. */
  constructor(private readonly name: string) {}

  /** WORDS, to be run in the network of PLACE. nsenter, since `ip netns exec` would hide the cgroups from an engine. */
  at(place: Place, ...words: string[]): string[] {
    return ['nsenter', `--net=/run/netns/${this.namespace(place)}`, ...words];
  }

  async build(): Promise<void> {
    const commands = PLACES.flatMap((place) => [
      `ip netns add ${this.namespace(place)}`,
      `ip -n ${this.namespace(place)} link set lo up`,
    ]);
    const gateway = this.namespace('gateway');
    commands.push(
      `ip -n ${gateway} link add lan type bridge`,
      `ip -n ${gateway} link set lan up`,
      `ip -n ${gateway} addr add 192.0.2.1/24 dev lan`,
      ...this.connect('host', '192.0.2.10/24', '192.0.2.1'),
      `ip -n ${gateway} link set phost master lan`,
      ...this.connect('client', '192.0.2.50/24', '192.0.2.1'),
      `ip -n ${gateway} link set pclient master lan`,
      ...this.connect('outside', '198.51.100.5/24', '198.51.100.1'),
      `ip -n ${gateway} addr add 198.51.100.1/24 dev poutside`,
      // The client and what is outside have routes to containers, so that they may try to reach them directly.
      `ip -n ${this.namespace('client')} route add 172.16.0.0/12 via 192.0.2.10`,
      `ip -n ${this.namespace('client')} route add 10.0.0.0/8 via 192.0.2.10`,
    );
    for (const place of ['host', 'gateway'] as const)
      commands.push(this.at(place, 'sysctl', '-qw', 'net.ipv4.ip_forward=1').join(' '));
    commands.push(`${this.at('host', 'sysctl', '-qw', 'net.netfilter.nf_conntrack_acct=1').join(' ')} || true`);
    await text(['sh', '-e'], commands.join('\n'));
  }

  async remove(): Promise<void> {
    for (const place of PLACES) await output(['ip', 'netns', 'del', this.namespace(place)]);
  }

  /** Connects PLACE to the gateway, and gives it ADDRESS and a default route by VIA. */
  private connect(place: Place, address: string, via: string): string[] {
    const [here, gateway] = [this.namespace(place), this.namespace('gateway')];
    return [
      `ip link add eth0 netns ${here} type veth peer name p${place} netns ${gateway}`,
      `ip -n ${gateway} link set p${place} up`,
      `ip -n ${here} addr add ${address} brd + dev eth0`,
      `ip -n ${here} link set eth0 up`,
      `ip -n ${here} route add default via ${via}`,
    ];
  }

  private namespace(place: Place): string {
    return `${this.name}${place[0]}`;
  }
}
