/**
 * Rules as fast-check makes them: iptables-save text of every match and target, in whatever spellings iptables takes.
 */
import * as fc from 'fast-check';

/** `-m NAME …` with the `-p` that it needs before it. */
export interface MatchText {
  readonly protocol?: string;
  /** The tables in which a match may be; undefined: any. */
  readonly tables?: readonly string[];
  readonly text: string;
}

type Text = fc.Arbitrary<string>;

const number = (min: number, max: number): Text => fc.integer({ min, max }).map(String);
const oneOf = (...texts: string[]): Text => fc.constantFrom(...texts);
const joined = (separator: string, ...parts: Text[]): Text => fc.tuple(...parts).map((texts) => texts.join(separator));
const maybe = (text: Text): Text => fc.option(text, { nil: '' });
const not = fc.boolean().map((negated) => (negated ? '! ' : ''));

/** One to MOST of OPTIONS, in any order, each at most once. */
const someOf = (options: readonly Text[], most = options.length): Text =>
  fc
    .shuffledSubarray([...options], { minLength: 1, maxLength: most })
    .chain((chosen) => fc.tuple(...chosen))
    .map((texts) => texts.join(' '));

const list = (names: readonly string[]): Text =>
  fc.shuffledSubarray([...names], { minLength: 1 }).map((chosen) => chosen.join(','));

const byte = number(0, 255);
const address = joined('.', byte, byte, byte, byte);
const network = fc.oneof(address, joined('/', address, number(0, 32)), joined('/', address, address));
const port = fc.oneof(number(0, 65_535), oneOf('0', '1', '80', '65535'));
const two = (low: number, high: number, separator: string): Text =>
  fc
    .tuple(fc.integer({ min: low, max: high }), fc.integer({ min: low, max: high }))
    .map(([a, b]) => `${Math.min(a, b)}${separator}${Math.max(a, b)}`);
/** All ports are no match: iptables-save prints nothing of them, not even of their negation. */
const ALL_PORTS = ['0:65535', ':65535', '0:'];
const portRange = fc
  .oneof(
    port,
    two(0, 65_535, ':'),
    port.map((text) => `:${text}`),
    port.map((text) => `${text}:`),
  )
  .filter((text) => !ALL_PORTS.includes(text));
const natPorts = fc.oneof(number(1, 65_535), two(1, 65_535, '-'));
const natAddresses = fc.oneof(address, joined('-', address, address));
const word32 = fc.integer({ min: 0, max: 0xffffffff });
const word = word32.chain((value) => oneOf(String(value), `0x${value.toString(16)}`));
const masked = fc.oneof(word, joined('/', word, word));
const hexByte = fc.integer({ min: 0, max: 255 }).chain((value) => {
  const digits = value.toString(16).padStart(2, '0');
  return oneOf(digits, digits.toUpperCase());
});
const macAddress = joined(':', hexByte, hexByte, hexByte, hexByte, hexByte, hexByte);
const device = fc.stringMatching(/^[a-z][a-z0-9.@-]{0,13}\+?$/);
/** What has to be quoted, and what is more than a byte; no line ends, as a rule is a line. */
const words = fc
  .string({ unit: fc.constantFrom(...'abc XYZ09"\'\\`$!-_#äé→'), minLength: 1, maxLength: 24 })
  .map((text) => text.replace(/^!+$/, 'x'));
const quoted = words.map((text) => `"${text.replace(/["\\]/g, '\\$&')}"`);

const states = ['INVALID', 'NEW', 'RELATED', 'ESTABLISHED', 'UNTRACKED'];
const types = [
  ...['UNSPEC', 'UNICAST', 'LOCAL', 'BROADCAST', 'ANYCAST', 'MULTICAST'],
  ...['BLACKHOLE', 'UNREACHABLE', 'PROHIBIT', 'THROW'],
];
const flags = ['SYN', 'ACK', 'FIN', 'RST', 'URG', 'PSH'];
const negatable = (option: string, value: Text): Text => joined('', not, fc.constant(`${option} `), value);
const plain = (option: string, value: Text): Text => value.map((text) => `${option} ${text}`);

