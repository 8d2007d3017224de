import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { formatConnection } from '../../codecs/conntrack-list.js';
import { readConntrackList } from '../../codecs/conntrack-reader.js';
import { listConnection } from '../../core/conntrack/list.js';
import { createEmulator } from '../../core/emulator.js';
import { parseRuleset } from '../../core/rules/parse/parse.js';
import { wanLanHost } from '../host/host-file.js';

const Restore = suite('listed connections');

function hostWith(lines: readonly string[]) {
  return createEmulator(
    {
      ruleset: parseRuleset('*filter\nCOMMIT\n', 'rules.v4'),
      host: wanLanHost([]),
      connections: { list: readConntrackList(lines.join('\n'), 'list.txt').connections, file: 'list.txt' },
    },
    { egress() {}, local() {}, dropped() {} },
  );
}

const tuples = (reply: string) => `src=203.0.113.7 dst=192.0.2.10 sport=5 dport=80 packets=1 bytes=40 ${reply}`;
const PLAIN = 'src=192.0.2.10 dst=203.0.113.7 sport=80 dport=5 packets=0 bytes=0';
const TRANSLATED = 'src=172.17.0.3 dst=172.17.0.1 sport=8080 dport=1024 packets=2 bytes=99';

Restore('are listed again as they were', () => {
  const lines = [
    `ipv4     2 tcp      6 431999 ESTABLISHED ${tuples(TRANSLATED)} [ASSURED] mark=7 use=1`,
    `ipv4     2 udp      17 0 ${tuples(`[UNREPLIED] ${PLAIN}`)} mark=4294967295 use=1`,
    'ipv4     2 icmp     1 29 src=10.0.0.1 dst=10.0.0.2 type=8 code=0 id=7 packets=1 bytes=28 ' +
      'src=10.0.0.2 dst=10.0.0.1 type=0 code=0 id=7 packets=1 bytes=28 mark=0 use=1',
  ];
  const { connections, restored } = hostWith(lines);
  const listed: string[] = [];
  connections.forEach(0, (entry) => listed.push(formatConnection(listConnection(connections, entry, 0))));
  assert.equal(listed, lines);
  assert.is(restored.count, 3);
  assert.equal(restored.assumed, ['windows of 1 listed TCP connections: anything is in window']);
  assert.equal(restored.warnings, []);
});

Restore('what cannot go on as it did is said', () => {
  const { connections, restored } = hostWith([
    `udp 17 9 ${tuples(PLAIN)} helper=tftp`,
    `udp 17 9 ${tuples(PLAIN)}`,
    `sctp 132 9 ESTABLISHED ${tuples(PLAIN)}`,
  ]);
  assert.is(connections.size, 1);
  assert.equal(restored.warnings, [
    'list.txt:2: an earlier line has the same addresses and ports; left out',
    'list.txt: helper tftp is not emulated: connections that it expects are not RELATED',
    'list.txt: 1 of SCTP left out: a list does not have their verification tags',
  ]);
});

Restore('a state is one of the protocol', () => {
  const failure = (line: string): string => {
    try {
      hostWith([line]);
      return '';
    } catch (error) {
      return (error as Error).message;
    }
  };
  assert.match(
    failure(`tcp 6 9 ESTABLISHD ${tuples(PLAIN)}`),
    /^list\.txt:1:9: unknown state ESTABLISHD; expected one of NONE, SYN_SENT, .*did you mean ESTABLISHED\?$/,
  );
  assert.match(
    failure(`tcp 6 9 ${tuples(PLAIN)}`),
    /^list\.txt:1:9: the state of tcp is missing; expected one of NONE/,
  );
  assert.match(failure(`udp 17 9 CLOSE ${tuples(PLAIN)}`), /^list\.txt:1:10: udp has no state CLOSE; expected src=$/);
});

Restore.run();
