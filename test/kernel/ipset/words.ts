/** Random elements and options for each type of set. */
import { odd, type SetGuess, type World } from './generator.js';

export const NASTY = [
  ...[
    '-exist',
    '-q',
    'timeout',
    '0',
    '',
    ',',
    '-',
    'comment',
    'family',
    'inet6',
    '--timeout',
    '-4',
    'nomatch',
    '[',
    ']',
  ],
  ...['a,b', 'x'.repeat(300), 'é', '"', '--', 'range', '1-2', '1.2.3.4'],
];
const COMMENTS = ['x', 'a b', 'ssh brute force', '', 'é → 😀', 'a"b', 'c'.repeat(255), 'c'.repeat(256), "it's", '\\'];

/** Time-outs that stay what they are, in hundreds of seconds, for the few seconds of a case. */
function timeout({ prng }: World): string {
  return prng.pick(['0', '550', '1050', '86450', '2147483', '0x226', '01152']);
}

function number(world: World, good: () => string): string {
  if (!odd(world)) return good();
  return world.prng.pick([
    '-1',
    '4294967296',
    'x',
    '',
    '18446744073709551616',
    '0x',
    '1x',
    ' 5',
    '+7',
    '65536',
    '256',
    '08',
  ]);
}

export function randomOptions(
  world: World,
  type: string,
  isIpv6: boolean,
): { words: string[]; extensions: readonly string[] } {
  const { prng } = world;
  const isHash = type.startsWith('hash:');
  const chosen: string[][] = [];
  const extensions: string[] = [];
  if (type.startsWith('bitmap:')) chosen.push(['range', bitmapRange(world, type)]);
  if (isIpv6)
    chosen.push(
      prng.weighted([
        [8, ['family', 'inet6']],
        [1, ['-6']],
        [1, ['family', 'ipv6']],
      ]),
    );
  else if (isHash && type !== 'hash:mac' && prng.chance(0.2)) {
    chosen.push(odd(world) ? ['family', prng.pick(['any', 'unspec', 'inet4', 'INET', ''])] : ['family', 'inet']);
  }
  if (isHash) {
    if (prng.chance(0.3))
      chosen.push(['hashsize', number(world, () => prng.pick(['64', '1', '0', '100', '1024', '2048', '5']))]);
    if (prng.chance(0.3))
      chosen.push(['maxelem', number(world, () => prng.pick(['65536', '65536', '200', '10', '3']))]);
    if (prng.chance(0.2))
      chosen.push(['bucketsize', number(world, () => prng.pick(['2', '12', '14', '3', '1', '0', '255', '16']))]);
    if (prng.chance(0.9) && type !== 'hash:ip,mac')
      chosen.push(['initval', prng.pick(['0', '1', '0xdeadbeef', '4294967295'])]);
    if (prng.chance(0.1)) chosen.push(['forceadd']);
    if (prng.chance(0.03) && odd(world)) chosen.push([prng.pick(['probes', 'resize', 'gc', 'from']), '4']);
  }
  const isMasked = ['hash:ip', 'hash:ip,port', 'hash:net,net', 'bitmap:ip'].includes(type);
  if (isMasked && prng.chance(0.25))
    chosen.push(['netmask', number(world, () => String(prng.between(1, isIpv6 ? 128 : 32)))]);
  if (isMasked && type !== 'bitmap:ip' && prng.chance(0.12)) {
    chosen.push([
      'bitmask',
      prng.pick(
        isIpv6
          ? ['ffff::', '::ffff', 'ffff:ffff::ff']
          : ['255.255.0.0', '255.0.255.0', '0.0.0.255', '0.0.0.0', '255.255.255.255', 'x'],
      ),
    ]);
  }
  if (type === 'hash:ip,mark' && prng.chance(0.4))
    chosen.push(['markmask', number(world, () => prng.pick(['0xff', '255', '0', '0xffff0000']))]);
  if (type === 'list:set' && prng.chance(0.3))
    chosen.push(['size', number(world, () => prng.pick(['8', '2', '0', '100']))]);
  for (const name of ['timeout', 'counters', 'comment', 'skbinfo']) {
    if (!prng.chance(0.3)) continue;
    extensions.push(name);
    chosen.push(name === 'timeout' ? [name, number(world, () => timeout(world))] : [name]);
  }
  const words = prng.shuffled(chosen).flat();
  if (odd(world)) words.splice(prng.below(words.length + 1), 0, prng.pick(NASTY));
  return { words, extensions };
}