const multiportRange = fc.oneof(
  { weight: 2, arbitrary: number(0, 65_535) },
  fc.tuple(fc.integer({ min: 0, max: 60_000 }), fc.integer({ min: 1, max: 5000 })).map(([a, n]) => `${a}:${a + n}`),
);

/** Rates of which iptables-save prints the period exactly. */
const limit = fc.oneof(
  joined(' --limit-burst ', oneOf('1/second', '5/sec', '10000/s', '250/second'), number(1, 10_000)),
  joined(' --limit-burst ', oneOf('1/minute', '2/min', '10/hour', '1/hour', '24/day'), number(1, 4)),
  oneOf('3/minute', '12/hour', '1/day --limit-burst 1'),
);

const ofProtocol = (protocols: readonly string[], text: Text): fc.Arbitrary<MatchText> =>
  fc.record({ protocol: fc.constantFrom(...protocols), text });
const ofAny = (text: Text): fc.Arbitrary<MatchText> => text.map((one) => ({ text: one }));

/** The content of packets, in the two ways in which it is written. */
const plainHex = fc
  .array(hexByte, { minLength: 1, maxLength: 20 })
  .chain((bytes) => oneOf(`|${bytes.join('')}|`, `"| ${bytes.join(' ')} |"`));
const mixedHex = fc.stringMatching(/^[a-z:. ]{1,10}$/).map((text) => `"${text}|0d 0A|${text}"`);
const hexWord = fc.integer({ min: 0, max: 0xffff }).map((value) => value.toString(16));
const u32Test = joined(
  '=',
  fc
    .tuple(
      word,
      fc.array(fc.oneof(joined('', oneOf('&', '@'), word), joined('', oneOf('<<', '>> '), number(0, 31))), {
        maxLength: 6,
      }),
    )
    .map(([first, operations]) => first + operations.join('')),
  fc.array(fc.oneof(word, joined(':', word, word)), { minLength: 1, maxLength: 6 }).map((all) => all.join(', ')),
);

const spis = (option: string): Text => negatable(option, fc.oneof(word, two(0, 0xfffffffe, ':')));
const CHUNKS = ['DATA', 'INIT', 'sack', 'ABORT:T', 'SHUTDOWN_COMPLETE:t', 'DATA:bE', 'I_DATA', 'ASCONF', 'PAD'];

