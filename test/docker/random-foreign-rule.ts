/** Random rules that somebody else than Docker writes. */
import type { Prng } from '../kernel/prng.js';

/** Words for iptables. WITH_DOCKER: Docker's chains may be there. */
export function randomForeignRule(random: Prng, withDocker: boolean): string {
  const port = random.between(8000, 8060);
  const choices: (readonly [number, string])[] = [
    [2, '-A INPUT -i lo -j ACCEPT'],
    [2, '-A INPUT -m state --state RELATED,ESTABLISHED -j ACCEPT'],
    [1, '-A INPUT -j REJECT --reject-with icmp-host-prohibited'],
    [1, '-A FORWARD -j REJECT --reject-with icmp-host-prohibited'],
    [1, '-A FORWARD -i eth0 -p udp -j DROP'],
    [1, '-P FORWARD DROP'],
    [1, '-I FORWARD -i eth0 -p tcp -m conntrack --ctstate NEW -j ACCEPT'],
    [1, `-t nat -A PREROUTING -i eth0 -p tcp --dport ${port} -j REDIRECT --to-ports 9`],
    [1, '-t nat -A POSTROUTING -o eth0 -p icmp -j MASQUERADE'],
    [1, '-t raw -A PREROUTING -i eth0 -p icmp -j DROP'],
    [1, `-t mangle -A PREROUTING -p tcp --dport ${port} -j MARK --set-mark 0x1`],
  ];
  if (withDocker)
    choices.push(
      [3, `-I DOCKER-USER -i eth0 -p tcp -m conntrack --ctorigdstport ${port} -j DROP`],
      [2, '-I DOCKER-USER -i eth0 ! -s 192.0.2.50 -j DROP'],
      [1, '-A DOCKER-USER -p icmp -j DROP'],
      [0.5, '-F DOCKER-USER'],
      [0.5, '-D DOCKER-USER -j RETURN'],
      [0.5, '-I FORWARD -j ACCEPT'],
      [0.5, '-F FORWARD'],
      [0.5, '-t nat -F POSTROUTING'],
      [0.5, '-F DOCKER'],
    );
  return random.weighted(choices);
}