function bitmapRange(world: World, type: string): string {
  const { prng } = world;
  if (type === 'bitmap:port') {
    return odd(world)
      ? prng.pick([
          '5',
          '10-5',
          'ssh-http',
          'udp:1-5',
          'tcp:ssh-[http]',
          '1-70000',
          'icmp:1-2',
          '0-65535',
          '-5',
          '[ssh]-[ftp-data]',
        ])
      : prng.pick(['1-100', '0-1023', '80-443']);
  }
  if (odd(world))
    return prng.pick([
      '10.0.0.1',
      '10.0.0.9-10.0.0.2',
      '10.0.0.0/32',
      '10.0.0.0/8',
      '0.0.0.0/0',
      '10.0.0.0/31',
      '::/8',
      '10.0.0.0-10.1.0.0',
      'x-y',
      '10.0.0/24',
      '[10.0.0.1]-10.0.0.5',
    ]);
  return prng.pick(['10.0.0.0/24', '10.0.0.0-10.0.0.40', '10.0.0.0/28', '10.0.0.0/16']);
}

/** The element, and options behind it, for COMMAND on a set like GUESS. */
export function randomElement(world: World, guess: SetGuess, command: string): string[] {
  const { prng } = world;
  const { type, isIpv6, extensions } = guess;
  const [, parts] = type.split(':');
  let seen = 0;
  const words = parts.split(',').map((part) => partText(world, part, type, isIpv6 !== odd(world), command, seen++));
  const element = type === 'bitmap:ip,mac' && prng.chance(0.4) ? words[0] : words.join(',');
  const options: string[][] = [];
  if (command === 'add' || odd(world)) {
    for (const name of ['timeout', 'counters', 'comment', 'skbinfo']) {
      const isThere = extensions.includes(name);
      if (prng.chance(isThere ? 0.5 : 0.01)) options.push(...extensionWords(world, name));
    }
  }
  const isNet = /net/.test(parts);
  if (isNet && command !== 'del' && prng.chance(0.1)) options.push(['nomatch']);
  if (parts.includes('iface') && command === 'add' && prng.chance(0.2)) options.push(['wildcard']);
  if (type === 'list:set' && prng.chance(0.25)) options.push([prng.pick(['before', 'after']), setName(world)]);
  const all = prng.shuffled(options).flat();
  return [odd(world) ? oddElement(world, element) : element, ...all];
}

function oddElement({ prng }: World, element: string): string {
  return prng.pick([
    `${element},`,
    `,${element}`,
    `${element},1`,
    element.replace(',', ',,'),
    element.split(',')[0],
    `${element}/24`,
    `[${element}]`,
    `${element}-`,
    '',
    '0',
    '0.0.0.0',
    '::',
  ]);
}

function extensionWords(world: World, name: string): string[][] {
  const { prng } = world;
  switch (name) {
    case 'timeout':
      return [['timeout', number(world, () => timeout(world))]];
    case 'counters': {
      const all = ['packets', 'bytes'].map((word) => [
        word,
        number(world, () => prng.pick(['0', '1', '42', '18446744073709551614', '0x10'])),
      ]);
      return prng.some(all, prng.between(1, 2));
    }
    case 'comment':
      return [['comment', odd(world) ? prng.pick(COMMENTS) : prng.pick(COMMENTS.slice(0, 3))]];
    default: {
      const all = [
        [
          'skbmark',
          odd(world)
            ? prng.pick(['1', '0x', '0x1/', 'x', '0x1/2', '0x1ffffffff', '0x-1'])
            : prng.pick(['0x1', '0x10/0xff', '0x0', '0xdeadbeef/0xffffffff']),
        ],
        ['skbprio', odd(world) ? prng.pick(['1', ':', '1:', 'x:1']) : prng.pick(['1:10', '0:0', 'ffff:1'])],
        ['skbqueue', number(world, () => prng.pick(['0', '1', '65535']))],
      ];
      return prng.some(all, prng.between(1, 3));
    }
  }
}

function setName({ prng, sets }: World): string {
  const names = [...sets.keys()].filter((name) => name !== '');
  return prng.chance(0.1) || names.length === 0 ? 'nosuch' : prng.pick(names);
}

function partText(world: World, part: string, type: string, isIpv6: boolean, command: string, at: number): string {
  switch (part) {
    case 'ip':
    case 'net':
      return isIpv6 ? ipv6(world, part) : ipv4(world, part, command, type, at);
    case 'port':
      return port(world, command, type, isIpv6);
    case 'mac':
      return mac(world);
    case 'mark':
      return number(world, () => world.prng.pick(['0', '1', '0xff', '255', '0x1ff']));
    case 'iface':
      return odd(world)
        ? world.prng.pick(['', 'x'.repeat(15), 'x'.repeat(16), 'physdev:', 'é'])
        : world.prng.pick(['eth0', 'eth1', 'physdev:eth0', 'lo', 'eth']);
    default:
      return odd(world)
        ? world.prng.pick(['', 'x'.repeat(31), 'x'.repeat(32), 'a,before,b', 'a,after,b', 'a,x,b', 'a,before'])
        : setName(world);
  }
}

