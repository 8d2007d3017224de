/** Path MTU, and protocols that need helpers. */
import { ack, data, hostWith, other, rulesOf, syn, synAck, tooBig, udp } from '../clinic.js';
import { CLIENT, type DoctorCase, ELSEWHERE, FILTER, MASQUERADE, PUBLISH } from './common.js';

const SERVICE = '192.0.2.10:443';
const LONG = data('local', SERVICE, CLIENT, { seq: 901, ack: 101, bytes: 1400 });
const SERVED = [syn('eth0', CLIENT, SERVICE), synAck('local', SERVICE, CLIENT), ack('eth0', CLIENT, SERVICE), LONG];
const NO_ICMP = [...FILTER, '-A INPUT -p icmp -m icmp --icmp-type echo-request -j ACCEPT', '-A INPUT -p icmp -j DROP'];
const SMALL = hostWith({ eth0: '192.0.2.10/24', wg0: '172.20.0.1/16' });
const smaller = {
  ...SMALL,
  addr: (SMALL.addr as { ifname: string }[]).map((one) => (one.ifname === 'wg0' ? { ...one, mtu: 1420 } : one)),
};
const OUTWARDS = [
  syn('wg0', '172.20.0.2:40000', ELSEWHERE),
  synAck('eth0', ELSEWHERE, '172.20.0.2:40000'),
  ack('wg0', '172.20.0.2:40000', ELSEWHERE),
];
const answerOf = (bytes: number) => data('eth0', ELSEWHERE, '172.20.0.2:40000', { seq: 901, ack: 101, bytes });

const PATHS: DoctorCase[] = [
  {
    name: 'a rule drops the ICMP error that tells the MTU of the path',
    host: hostWith({ eth0: '192.0.2.10/24' }),
    rules: rulesOf({ filter: NO_ICMP }),
    traffic: [...SERVED, tooBig('eth0', '203.0.113.1', '192.0.2.10', LONG)],
    finds: 'path-mtu',
    packets: ['eth0:3'],
    lines: [6],
    change: /^iptables -I INPUT 2 -p icmp -m icmp --icmp-type fragmentation-needed -j ACCEPT$/,
  },
  {
    name: 'the same error, about no connection',
    host: hostWith({ eth0: '192.0.2.10/24' }),
    rules: rulesOf({ filter: NO_ICMP }),
    traffic: [tooBig('eth0', '203.0.113.1', '192.0.2.10', LONG)],
  },
  {
    name: 'a server repeats a segment that does not fit',
    host: smaller,
    rules: rulesOf({ filter: FILTER }),
    traffic: [...OUTWARDS, answerOf(1400), answerOf(1400)],
    finds: 'path-mtu',
    packets: ['eth0:2', 'eth0:3'],
    change: /TCPMSS --clamp-mss-to-pmtu/,
  },
  {
    name: 'a server repeats two such segments several times',
    host: smaller,
    rules: rulesOf({ filter: FILTER }),
    traffic: [...OUTWARDS, answerOf(1400), answerOf(1400), answerOf(1400), answerOf(1390), answerOf(1390)],
    finds: 'path-mtu',
    packets: ['eth0:2', 'eth0:3', 'eth0:4', 'eth0:5', 'eth0:6'],
  },
  {
    name: 'the same segments, which a rule keeps the server from sending',
    host: smaller,
    rules: rulesOf({ mangle: ['-A FORWARD -p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu'] }),
    traffic: [...OUTWARDS, answerOf(1400), answerOf(1400)],
  },
  {
    name: 'a server that learns the MTU of the path',
    host: smaller,
    rules: rulesOf({ filter: FILTER }),
    traffic: [...OUTWARDS, answerOf(1400), answerOf(1300)],
  },
];

const STATEFUL = rulesOf({
  nat: [...PUBLISH.slice(0, 4), MASQUERADE],
  filter: [
    ':INPUT DROP [0:0]',
    ':FORWARD DROP [0:0]',
    ':OUTPUT ACCEPT [0:0]',
    '-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
    '-A INPUT -p tcp -m multiport --dports 21,1723,5060 -j ACCEPT',
    '-A INPUT -p udp -m udp --dport 5060 -j ACCEPT',
    '-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
    '-A FORWARD -i docker0 -j ACCEPT',
  ],
});
const FTP = '192.0.2.10:21';
const PASSIVE = '227 Entering Passive Mode (192,0,2,10,195,80).\r\n';
const FTP_SESSION = [
  syn('eth0', CLIENT, FTP),
  synAck('local', FTP, CLIENT),
  ack('eth0', CLIENT, FTP),
  data('local', FTP, CLIENT, { seq: 901, ack: 101, text: PASSIVE }),
  syn('eth0', '203.0.113.7:50001', '192.0.2.10:50000'),
];
const INVITE = 'INVITE sip:b@192.0.2.10 SIP/2.0\r\n\r\nv=0\r\nc=IN IP4 203.0.113.7\r\nm=audio 30000 RTP/AVP 0\r\n';

