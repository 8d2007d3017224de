/** What rules and Docker block, and why. */
import { hostWith, rulesOf, syn, udp } from '../clinic.js';
import {
  CLIENT,
  DNAT_LINE,
  type DoctorCase,
  ELSEWHERE,
  FILTER,
  MASQUERADE,
  PUBLISH,
  PUBLISHED,
  PUBLISHED_RULES,
  ROUTER,
  sysctl,
} from './common.js';

const FORWARDING: DoctorCase[] = [
  {
    name: 'a connection to a published port, with ip_forward off',
    host: hostWith(undefined, sysctl({ 'net.ipv4.ip_forward': 0 })),
    rules: PUBLISHED_RULES,
    traffic: [syn('eth0', CLIENT, PUBLISHED)],
    finds: 'forwarding-off',
    packets: ['eth0:1'],
    lines: [DNAT_LINE],
    change: /^sysctl -w net\.ipv4\.ip_forward=1$/,
  },
  {
    name: 'rules that forward on a host that does not, without captures',
    host: hostWith(undefined, sysctl({ 'net.ipv4.ip_forward': 0 })),
    rules: PUBLISHED_RULES,
    finds: 'forwarding-off',
    lines: [DNAT_LINE, 7],
  },
  {
    name: 'a host that does not forward, with nothing to forward',
    host: hostWith({ eth0: '192.0.2.10/24' }, sysctl({ 'net.ipv4.ip_forward': 0 })),
    rules: rulesOf({ filter: [...FILTER, '-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT'] }),
    traffic: [syn('eth0', CLIENT, '192.0.2.10:22')],
  },
];

const RESTARTED = [...FILTER, '-A INPUT -j ACCEPT', '-A FORWARD -j REJECT --reject-with icmp-host-prohibited'];

const DOCKER: DoctorCase[] = [
  {
    name: "Docker's network behind the rules of a distribution",
    host: hostWith(),
    rules: rulesOf({ filter: RESTARTED }),
    traffic: [syn('docker0', '172.17.0.3:40000', ELSEWHERE)],
    finds: 'docker-rules-gone',
    packets: ['docker0:1'],
    lines: [6],
  },
  {
    name: 'the same without captures, by a policy',
    host: hostWith(),
    rules: rulesOf({ filter: [':INPUT ACCEPT [0:0]', ':FORWARD DROP [0:0]', ':OUTPUT ACCEPT [0:0]'] }),
    finds: 'docker-rules-gone',
    lines: [3],
  },
  {
    name: "a Docker network with rules of its owner in place of Docker's",
    host: hostWith(),
    rules: rulesOf({ filter: [...FILTER, '-A FORWARD -i docker0 -p udp -j ACCEPT', '-A FORWARD -j REJECT'] }),
  },
  {
    name: 'rules that block forwarding on a host without Docker',
    host: hostWith(ROUTER),
    rules: rulesOf({ filter: RESTARTED }),
  },
];

/** As iptables-save writes it. */
const HOSTILE = '-m comment --comment "it\'s $(id) `id` $HOME \\"x\\" *"';

const ORDER: DoctorCase[] = [
  {
    name: 'an ACCEPT that was appended behind the REJECT of all',
    host: hostWith({ eth0: '192.0.2.10/24' }),
    rules: rulesOf({
      filter: [
        ...FILTER,
        '-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT',
        '-A INPUT -j REJECT --reject-with icmp-host-prohibited',
        '-A INPUT -p tcp -m tcp --dport 8080 -j ACCEPT',
      ],
    }),
    traffic: [syn('eth0', CLIENT, PUBLISHED), syn('eth0', CLIENT, PUBLISHED)],
    finds: 'accept-after-reject',
    packets: ['eth0:1', 'eth0:2'],
    lines: [6, 7],
    change: /^iptables -I INPUT 2 -p tcp -m tcp --dport 8080 -j ACCEPT$/,
  },
  {
    name: 'an ACCEPT whose comment a shell would carry out',
    host: hostWith({ eth0: '192.0.2.10/24' }),
    rules: rulesOf({
      filter: [...FILTER, '-A INPUT -j DROP', `-A INPUT -p udp -m udp --dport 8080 ${HOSTILE} -j ACCEPT`],
    }),
    traffic: [udp('eth0', CLIENT, PUBLISHED)],
    finds: 'accept-after-reject',
    packets: ['eth0:1'],
  },
  {
    name: "the jump to Docker's chain behind another's REJECT",
    host: hostWith(),
    rules: rulesOf({
      nat: [...PUBLISH, MASQUERADE],
      filter: [
        ...FILTER,
        ':DOCKER - [0:0]',
        '-A FORWARD -i eth0 -j REJECT',
        '-A FORWARD -o docker0 -j ACCEPT',
        '-A FORWARD -i eth0 -o docker0 -j DOCKER',
        '-A DOCKER -d 172.17.0.3/32 -p tcp -m tcp --dport 80 -j ACCEPT',
      ],
    }).replace('-A FORWARD -o docker0 -j ACCEPT\n', ''),
    traffic: [syn('eth0', CLIENT, PUBLISHED)],
    finds: 'accept-after-reject',
    packets: ['eth0:1'],
    lines: [14, 15, 16],
    change: /^iptables -I FORWARD 1 -i eth0 -o docker0 -j DOCKER$/,
  },
  {
    name: 'a ban before the ACCEPT of a service',
    host: hostWith({ eth0: '192.0.2.10/24' }),
    rules: rulesOf({
      filter: [...FILTER, '-A INPUT -s 203.0.113.7/32 -j DROP', '-A INPUT -p tcp -m tcp --dport 8080 -j ACCEPT'],
    }),
    traffic: [syn('eth0', CLIENT, PUBLISHED)],
  },
  {
    name: 'a REJECT of all at the end, and another port accepted',
    host: hostWith({ eth0: '192.0.2.10/24' }),
    rules: rulesOf({ filter: [...FILTER, '-A INPUT -j REJECT', '-A INPUT -p tcp -m tcp --dport 8081 -j ACCEPT'] }),
    traffic: [syn('eth0', CLIENT, PUBLISHED)],
  },
];

export const RULES_CASES: readonly DoctorCase[] = [...FORWARDING, ...DOCKER, ...ORDER];