function ipv4(world: World, part: string, command: string, type: string, at: number): string {
  const { prng } = world;
  const ip = `10.0.0.${prng.below(12)}`;
  if (odd(world)) {
    return prng.pick([
      '10.1',
      '10',
      '010.0.0.1',
      '10.0.0.256',
      '10.0.0',
      '0.0.0.0',
      '255.255.255.255',
      'x.y',
      '1.2.3.4.5',
      '10.0.0.1/32',
      '10.0.0.1/0',
      '10.0.0.0/33',
      '10.0.0.0/x',
      '10.0.0.5-10.0.0.2',
      '10.0.0.1-',
      '[10.0.0.1]',
      '[10.0.0.1',
      '10.0.0.1-x',
      '::1',
      '0.0.0.0/0',
      '0.0.0.0-255.255.255.255',
      '10.0.0.0/8',
    ]);
  }
  const mayBeRange = command !== 'test' && type !== 'bitmap:ip,mac' && !(part === 'ip' && at > 0);
  if (part === 'net') {
    const net = prng.pick([
      `10.0.0.${prng.below(8) * 4}/30`,
      '10.0.0.0/24',
      `10.${prng.below(3)}.0.0/16`,
      `${ip}/31`,
      `${ip}/32`,
      ip,
      ip,
    ]);
    return mayBeRange && prng.chance(0.1) ? `10.0.0.${prng.below(6)}-10.0.0.${prng.between(6, 20)}` : net;
  }
  if (mayBeRange && prng.chance(0.1)) return prng.pick([`${ip}-10.0.0.${prng.below(20)}`, `${ip}/30`, '10.0.0.0/29']);
  return ip;
}

function ipv6(world: World, part: string): string {
  const { prng } = world;
  const ip = `2001:db8::${prng.below(6)}`;
  if (odd(world))
    return prng.pick([
      '::',
      '::1',
      'fe80::1%lo',
      '1.2.3.4',
      '::ffff:1.2.3.4',
      'x::',
      ':::',
      '2001:db8::/129',
      '2001:db8::1-2001:db8::5',
      '2001:db8::1/0',
      '2001:db8::1/128',
      '[2001:db8::1]',
      '2001:DB8::A',
      '::1.2.3.4.',
    ]);
  return part === 'net' ? prng.pick([`${ip}/64`, `2001:db8:${prng.below(3)}::/48`, ip, `${ip}/127`, `${ip}/128`]) : ip;
}

function port(world: World, command: string, type: string, isIpv6: boolean): string {
  const { prng } = world;
  if (odd(world)) {
    return prng.pick([
      '65536',
      'nosuch',
      'tcp:',
      ':5',
      'nosuch:5',
      'udp:nosuch',
      '6:80',
      '17:53',
      '0',
      'ip:0',
      '0:0',
      'vrrp:1',
      'gre:0',
      'icmp:8',
      'icmp:300/1',
      '90-80',
      '80-x',
      '[ssh]',
      '[ftp-data]-[ssh]',
      'TCP:80',
      'ICMPV6:128/0',
      'mptcp:0',
      '255:0',
      'tcp:-5',
      'domain',
      'udp:domain',
      'ssh-http',
      '132:1',
    ]);
  }
  if (type === 'bitmap:port') {
    const range = command !== 'test' && prng.chance(0.2);
    return range
      ? `${prng.between(80, 90)}-${prng.between(85, 120)}`
      : prng.pick(['80', '81', '99', 'tcp:85', 'udp:86', 'http', 'udp:ntp', '443', '1']);
  }
  const icmp = isIpv6
    ? ['icmpv6:ping', 'icmpv6:128/0', 'ipv6-icmp:1/1', 'icmpv6:200/3']
    : ['icmp:ping', 'icmp:8/0', 'icmp:echo-reply', 'icmp:200/7', 'icmp:TOS-host-redirect'];
  if (command !== 'test' && prng.chance(0.1)) return prng.pick(['80-83', 'udp:53-55', 'sctp:1-3']);
  return prng.pick([
    '80',
    '443',
    'tcp:80',
    'udp:53',
    'sctp:5',
    'udplite:7',
    'http',
    'udp:ntp',
    'vrrp:0',
    '47:0',
    'esp:0',
    ...icmp,
  ]);
}

function mac(world: World): string {
  const { prng } = world;
  if (odd(world))
    return prng.pick([
      '00:00:00:00:00:00',
      '1:2:3:4:5:6',
      '1:2:3:4:5',
      '1:2:3:4:5:6:7',
      'x',
      ':::::',
      '100:1:1:1:1:1',
      '02-42-ac-11-00-02',
      '0x1:2:3:4:5:6',
      '-1:2:3:4:5:6',
      'FF:ff:Ff:0:0:0',
    ]);
  return `02:42:ac:11:00:0${prng.below(4)}`;
}