const HELPERS: DoctorCase[] = [
  {
    name: 'the answer of a TFTP server comes from another port',
    host: hostWith(),
    rules: STATEFUL,
    traffic: [
      udp('docker0', '172.17.0.3:40000', '198.51.100.5:69'),
      udp('eth0', '198.51.100.5:50888', '192.0.2.10:40000'),
    ],
    finds: 'no-helper',
    packets: ['docker0:1', 'eth0:1'],
    lines: [6],
    change: /-p udp --dport 69 -j CT --helper tftp/,
  },
  {
    name: 'a data connection of passive FTP is dropped',
    host: hostWith(),
    rules: STATEFUL,
    traffic: FTP_SESSION,
    finds: 'no-helper',
    packets: ['local:2', 'eth0:3'],
    change: /-p tcp --dport 21 -j CT --helper ftp/,
  },
  {
    name: 'two packets of one data connection are dropped',
    host: hostWith(),
    rules: STATEFUL,
    traffic: [...FTP_SESSION, syn('eth0', '203.0.113.7:50001', '192.0.2.10:50000')],
    finds: 'no-helper',
    packets: ['local:2', 'eth0:3', 'eth0:4'],
  },
  {
    name: 'a call that SIP has announced is dropped',
    host: hostWith(),
    rules: STATEFUL,
    traffic: [
      udp('eth0', '203.0.113.7:5060', '192.0.2.10:5060', INVITE),
      udp('local', '192.0.2.10:5060', '203.0.113.7:5060', INVITE.replace('30000', '31000')),
      udp('eth0', '203.0.113.7:30000', '192.0.2.10:31000'),
    ],
    finds: 'no-helper',
    packets: ['local:1', 'eth0:2'],
  },
  {
    name: "PPTP's tunnel is dropped",
    host: hostWith(),
    rules: STATEFUL,
    traffic: [
      syn('eth0', CLIENT, '192.0.2.10:1723'),
      synAck('local', '192.0.2.10:1723', CLIENT),
      other(
        'eth0',
        '203.0.113.7',
        '192.0.2.10',
        47,
        Uint8Array.of(0x30, 1, 0x88, 0x0b, 0, 4, 0, 1, 0, 0, 0, 0, 1, 2, 3, 4),
      ),
    ],
    finds: 'no-helper',
  },
  {
    name: 'passive FTP with its ports open',
    host: hostWith(),
    rules: STATEFUL.replace('-A FORWARD -m', '-A INPUT -p tcp -m tcp --dport 50000:50100 -j ACCEPT\n-A FORWARD -m'),
    traffic: FTP_SESSION,
  },
  {
    name: 'a dropped connection that FTP has not announced',
    host: hostWith(),
    rules: STATEFUL,
    traffic: [...FTP_SESSION.slice(0, 4), syn('eth0', '203.0.113.7:50001', '192.0.2.10:50001')],
  },
];

const ACTIVE = 'PORT 172,17,0,3,195,80\r\n';
const LOGIN = [
  syn('docker0', '172.17.0.3:40000', '198.51.100.5:21'),
  synAck('eth0', '198.51.100.5:21', '192.0.2.10:40000'),
  ack('docker0', '172.17.0.3:40000', '198.51.100.5:21'),
];
const told = (text: string) => data('docker0', '172.17.0.3:40000', '198.51.100.5:21', { seq: 101, ack: 901, text });

const TOLD: DoctorCase[] = [
  {
    name: 'active FTP tells the server an address that only NAT knows',
    host: hostWith(),
    rules: STATEFUL,
    traffic: [...LOGIN, told(ACTIVE)],
    finds: 'no-helper',
    packets: ['docker0:3'],
    lines: [6],
  },
  {
    name: 'passive FTP through NAT',
    host: hostWith(),
    rules: STATEFUL,
    traffic: [...LOGIN, told('PASV\r\n')],
  },
];

export const PATHS_CASES: readonly DoctorCase[] = [...PATHS, ...HELPERS, ...TOLD];