/** By name of the match: what may stand behind `-m NAME`. */
export const MATCH_TEXTS: Readonly<Record<string, fc.Arbitrary<MatchText>>> = {
  addrtype: ofAny(
    joined(
      ' ',
      someOf([negatable('--src-type', list(types)), negatable('--dst-type', list(types))]),
      oneOf('', '--limit-iface-in', '--limit-iface-out'),
    ),
  ),
  ah: ofProtocol(['ah', '51'], maybe(spis('--ahspi'))),
  bpf: ofAny(
    plain(
      '--bytecode',
      oneOf('"1,6 0 0 1"', '"4,48 0 0 9,21 0 1 6,6 0 0 1,6 0 0 0,"', '"2, 40 0 0 4294963200,+22 0 0 0"'),
    ),
  ),
  cgroup: ofAny(fc.oneof(negatable('--cgroup', word), negatable('--path', quoted))),
  cluster: ofAny(
    joined(
      ' ',
      fc
        .integer({ min: 1, max: 6 })
        .chain((nodes) =>
          joined(
            '',
            fc.constant(`--cluster-total-nodes ${nodes} `),
            not,
            plain('--cluster-local-node', number(1, nodes)),
          ),
        ),
      plain('--cluster-hash-seed', word),
    ),
  ),
  comment: ofAny(plain('--comment', quoted)),
  connbytes: ofAny(
    joined(
      ' ',
      negatable('--connbytes', fc.oneof(number(0, 0xffffffff), two(1, 0xffffffff, ':'))),
      plain('--connbytes-mode', oneOf('packets', 'bytes', 'avgpkt')),
      plain('--connbytes-dir', oneOf('original', 'reply', 'both')),
    ),
  ),
  connlabel: ofAny(joined(' ', negatable('--label', number(0, 127)), oneOf('', '--set'))),
  connlimit: ofAny(
    joined(
      ' ',
      fc.oneof(negatable('--connlimit-upto', word), negatable('--connlimit-above', word)),
      maybe(plain('--connlimit-mask', number(0, 32))),
      oneOf('', '--connlimit-saddr', '--connlimit-daddr'),
    ),
  ),
  connmark: ofAny(negatable('--mark', masked)),
  conntrack: ofAny(
    someOf(
      [
        negatable('--ctstate', list([...states, 'SNAT', 'DNAT'])),
        negatable('--ctproto', oneOf('tcp', 'udp', 'icmp', '47', 'sctp', '253')),
        ...['--ctorigsrc', '--ctorigdst', '--ctreplsrc', '--ctrepldst'].map((name) =>
          negatable(name, fc.oneof(address, joined('/', address, number(1, 32)))),
        ),
        ...['--ctorigsrcport', '--ctorigdstport', '--ctreplsrcport', '--ctrepldstport'].map((name) =>
          negatable(name, fc.oneof(number(1, 65_535), two(1, 65_535, ':'))),
        ),
        negatable('--ctstatus', fc.oneof(oneOf('NONE'), list(['EXPECTED', 'SEEN_REPLY', 'ASSURED', 'CONFIRMED']))),
        negatable('--ctexpire', fc.oneof(number(0, 0xffffffff), two(0, 0xffffffff, ':'))),
        plain('--ctdir', oneOf('ORIGINAL', 'REPLY')),
      ],
      5,
    ),
  ),
  cpu: ofAny(negatable('--cpu', word)),
  dccp: ofProtocol(
    ['dccp', '33'],
    someOf([
      negatable('--sport', portRange),
      negatable('--dport', portRange),
      negatable('--dccp-types', list(['REQUEST', 'response', 'Data', 'RESET', 'SYNCACK', 'INVALID'])),
      negatable('--dccp-option', number(1, 255)),
    ]),
  ),
  devgroup: ofAny(someOf(['--src-group', '--dst-group'].map((name) => negatable(name, masked)))),
  dscp: ofAny(
    fc.oneof(negatable('--dscp', number(0, 63)), negatable('--dscp-class', oneOf('EF', 'CS1', 'AF43', 'BE'))),
  ),
  ecn: fc.oneof(
    ofAny(negatable('--ecn-ip-ect', number(0, 3))),
    ofProtocol(
      ['tcp'],
      someOf([negatable('--ecn-tcp-cwr', fc.constant('')), negatable('--ecn-tcp-ece', fc.constant(''))]),
    ),
  ),
  esp: ofProtocol(['esp', '50'], maybe(spis('--espspi'))),
  hashlimit: ofAny(
    joined(
      ' ',
      oneOf('', '!'),
      oneOf('--hashlimit-upto', '--hashlimit-above'),
      oneOf(
        '5/sec',
        '10/minute',
        '100/hour',
        '24/day',
        '1000000/sec',
        '512kb/s --hashlimit-burst 2mb',
        '96b/s',
        '1mb/s',
      ),
      plain('--hashlimit-mode', list(['srcip', 'srcport', 'dstip', 'dstport'])),
      maybe(plain('--hashlimit-srcmask', number(0, 32))),
      maybe(plain('--hashlimit-dstmask', number(0, 32))),
      maybe(plain('--hashlimit-htable-size', number(0, 2_000_000))),
      maybe(plain('--hashlimit-htable-max', number(0, 2_000_000))),
      maybe(plain('--hashlimit-htable-gcinterval', number(1, 0xffffffff))),
      maybe(plain('--hashlimit-htable-expire', number(1, 0xffffffff))),
      oneOf('--hashlimit-name h', '--hashlimit-name rate --hashlimit-rate-match'),
    ),
  ),
  helper: ofAny(negatable('--helper', oneOf('ftp', '""', 'ftp-2121', '"a b"', 'none'))),
  icmp: ofProtocol(
    ['icmp'],
    negatable(
      '--icmp-type',
      fc.oneof(
        number(0, 254),
        joined('/', number(0, 254), byte),
        oneOf('any', 'echo-request', 'host-unreachable', 'ttl-exceeded'),
      ),
    ),
  ),
  ipcomp: ofProtocol(['ipcomp', '108'], joined(' ', spis('--ipcompspi'), oneOf('', '--compres'))),
  iprange: ofAny(
    someOf(
      ['--src-range', '--dst-range'].map((name) => negatable(name, fc.oneof(address, joined('-', address, address)))),
    ),
  ),
  ipvs: ofAny(
    someOf([
      negatable('--ipvs', fc.constant('')),
      negatable('--vproto', oneOf('tcp', 'udp', '132')),
      negatable('--vaddr', network),
      negatable('--vport', port),
      plain('--vdir', oneOf('ORIGINAL', 'reply')),
      negatable('--vmethod', oneOf('GATE', 'ipip', 'MASQ')),
      negatable('--vportctl', port),
    ]),
  ),
  length: ofAny(negatable('--length', fc.oneof(number(0, 65_535), two(0, 65_535, ':')))),
  limit: ofAny(plain('--limit', limit)),
  mac: ofAny(negatable('--mac-source', macAddress)),
  mark: ofAny(negatable('--mark', masked)),
  multiport: ofProtocol(
    ['tcp', 'udp', 'udplite', 'sctp', 'dccp'],
    joined(
      '',
      not,
      oneOf('--sports ', '--dports ', '--ports ', '--source-ports ', '--destination-ports '),
      fc.array(multiportRange, { minLength: 1, maxLength: 7 }).map((ports) => ports.join(',')),
    ),
  ),
  nfacct: ofAny(plain('--nfacct-name', quoted)),
  osf: ofProtocol(
    ['tcp'],
    joined(
      ' ',
      negatable('--genre', oneOf('Linux', 'Windows', 'unknown')),
      maybe(plain('--ttl', number(0, 2))),
      maybe(plain('--log', number(0, 2))),
    ),
  ),
  owner: ofAny(
    someOf([
      negatable('--uid-owner', fc.oneof(number(0, 0xfffffffe), two(0, 0xfffffffe, '-'))),
      joined('', negatable('--gid-owner', fc.oneof(word, two(0, 0xfffffffe, ':'))), oneOf('', ' --suppl-groups')),
      negatable('--socket-exists', fc.constant('')),
    ]).filter((text) => !text.includes('4294967295') && !text.includes('0xffffffff')),
  ),
  physdev: ofAny(
    someOf([
      negatable('--physdev-in', device),
      negatable('--physdev-out', device),
      ...['--physdev-is-in', '--physdev-is-out', '--physdev-is-bridged'].map((name) =>
        negatable(name, fc.constant('')),
      ),
    ]),
  ),
  pkttype: ofAny(negatable('--pkt-type', oneOf('unicast', 'broadcast', 'multicast', 'host', 'otherhost', 'mcast'))),
  policy: ofAny(
    fc.oneof(
      plain('--pol none --dir', oneOf('in', 'out')),
      joined(
        ' ',
        plain('--dir', oneOf('in', 'out')),
        someOf([
          negatable('--reqid', word),
          negatable('--spi', word),
          negatable('--proto', oneOf('esp', 'ah', '108')),
          plain('--mode tunnel --tunnel-src', joined('/', address, number(0, 32))),
        ]),
        oneOf('', '--strict', '--strict --next --reqid 5', '--strict --next --mode transport --next ! --spi 7'),
      ),
    ),
  ),
  quota: ofAny(negatable('--quota', fc.oneof(word, oneOf('0', '18446744073709551615')))),
  realm: ofAny(negatable('--realm', masked)),
  recent: ofAny(
    joined(
      ' ',
      not,
      fc.oneof(
        oneOf('--set', '--remove'),
        joined(
          ' ',
          oneOf('--rcheck', '--update', '--rcheck --rttl'),
          maybe(plain('--seconds', number(1, 0x7fffffff))),
          maybe(plain('--hitcount', number(0, 65_535))),
        ),
        oneOf('--update --reap --seconds 5', '--rcheck --seconds 10800 --reap'),
      ),
      maybe(plain('--name', oneOf('DEFAULT', 'ssh', 'KUBE-SEP-X'))),
      oneOf('', '--rsource', '--rdest'),
      maybe(plain('--mask', address)),
    ),
  ),
  rpfilter: ofAny(
    fc.subarray(['--loose', '--validmark', '--accept-local', '--invert']).map((flags) => flags.join(' ')),
  ).map((match) => ({ ...match, tables: ['raw', 'mangle'] })),
  sctp: ofProtocol(
    ['sctp', '132'],
    someOf([
      negatable('--sport', portRange),
      negatable('--dport', portRange),
      negatable(
        '--chunk-types',
        joined(' ', oneOf('any', 'ALL', 'Only'), fc.oneof(list(CHUNKS), oneOf('ALL', 'none'))),
      ),
    ]),
  ),
  set: ofAny(
    joined(
      ' ',
      negatable('--match-set', joined(' ', oneOf('in', 'foo'), oneOf('src', 'dst', 'src,dst'))),
      someOf([oneOf('--return-nomatch'), oneOf('! --update-counters'), negatable('--packets-eq', number(0, 99))]),
    ),
  ),
  socket: ofAny(fc.subarray(['--transparent', '--nowildcard', '--restore-skmark']).map((all) => all.join(' '))),
  state: ofAny(negatable('--state', list(states))),
  statistic: ofAny(
    fc.oneof(
      fc
        .integer({ min: 1, max: 1000 })
        .chain((every) =>
          joined('', fc.constant('--mode nth '), not, fc.constant(`--every ${every} --packet `), number(0, every - 1)),
        ),
      joined('', fc.constant('--mode random '), not, plain('--probability', oneOf('0.5', '0', '1', '0.25', '0.125'))),
    ),
  ),
  string: ofAny(
    joined(
      ' ',
      fc.oneof(negatable('--string', quoted), negatable('--hex-string', fc.oneof(plainHex, mixedHex))),
      plain('--algo', oneOf('bm', 'kmp')),
      fc.oneof(
        fc.constant(''),
        two(0, 65_535, ' --to ').map((range) => `--from ${range}`),
      ),
      oneOf('', '--icase'),
    ),
  ),
  tcp: ofProtocol(
    ['tcp'],
    someOf([
      negatable('--sport', portRange),
      negatable('--dport', portRange),
      negatable('--tcp-option', number(1, 255)),
      fc.oneof(
        joined('', not, fc.constant('--syn')),
        negatable('--tcp-flags', joined(' ', list(flags), fc.oneof(list(flags), oneOf('NONE', 'ALL')))),
      ),
    ]),
  ),
  tcpmss: ofProtocol(['tcp'], negatable('--mss', fc.oneof(number(0, 65_535), two(0, 65_535, ':')))),
  time: ofAny(
    joined(
      ' ',
      maybe(plain('--timestart', joined(':', number(0, 23), number(0, 59), number(0, 59)))),
      maybe(plain('--timestop', joined(':', number(0, 23), number(0, 59)))),
      maybe(negatable('--weekdays', list(['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']))),
      maybe(negatable('--monthdays', list(['1', '2', '15', '30', '31']))),
      maybe(plain('--datestart', oneOf('2026', '2026-02-31', '1999-12-31T23:59:59'))),
      maybe(plain('--datestop', oneOf('2027', '2038-12-31T23:59'))),
      oneOf('', '--kerneltz', '--utc'),
    ),
  ),
  tos: ofAny(negatable('--tos', fc.oneof(byte, joined('/', byte, byte), oneOf('Minimize-Delay', '0x10', '0x08/0x3f')))),
  ttl: ofAny(fc.oneof(negatable('--ttl-eq', byte), plain('--ttl-lt', byte), plain('--ttl-gt', byte))),
  u32: ofAny(
    negatable(
      '--u32',
      fc.array(u32Test, { minLength: 1, maxLength: 3 }).map((tests) => `"${tests.join('&&')}"`),
    ),
  ),
  udp: ofProtocol(['udp'], someOf([negatable('--sport', portRange), negatable('--dport', portRange)])),
};

export interface TargetText extends MatchText {
  /** The tables in which it may be. */
  readonly tables: readonly string[];
}

const ALL_TABLES = ['raw', 'mangle', 'nat', 'filter', 'security'];
const target = (tables: readonly string[], text: Text, protocol?: string): fc.Arbitrary<TargetText> =>
  text.map((one) => ({ tables, text: one, ...(protocol === undefined ? {} : { protocol }) }));
const marks = [
  plain('--set-mark', masked),
  plain('--set-xmark', masked),
  plain('--and-mark', word),
  plain('--or-mark', word),
  plain('--xor-mark', word),
];
const shift = maybe(joined(' ', oneOf('--left-shift-mark', '--right-shift-mark'), number(0, 31)));

/** By name of the target: what may stand behind `-j NAME`. */
export const TARGET_TEXTS: Readonly<Record<string, fc.Arbitrary<TargetText>>> = {
  AUDIT: target(['raw', 'mangle', 'filter'], plain('--type', oneOf('accept', 'DROP', 'Reject'))),
  CHECKSUM: target(['mangle'], fc.constant('--checksum-fill')),
  CLASSIFY: target(['mangle', 'filter'], plain('--set-class', joined(':', hexWord, hexWord))),
  CONNMARK: target(
    ALL_TABLES,
    fc.oneof(
      fc.oneof(...marks),
      joined(
        ' ',
        oneOf('--save-mark', '--restore-mark'),
        maybe(plain('--nfmask', word)),
        maybe(plain('--ctmask', word)),
        shift,
      ),
      joined(' ', oneOf('--save-mark', '--restore-mark'), plain('--mask', word)),
    ),
  ),
  CONNSECMARK: target(['mangle', 'security'], oneOf('--save', '--restore')),
  CT: target(
    ['raw'],
    fc.oneof(
      oneOf('', '--notrack'),
      plain('--zone', fc.oneof(number(1, 65_535), oneOf('mark'))),
      plain('--zone-orig', number(1, 65_535)),
      plain('--ctevents', list(['new', 'reply', 'mark'])),
    ),
  ),
  DNAT: fc.oneof(
    target(['nat'], joined(' ', plain('--to-destination', natAddresses), oneOf('', '--persistent', '--random'))),
    target(['nat'], plain('--to-destination', joined(':', maybe(natAddresses), natPorts)), 'tcp'),
    target(
      ['nat'],
      plain(
        '--to-destination',
        joined(':', address, joined('/', oneOf('1-65535', '8000-8080', '22-23'), number(1, 65_535))),
      ),
      'udp',
    ),
  ),
  DSCP: target(
    ['mangle'],
    fc.oneof(plain('--set-dscp', number(0, 63)), plain('--set-dscp-class', oneOf('EF', 'be', 'AF21'))),
  ),
  ECN: fc.oneof(
    target(['mangle'], plain('--ecn-ip-ect', number(0, 3))),
    target(
      ['mangle'],
      fc.oneof(
        oneOf('--ecn-tcp-remove', '--ecn-tcp-remove --ecn-ip-ect 1'),
        someOf(['--ecn-tcp-cwr', '--ecn-tcp-ece'].map((name) => plain(name, number(0, 1)))),
      ),
      'tcp',
    ),
  ),
  HMARK: target(
    ['raw', 'mangle'],
    joined(
      ' ',
      fc.oneof(
        plain('--hmark-tuple', list(['ct', 'src', 'dst', 'sport', 'dport', 'proto'])),
        joined(
          ' ',
          plain('--hmark-src-prefix', number(0, 32)),
          plain('--hmark-spi-mask', word),
          plain('--hmark-spi', word),
        ),
        someOf([
          ...['--hmark-sport-mask', '--hmark-dport-mask', '--hmark-sport', '--hmark-dport', '--hmark-proto-mask'].map(
            (name) => plain(name, number(0, 65_535)),
          ),
          plain('--hmark-dst-prefix', number(0, 32)),
        ]),
      ),
      plain('--hmark-rnd', word),
      plain('--hmark-mod', number(1, 0xffffffff)),
      maybe(plain('--hmark-offset', word)),
    ),
  ),
  IDLETIMER: target(
    ALL_TABLES,
    joined(' ', plain('--timeout', number(1, 2_147_482)), oneOf('--label a', '--label b.c', '--label d --alarm')),
  ),
  LED: target(
    ['raw', 'mangle', 'filter'],
    joined(
      ' ',
      plain(
        '--led-trigger-id',
        fc.stringMatching(/^[a-z"\\ ]{1,15}x$/).map((id) => `"${id.replace(/["\\]/g, '\\$&')}"`),
      ),
      maybe(plain('--led-delay', number(0, 0x7fffffff))),
      oneOf('', '--led-always-blink'),
    ),
  ),
  LOG: target(
    ALL_TABLES,
    joined(
      ' ',
      maybe(plain('--log-prefix', quoted)),
      maybe(plain('--log-level', oneOf('0', '7', 'info', 'warning', 'panic', 'debug'))),
      maybe(
        someOf(
          ['--log-tcp-sequence', '--log-tcp-options', '--log-ip-options', '--log-uid', '--log-macdecode'].map((name) =>
            fc.constant(name),
          ),
        ),
      ),
    ),
  ),
  MARK: target(ALL_TABLES, fc.oneof(...marks)),
  MASQUERADE: fc.oneof(
    target(['nat'], oneOf('', '--random', '--random-fully')),
    target(['nat'], joined(' ', plain('--to-ports', natPorts), oneOf('', '--random')), 'udp'),
  ),
  NETMAP: target(['nat'], plain('--to', network)),
  NFLOG: target(
    ALL_TABLES,
    joined(
      ' ',
      maybe(plain('--nflog-prefix', quoted)),
      maybe(plain('--nflog-group', number(0, 65_535))),
      maybe(fc.oneof(plain('--nflog-size', word), plain('--nflog-range', word))),
      maybe(plain('--nflog-threshold', number(0, 65_535))),
    ),
  ),
  NFQUEUE: target(
    ALL_TABLES,
    joined(
      ' ',
      fc.oneof(
        maybe(plain('--queue-num', number(0, 65_535))),
        plain('--queue-balance', joined(':', number(0, 99), number(100, 65_535))),
        joined(' ', plain('--queue-balance', oneOf('0:1', '7:8', ':3')), fc.constant('--queue-cpu-fanout')),
      ),
      maybe(fc.constant('--queue-bypass')),
    ),
  ),
  NOTRACK: target(['raw'], oneOf('')),
  QUEUE: target(ALL_TABLES, fc.constant('')),
  RATEEST: target(
    ALL_TABLES,
    oneOf(
      '--rateest-name e1 --rateest-interval 250ms --rateest-ewmalog 1s',
      '--rateest-name e2 --rateest-interval 8s --rateest-ewmalog 4000s',
    ),
  ),
  REDIRECT: fc.oneof(target(['nat'], oneOf('', '--random')), target(['nat'], plain('--to-ports', natPorts), 'tcp')),
  REJECT: fc.oneof(
    target(
      ['filter'],
      oneOf('', '--reject-with icmp-net-unreachable', '--reject-with host-prohib', '--reject-with admin-prohib'),
    ),
    target(['filter'], fc.constant('--reject-with tcp-reset'), 'tcp'),
  ),
  SECMARK: target(['mangle', 'security'], plain('--selctx', oneOf('system_u:object_r:x_t:s0'))),
  SET: target(
    ['mangle', 'nat', 'filter'],
    joined(
      ' ',
      oneOf('--add-set a src', '--add-set a src,dst --exist', '--add-set a dst --timeout 60'),
      oneOf('', '--del-set b src'),
    ),
  ),
  SNAT: fc.oneof(
    target(
      ['nat'],
      joined(' ', plain('--to-source', natAddresses), oneOf('', '--persistent', '--random', '--random-fully')),
    ),
    target(['nat'], plain('--to-source', joined(':', natAddresses, natPorts)), 'tcp'),
  ),
  SYNPROXY: target(
    ['mangle', 'filter'],
    maybe(
      someOf([
        ...['--sack-perm', '--timestamp', '--ecn'].map((name) => fc.constant(name)),
        plain('--wscale', number(0, 14)),
        plain('--mss', number(0, 65_535)),
      ]),
    ),
    'tcp',
  ),
  TCPMSS: target(
    ALL_TABLES,
    fc.oneof(plain('--set-mss', number(0, 65_515)), oneOf('--clamp-mss-to-pmtu')),
    'tcp --syn',
  ),
  TCPOPTSTRIP: target(
    ['mangle'],
    fc.oneof(oneOf(''), plain('--strip-options', list(['mss', 'sack', '8', '0x13', '254']))),
    'tcp',
  ),
  TEE: target(
    ALL_TABLES,
    joined(' ', plain('--gateway', joined('.', number(1, 255), byte, byte, byte)), maybe(plain('--oif', device))),
  ),
  TOS: target(
    ['mangle'],
    fc.oneof(
      plain('--set-tos', fc.oneof(byte, joined('/', byte, byte), oneOf('Normal-Service'))),
      ...['--and-tos', '--or-tos', '--xor-tos'].map((name) => plain(name, byte)),
    ),
  ),
  TPROXY: fc
    .constantFrom('tcp', 'udp')
    .chain((protocol) =>
      target(
        ['mangle'],
        joined(' ', plain('--on-port', port), maybe(plain('--on-ip', address)), maybe(plain('--tproxy-mark', masked))),
        protocol,
      ),
    ),
  TRACE: target(['raw'], fc.constant('')),
  TTL: target(
    ['mangle'],
    fc.oneof(plain('--ttl-set', byte), ...['--ttl-inc', '--ttl-dec'].map((name) => plain(name, number(1, 255)))),
  ),
  ULOG: target(
    ALL_TABLES,
    joined(
      ' ',
      maybe(plain('--ulog-prefix', quoted)),
      maybe(plain('--ulog-nlgroup', number(1, 32))),
      maybe(plain('--ulog-cprange', word)),
      maybe(plain('--ulog-qthreshold', number(1, 50))),
    ),
  ),
};

const VERDICTS: readonly fc.Arbitrary<TargetText>[] = [
  '',
  '-j ACCEPT',
  '-j DROP',
  '-j RETURN',
  '-j OTHER',
  '-g OTHER',
].map(
  // The nat table takes no DROP.
  (text) => fc.constant({ tables: ALL_TABLES.filter((table) => table !== 'nat'), text }),
);
const TARGETS = fc.oneof(
  fc.oneof(...VERDICTS),
  ...Object.entries(TARGET_TEXTS).map(([name, texts]) =>
    texts.map((one) => ({ ...one, text: `-j ${name} ${one.text}` })),
  ),
);

const BASE = [
  negatable('-s', network),
  negatable('-d', network),
  negatable('-i', device),
  negatable('-o', device),
  joined('', not, fc.constant('-f')),
];

/** A rule behind `-A CHAIN`, in a table that allows it. */
export interface RuleText {
  readonly table: string;
  readonly text: string;
}

/** One rule with up to three matches. All that need a protocol need the same. */
export const ruleText: fc.Arbitrary<RuleText> = fc
  .tuple(
    fc.shuffledSubarray(BASE, { maxLength: 3 }).chain((chosen) => fc.tuple(...chosen)),
    fc.shuffledSubarray(Object.keys(MATCH_TEXTS), { maxLength: 3 }),
    TARGETS,
  )
  .chain(([base, names, { tables, text, protocol }]) =>
    fc
      .tuple(fc.constantFrom(...tables), ...names.map((name) => MATCH_TEXTS[name]))
      .map(([table, ...matches]) => ruleOf(table as string, base, names, matches as MatchText[], text, protocol)),
  );

function ruleOf(
  table: string,
  base: readonly string[],
  names: readonly string[],
  matches: readonly MatchText[],
  targetText: string,
  wanted: string | undefined,
): RuleText {
  const protocol = wanted ?? matches.find((match) => match.protocol !== undefined)?.protocol;
  const kept = names.flatMap((name, i) => {
    const match = matches[i];
    const isAllowed = match.tables?.includes(table) ?? true;
    const hasProtocol = match.protocol === undefined || match.protocol === protocol;
    return isAllowed && hasProtocol ? [`-m ${name} ${match.text}`.trimEnd()] : [];
  });
  // A fragment has no header that a match of a protocol could look at.
  const parts = [
    ...base.filter((part) => protocol === undefined || !part.endsWith('-f')),
    ...(protocol === undefined ? [] : [`-p ${protocol}`]),
    ...kept,
    targetText,
  ];
  return { table, text: parts.filter((part) => part !== '').join(' ') };
}
